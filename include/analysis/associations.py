"""How strongly two columns go together, whatever their kinds.

Two columns of numbers: Pearson's and Spearman's correlation. Two categories: Cramér's V with
Bergsma's correction for chance. A number and a category: the correlation ratio with Kelley's. All
of them are 0 for no association and 1 (Pearson also −1) for a complete one.

The corrections take off what chance gives on average; a single pair of unrelated columns may still
come out above 0. How far, two standard deviations of the measure tell: the `chance` of a pair.
"""

from itertools import combinations
from typing import Final

import numpy as np
import pandas as pd

from include.records.analysis import Association

MIN_ROWS: Final = 10
MAX_LEVELS: Final = 50
MAX_COLUMNS: Final = 60
OTHER: Final = "(other)"


def associate(frame: pd.DataFrame) -> tuple[Association, ...]:
    """Measure all pairs of columns, each pair once, by falling absolute value.

    Args:
        frame: float64 columns are numbers, all others categories; missing values allowed.

    Returns:
        The pairs that can be measured: at least ten common rows and more than one value each.

    Example:
        >>> frame = pd.DataFrame({"a": np.arange(20.0), "b": -np.arange(20.0)})
        >>> [(pair.left, pair.right, pair.value) for pair in associate(frame)]
        [('a', 'b', -1.0)]
    """
    names = [str(name) for name in frame]
    numbers = [name for name in names if frame[name].dtype == np.float64]
    categories = [name for name in names if name not in numbers]
    codes = {name: code_levels(frame[name]) for name in categories}
    pairs = [
        *_number_pairs(frame[numbers]),
        *_category_pairs(codes),
        *_mixed_pairs({name: frame[name].to_numpy() for name in numbers}, codes),
    ]
    order = {name: place for place, name in enumerate(names)}
    tidy = [_in_order(pair, order) for pair in pairs if np.isfinite(pair.value)]
    return tuple(
        sorted(tidy, key=lambda pair: (-pair.strength, order[pair.left], order[pair.right]))
    )


def cramers_v(left: np.ndarray, right: np.ndarray, *, is_corrected: bool = True) -> float:
    """Measure the association of two categories given as codes 0, 1, …; NaN if undefined.

    The correction takes off what chance alone would give small tables with many levels.

    Args:
        left: Code of each row.
        right: Code of each row.
        is_corrected: Whether to apply the correction of Bergsma (2013), "A bias-correction for
            Cramér's V and Tschuprow's T", Journal of the Korean Statistical Society 42.
    """
    table = _contingency(left, right)
    n, (height, width) = table.sum(), table.shape
    if n < 2 or min(height, width) < 2:
        return float("nan")
    expected = np.outer(table.sum(axis=1), table.sum(axis=0)) / n
    phi2 = float(((table - expected) ** 2 / expected).sum() / n)
    if not is_corrected:
        return float(np.sqrt(phi2 / (min(height, width) - 1)))
    phi2 = max(0.0, phi2 - (height - 1) * (width - 1) / (n - 1))
    height = height - (height - 1) ** 2 / (n - 1)
    width = width - (width - 1) ** 2 / (n - 1)
    room = min(height, width) - 1
    return float(min(1.0, np.sqrt(phi2 / room))) if room > 0 else float("nan")


def correlation_ratio(codes: np.ndarray, values: np.ndarray, *, is_corrected: bool = True) -> float:
    """Measure how much of a number's spread a category explains; NaN if undefined.

    Without the correction it is Fisher's eta, which grows with the number of levels even if the
    category explains nothing. The correction compares variances in place of sums of squares and
    gives the square root of epsilon squared, 0 where that is negative.

    Args:
        codes: Code 0, 1, … of each row's category.
        values: The number of each row, none missing.
        is_corrected: Whether to apply the correction of Kelley (1935), "An unbiased correlation
            ratio measure", Proceedings of the National Academy of Sciences 21.
    """
    if len(values) < 2:
        return float("nan")
    deviations = values - values.mean()
    total = float((deviations**2).sum())
    counts = np.bincount(codes)
    sums = np.bincount(codes, weights=deviations)
    rows, levels = len(values), int((counts > 0).sum())
    if total <= 0 or levels < 2:
        return float("nan")
    between = float((sums[counts > 0] ** 2 / counts[counts > 0]).sum())
    eta2 = min(1.0, between / total)
    if not is_corrected:
        return float(np.sqrt(eta2))
    if levels >= rows:
        return float("nan")
    return float(np.sqrt(max(0.0, 1 - (1 - eta2) * (rows - 1) / (rows - levels))))


def code_levels(column: pd.Series) -> np.ndarray:
    """Number the levels of a category by falling frequency; −1 is missing, the rest one level."""
    levels = column.value_counts().index[:MAX_LEVELS]
    kept = column.where(column.isin(levels) | column.isna(), OTHER)
    codes, _ = pd.factorize(kept, use_na_sentinel=True)
    return np.asarray(codes)


def _number_pairs(frame: pd.DataFrame) -> list[Association]:
    varying = frame.loc[:, frame.min() < frame.max()]
    if varying.shape[1] < 2:
        return []
    pearson = varying.corr(method="pearson", min_periods=MIN_ROWS).to_numpy()
    spearman = varying.corr(method="spearman", min_periods=MIN_ROWS).to_numpy()
    is_there = varying.notna().to_numpy().astype(np.float64)
    rows = is_there.T @ is_there
    return [
        Association(
            left=str(varying.columns[i]),
            right=str(varying.columns[j]),
            measure="pearson",
            value=_round(pearson[i, j]),
            spearman=_round(spearman[i, j]) if np.isfinite(spearman[i, j]) else None,
            rows=int(rows[i, j]),
            chance=_round(2 / np.sqrt(max(1.0, rows[i, j]))),
        )
        for i, j in combinations(range(varying.shape[1]), 2)
    ]


def _category_pairs(codes: dict[str, np.ndarray]) -> list[Association]:
    pairs = []
    for left, right in combinations(codes, 2):
        both = (codes[left] >= 0) & (codes[right] >= 0)
        if both.sum() >= MIN_ROWS:
            ours, theirs = codes[left][both], codes[right][both]
            pairs.append(
                Association(
                    left=left,
                    right=right,
                    measure="cramers_v",
                    value=_round(cramers_v(ours, theirs)),
                    rows=int(both.sum()),
                    chance=_round(_chance_of_v(ours, theirs)),
                )
            )
    return pairs


def _mixed_pairs(numbers: dict[str, np.ndarray], codes: dict[str, np.ndarray]) -> list[Association]:
    pairs = []
    for number, values in numbers.items():
        for category, code in codes.items():
            both = (code >= 0) & np.isfinite(values)
            if both.sum() >= MIN_ROWS:
                pairs.append(
                    Association(
                        left=number,
                        right=category,
                        measure="correlation_ratio",
                        value=_round(correlation_ratio(code[both], values[both])),
                        rows=int(both.sum()),
                        chance=_round(_chance_of_ratio(code[both])),
                    )
                )
    return pairs


def _chance_of_ratio(codes: np.ndarray) -> float:
    """Tell what an unrelated number reaches: two standard deviations of epsilon squared.

    Eta squared of an unrelated normal number follows a beta distribution.
    """
    rows, levels = len(codes), len(np.unique(codes))
    if levels >= rows:
        return 1.0
    deviation = np.sqrt(2 * (levels - 1) * (rows - levels) / (rows + 1)) / (rows - 1)
    return float(min(1.0, np.sqrt(2 * deviation * (rows - 1) / (rows - levels))))


def _chance_of_v(left: np.ndarray, right: np.ndarray) -> float:
    """Tell what unrelated categories reach: two standard deviations of chi squared over n."""
    rows, height, width = len(left), len(np.unique(left)), len(np.unique(right))
    room = min(height, width) - 1
    if room < 1:
        return 1.0
    return float(min(1.0, np.sqrt(2 * np.sqrt(2 * (height - 1) * (width - 1)) / rows / room)))


def _contingency(left: np.ndarray, right: np.ndarray) -> np.ndarray:
    width = int(right.max()) + 1 if len(right) else 0
    height = int(left.max()) + 1 if len(left) else 0
    cells = np.bincount(left * max(width, 1) + right, minlength=height * width)
    table = cells.reshape(height, width).astype(np.float64)
    return np.asarray(table[table.sum(axis=1) > 0][:, table.sum(axis=0) > 0])


def _in_order(pair: Association, order: dict[str, int]) -> Association:
    if order[pair.left] <= order[pair.right]:
        return pair
    return pair.model_copy(update={"left": pair.right, "right": pair.left})


def _round(value: float) -> float:
    return round(float(value), 6)
