"""Drift of a window of rows: which columns moved, corrected for how many were looked at."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final

import numpy as np
import pandas as pd

from include.monitoring.distances import (
    bin_shares,
    chi_square,
    jensen_shannon,
    kolmogorov_smirnov,
    largest_difference,
    psi,
    wasserstein,
)
from include.monitoring.reference import ColumnReference, Floats, as_numbers, count_values
from include.records.monitoring import ColumnDrift

# Shares of missing and of unknown values are tested beside the values themselves.
OTHER: Final = "(other)"


def compare_column(
    reference: ColumnReference | None, name: str, values: "pd.Series[Any]", *, min_rows: int
) -> ColumnDrift:
    """Compare a column of a window with its reference; its p-value is not adjusted yet.

    The p-value is the smaller one of two tests, of the values and of the share of missing ones,
    times two (Bonferroni).

    Args:
        reference: The column's reference; None if the model has none.
        name: Name of the column.
        values: The window's values.
        min_rows: Fewest rows, of window and reference, that say anything.
    """
    present = values.dropna()
    is_number = reference is not None and reference.kind == "number"
    compare = _compare_numbers if is_number else _compare_categories
    missing = len(values) - len(present)
    return _compare(
        *(reference, name, compare, present), rows=len(values), missing=missing, min_rows=min_rows
    )


def compare_counts(
    reference: ColumnReference | None, name: str, counts: Mapping[str, int], *, min_rows: int
) -> ColumnDrift:
    """Compare as `compare_column` does, where only the rows of each category are known.

    Args:
        reference: The column's reference; None if the model has none.
        name: Name of the column.
        counts: Rows by category; none is missing.
        min_rows: Fewest rows, of window and reference, that say anything.
    """
    counted = pd.Series(counts, dtype=np.int64)
    rows = int(counted.sum())
    return _compare(
        *(reference, name, _compare_counts, counted), rows=rows, missing=0, min_rows=min_rows
    )


def _compare(
    reference: ColumnReference | None,
    name: str,
    compare: Callable[[ColumnReference, "pd.Series[Any]", dict[str, Any]], float],
    seen: "pd.Series[Any]",
    *,
    rows: int,
    missing: int,
    min_rows: int,
) -> ColumnDrift:
    if reference is None or not reference.rows:
        return ColumnDrift(name=name, state="no baseline", rows=rows)
    found: dict[str, Any] = {
        "name": name,
        "rows": rows,
        "missing": missing / max(rows, 1),
        "missing_before": reference.missing / reference.rows,
    }
    if min(rows, reference.rows) < min_rows:
        return ColumnDrift(state="too little data", **found)
    gone = np.array([[reference.missing, reference.present], [missing, rows - missing]], float)
    tests = [chi_square(gone[0], gone[1])]
    if rows > missing and reference.present:
        tests.append(compare(reference, seen, found))
    return ColumnDrift(state="stable", p_value=min(1.0, min(tests) * len(tests)), **found)


def _compare_numbers(
    reference: ColumnReference, present: "pd.Series[Any]", found: dict[str, Any]
) -> float:
    values = as_numbers(present)
    values = np.sort(values[np.isfinite(values)])
    before, now = bin_shares(reference, values)
    distance, p_value = kolmogorov_smirnov(reference, values)
    found |= {
        "psi": psi(before, now),
        "jensen_shannon": jensen_shannon(before, now),
        "distance": distance,
        "wasserstein": wasserstein(reference, values),
    }
    return p_value


def _compare_categories(
    reference: ColumnReference, present: "pd.Series[Any]", found: dict[str, Any]
) -> float:
    return _compare_counts(reference, count_values(present), found)


def _compare_counts(
    reference: ColumnReference, counts: "pd.Series[int]", found: dict[str, Any]
) -> float:
    names = [*reference.counts, OTHER]
    known = np.array([counts.get(name, 0) for name in reference.counts], dtype=float)
    now: Floats = np.append(known, counts.sum() - known.sum())
    rest = reference.present - sum(reference.counts.values())
    before: Floats = np.array([*reference.counts.values(), rest], dtype=float)
    left, right = before / before.sum(), now / now.sum()
    found |= {
        "psi": psi(left, right),
        "jensen_shannon": jensen_shannon(left, right),
        "distance": largest_difference(left, right),
        "unknown": float(right[names.index(OTHER)]) if not rest else 0.0,
    }
    return chi_square(before, now)


def judge_window(
    found: Iterable[ColumnDrift], *, alpha: float, min_shift: float
) -> tuple[ColumnDrift, ...]:
    """Say which columns of a window drifted.

    A column drifted if chance explains its difference with a probability below `alpha` after the
    correction of Holm (1979) for all columns of the window, and if the difference is large enough
    to matter: a population stability index of at least `min_shift`, or so many times more or
    fewer missing values. A stable window gives any false alarm with a probability of at most
    `alpha`.

    Args:
        found: Columns with raw p-values.
        alpha: Probability of a false alarm in a window.
        min_shift: Least population stability index that matters.
    """
    columns = list(found)
    tested = [each for each in columns if each.state == "stable"]
    adjusted = holm([each.p_value for each in tested])
    judged = iter(
        _judge(each.model_copy(update={"p_value": p_value}), alpha, min_shift)
        for each, p_value in zip(tested, adjusted, strict=True)
    )
    return tuple(next(judged) if each.state == "stable" else each for each in columns)


def _judge(column: ColumnDrift, alpha: float, min_shift: float) -> ColumnDrift:
    gone = np.array([column.missing_before, 1 - column.missing_before])
    shift = max(column.psi, psi(gone, np.array([column.missing, 1 - column.missing])))
    if column.p_value >= alpha or shift < min_shift:
        return column
    reason = f"population stability index {shift:.2f}, by chance {column.p_value:.1g}"
    return column.model_copy(update={"state": "drift", "reason": reason})


def holm(p_values: Sequence[float]) -> list[float]:
    """Adjust p-values so that the chance of any false alarm stays below the level (Holm 1979).

    Example:
        >>> holm([0.01, 0.04, 0.03])
        [0.03, 0.06, 0.06]
    """
    order = np.argsort(p_values)
    adjusted, largest = [1.0] * len(p_values), 0.0
    for rank, place in enumerate(order):
        largest = max(largest, min(1.0, float(p_values[place]) * (len(p_values) - rank)))
        adjusted[int(place)] = round(largest, 12)
    return adjusted
