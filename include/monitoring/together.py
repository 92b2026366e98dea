"""Drift of all columns together: can a classifier tell the window's rows from the reference's?

It finds what no column shows by itself, such as a correlation that turned.
"""

from typing import Any, Final

import numpy as np
import pandas as pd
from scipy import stats

from include.monitoring.reference import MAX_VALUES, Floats, as_numbers, count_values, is_number
from include.records.monitoring import TOGETHER, ColumnDrift

# Of each side; more rows would find shifts that are too small to matter.
MAX_ROWS: Final = 5_000
FOLDS: Final = 5


def choose_rows(rows: int) -> "np.ndarray[Any, np.dtype[np.int64]]":
    """Choose at most 5,000 rows by chance, the same ones whenever it is asked."""
    random = np.random.default_rng(rows)
    return np.sort(random.choice(rows, min(rows, MAX_ROWS), replace=False))


def compare_together(
    before: pd.DataFrame | None, now: pd.DataFrame, *, min_rows: int
) -> ColumnDrift:
    """Compare rows of a window with rows of the reference; the p-value is not adjusted yet.

    Gradient boosting learns which side a row is of, on four fifths of the rows, and answers for
    the others (Lopez-Paz and Oquab 2017, "Revisiting classifier two-sample tests"). Each fold has
    the p-value of Mann and Whitney; twice their median is one p-value, however they hang together
    (Meinshausen, Meier and Bühlmann 2009). The area under the ROC curve is also given as the
    population stability index that two normal distributions of this area have.

    Args:
        before: Rows of the reference; None where they are not kept.
        now: Rows of the window, with the same columns.
        min_rows: Fewest rows of either that say anything.
    """
    rows = len(now)
    if before is None:
        return ColumnDrift(name=TOGETHER, state="no baseline", rows=rows)
    if min(rows, len(before)) < max(min_rows, 2 * FOLDS):
        return ColumnDrift(name=TOGETHER, state="too little data", rows=rows)
    areas, p_values = _tell_apart(before, now)
    area = float(np.mean(areas))
    apart = max(float(stats.norm.ppf(min(area, 1 - 1e-6))), 0.0)
    return ColumnDrift(
        name=TOGETHER,
        state="stable",
        rows=rows,
        p_value=min(1.0, 2 * float(np.median(p_values))),
        psi=2 * apart**2,
        distance=area,
    )


def _tell_apart(before: pd.DataFrame, now: pd.DataFrame) -> tuple[list[float], list[float]]:
    from sklearn.ensemble import HistGradientBoostingClassifier
    from sklearn.model_selection import StratifiedKFold
    from threadpoolctl import threadpool_limits

    both = pd.concat([before, now], ignore_index=True)
    encoded = [_encode(both[name]) for name in both]
    x = np.column_stack([column for column, _ in encoded])
    y = np.repeat([0, 1], [len(before), len(now)])
    areas, p_values = [], []
    # On few rows threads wait for each other longer than they work.
    with threadpool_limits(1):
        for learned, asked in StratifiedKFold(FOLDS, shuffle=True, random_state=0).split(x, y):
            model = HistGradientBoostingClassifier(
                max_iter=40,
                max_leaf_nodes=15,
                early_stopping=False,
                categorical_features=[is_category for _, is_category in encoded],
                random_state=0,
            )
            model.fit(x[learned], y[learned])
            scores, is_now = model.predict_proba(x[asked])[:, 1], y[asked] == 1
            found = stats.mannwhitneyu(
                scores[is_now], scores[~is_now], alternative="greater", method="asymptotic"
            )
            areas.append(float(found.statistic) / (is_now.sum() * (~is_now).sum()))
            p_values.append(float(found.pvalue))
    return areas, p_values


def _encode(values: "pd.Series[Any]") -> tuple[Floats, bool]:
    """Give numbers as they are, and the most frequent other values as places; all the rest is one.

    Returns:
        The values, and whether they are places.
    """
    if is_number(values):
        numbers, is_there = np.full(len(values), np.nan), values.notna().to_numpy()
        numbers[is_there] = as_numbers(values[is_there])
        return np.where(np.isfinite(numbers), numbers, np.nan), False
    known = count_values(values.dropna()).head(MAX_VALUES).index
    places = pd.Index(known).get_indexer(values.astype(str)).astype(np.float64)
    places[places < 0] = len(known)
    return np.where(values.isna(), np.nan, places), True
