"""The signs by which one column gives the target away: ranks, ranges, values, copies."""

from typing import Final

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow.compute as pc

from include.features.contract import FeatureColumn
from include.features.typed_values import read_numbers, read_texts, read_times
from include.specs.columns import BooleanColumn, CategoryColumn, NumericColumn, TextColumn
from include.values.statistics import Floats

LIMIT: Final = 0.999
# Of the middle of the distances from the middle: one far row explains nothing of the others.
TYPICAL: Final = 0.1
_ROWS_PER_VALUE: Final = 10
# A rounded copy has so many values, in so many rows; halves are not exact.
_LEVELS: Final = 4
_MIN_ROUNDED: Final = 30
_HALF: Final = 0.5 + 1e-9
# Ranges of a target hold so many rows each, and so much of their span lies between two at most.
_ROWS_PER_BAND: Final = 5
_NEAR: Final = 0.2
Codes = npt.NDArray[np.int64]


def explain(column: FeatureColumn, series: pd.Series, codes: Codes | None, target: Floats) -> str:
    """Explain how a column determines the target; an empty text if it does not.

    Args:
        column: Its contract.
        series: Its values in some training rows.
        codes: The class of each row, counted from 0; None for a regression.
        target: The target of each row as a number.
    """
    values = _read_ranks(column, series)
    if values is None:
        return _explain_mapping(_number_texts(series), codes, target)
    if values.min() == values.max():
        return ""
    if codes is None and isinstance(column, NumericColumn):
        rounded = _explain_rounding(read_numbers(series, str(series.name)), target)
        if rounded:
            return rounded
    return _explain_ranking(values, codes, target) or _explain_mapping(
        number_values(values), codes, target
    )


def explain_copy(
    column: FeatureColumn, series: pd.Series, codes: Codes | None, target: Floats
) -> str:
    """Explain a column whose values stand for the classes one to one, which few rows can show."""
    ranks = _read_ranks(column, series)
    values = _number_texts(series) if ranks is None else number_values(ranks)
    classes = number_values(target)
    pairs = np.unique(values * (int(classes.max()) + 1) + classes).size
    if pairs == np.unique(values).size == np.unique(classes).size:
        return f"its {pairs} values are the classes by other names"
    return ""


def explain_bands(
    column: FeatureColumn, series: pd.Series, codes: Codes | None, target: Floats
) -> str:
    """Explain names of ranges of the target: each begins where another ends.

    Kinds of things that are far apart in it have room between them. Of rows in the order of time
    this says nothing: each month has a range of what only rises.
    """
    if codes is not None or not isinstance(column, CategoryColumn | BooleanColumn):
        return ""
    values = _number_texts(series)
    rows = np.bincount(values)
    if len(rows) < 2 or rows.min() < _ROWS_PER_BAND:
        return ""
    lows, highs = np.full(len(rows), np.inf), np.full(len(rows), -np.inf)
    np.minimum.at(lows, values, target)
    np.maximum.at(highs, values, target)
    order = np.argsort(lows)
    lows, highs = lows[order], highs[order]
    spans, gaps = highs - lows, lows[1:] - highs[:-1]
    if np.all((gaps >= 0) & (gaps <= _NEAR * np.minimum(spans[1:], spans[:-1]))):
        return f"{len(rows)} values of it stand for neighbouring ranges of the target"
    return ""


def _read_ranks(column: FeatureColumn, series: pd.Series) -> Floats | None:
    """Read what can be ordered as ranks; a gap is the smallest, as gaps may tell by themselves."""
    if isinstance(column, CategoryColumn | BooleanColumn):
        return None
    if isinstance(column, TextColumn):
        texts = read_texts(series)
        values = pd.to_numeric(texts.to_pandas(), errors="coerce").to_numpy(dtype=np.float64)
        if np.isnan(values).sum() > texts.null_count:
            return None
    elif series.dtype.kind == "M":
        times = read_times(series, str(series.name))
        values = times.astype(np.int64).astype(np.float64)
        values[np.isnat(times)] = np.nan
    else:
        values = read_numbers(series, str(series.name))
    if np.isnan(values).all():
        return np.zeros(len(values))
    return np.asarray(pd.Series(values).rank(na_option="top"), dtype=np.float64)


def _number_texts(series: pd.Series) -> Codes:
    texts = pc.fill_null(pc.utf8_trim_whitespace(read_texts(series)), "(missing)")
    return number_values(texts.to_pandas())


def number_values(values: pd.Series | npt.NDArray[np.generic]) -> Codes:
    """Number the distinct values from 0."""
    return np.asarray(pd.factorize(values)[0], dtype=np.int64)


def _explain_ranking(ranks: Floats, codes: Codes | None, target: Floats) -> str:
    if codes is not None and codes.max() > 1:
        return _explain_ranges(ranks, codes)
    if codes is None:
        other = pd.Series(target).rank().to_numpy()
        if other.min() == other.max():
            return ""
        score = abs(float(np.corrcoef(ranks, other)[0, 1]))
        return f"rank correlation {score:.4f}" if score >= LIMIT else ""
    positives = int(codes.sum())
    pairs = positives * (len(codes) - positives)
    area = (ranks[codes == 1].sum() - positives * (positives + 1) / 2) / pairs
    area = max(area, 1 - area)
    return f"area under the ROC curve {area:.4f}" if area >= LIMIT else ""


def _explain_rounding(values: Floats, target: Floats) -> str:
    """Explain a column that is the target rounded: no farther from it than half of its own step."""
    is_known = np.isfinite(values)
    values, target = values[is_known], target[is_known]
    distinct = np.unique(values)
    if len(distinct) < _LEVELS or len(values) < _MIN_ROUNDED:
        return ""
    step = float(np.diff(distinct).min())
    apart = (target - values) / step
    is_rounded = max(
        np.mean(np.abs(apart) <= _HALF),
        np.mean((apart >= 0) & (apart < 1)),
        np.mean((apart <= 0) & (apart > -1)),
    )
    is_coarser = len(np.unique(target)) > len(distinct)
    return f"it is the target rounded to {step:g}" if is_coarser and is_rounded >= LIMIT else ""


def _explain_ranges(ranks: Floats, codes: Codes) -> str:
    majorities, wrong = find_majorities(pd.factorize(ranks, sort=True)[0], codes)
    runs = 1 + int((majorities[1:] != majorities[:-1]).sum())
    classes = int(codes.max()) + 1
    slack = (1 - LIMIT) * len(codes)
    if wrong <= slack and runs - classes <= 2 * slack:
        return f"{runs} ranges of it hold one class each"
    return ""


def _explain_mapping(values: Codes, codes: Codes | None, target: Floats) -> str:
    distinct = int(values.max()) + 1
    if distinct * _ROWS_PER_VALUE > len(values):
        values = _pool_rare(values)
        distinct = int(values.max()) + 1
    if distinct < 2:
        return ""
    if codes is None:
        aim = target - target.mean()
        means = np.bincount(values, weights=aim) / np.bincount(values)
        rest = aim - means[values]
        if not is_explained(rest, aim):
            return ""
        return f"its values explain {1 - (rest @ rest) / (aim @ aim):.2%} of the variance"
    _, wrong = find_majorities(values, codes)
    guessed = len(codes) - int(np.bincount(codes).max())
    if wrong <= (1 - LIMIT) * guessed * 10:
        return f"{distinct} values stand for one class each, {wrong} of {len(codes)} rows aside"
    return ""


def _pool_rare(values: Codes) -> Codes:
    """Make one value of all that are rare: whether a text is a common one may tell by itself."""
    is_rare = np.bincount(values)[values] < _ROWS_PER_VALUE
    return number_values(np.where(is_rare, -1, values))


def is_explained(rest: Floats, aim: Floats) -> bool:
    """Tell whether little is left of a target, and not of its farthest values only.

    Args:
        rest: What is left.
        aim: The target, less its mean.
    """
    typical = TYPICAL * np.median(np.abs(aim - np.median(aim)))
    is_small = rest @ rest <= (1 - LIMIT) * (aim @ aim)
    return bool(is_small and (typical == 0 or np.median(np.abs(rest)) <= typical))


def find_majorities(values: Codes, codes: Codes) -> tuple[Codes, int]:
    """Find the most frequent class of each value, and how many rows have another."""
    classes = int(codes.max()) + 1
    pairs, counts = np.unique(values * classes + codes, return_counts=True)
    order = np.lexsort((counts, pairs // classes))
    owner = (pairs // classes)[order]
    is_last = np.append(owner[1:] != owner[:-1], True)
    return (pairs % classes)[order][is_last], len(codes) - int(counts[order][is_last].sum())
