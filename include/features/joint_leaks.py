"""Which columns together give the target away: sums, products and ratios of a few, or values.

For a regression all pairs are tried by their correlations; more columns are chosen one by one, each
time the one that with those chosen leaves least of the target (orthogonal least squares: Chen,
Billings and Luo 1989), on the sample that the check of single columns reads. Products are sums of
logarithms; then the products and ratios of pairs are tried: (a + b) / c is a / c + b / c. For a
classification two columns of few values are enough if each pair of values has one class, and so
are columns that each say of one class whether it is that.
"""

import itertools
from collections.abc import Callable
from typing import Any, Final, NamedTuple

import numpy as np
import pandas as pd

from include.features.contract import list_feature_columns
from include.features.leak_signs import LIMIT, Codes, find_majorities, is_explained, number_values
from include.features.leakage import list_checked_columns
from include.features.typed_values import read_numbers, read_texts, read_times
from include.specs import PipelineSpec
from include.specs.columns import DatetimeColumn, NumericColumn, TextColumn
from include.values.statistics import Floats

MAX_COLUMNS: Final = 10
# Of so many all are tried at once; those with a smaller share of the largest weight have none.
MAX_SUMMED: Final = 100
SLIGHT: Final = 1e-3
SHOWN: Final = 4
ROWS_PER_COLUMN: Final = 10
# Fewer rows than three columns ask for show a combination only to the last digit.
FEWEST_ROWS: Final = 10
# Of many columns that rise together any ten explain 99.9 % of an eleventh: only all of it tells.
FEW_TERMS: Final = 3
EXACT_OF_MANY: Final = 1 - 1e-6
# Of wider tables fewer rows are looked at.
MAX_CELLS: Final = 4_000_000
# Pairs are made of so many columns, and tried on so many rows.
PAIRED: Final = 16
PAIRED_ROWS: Final = 2_000
MAX_TERMS: Final = 3
MAX_VALUES: Final = 30
# A pair of values in fewer rows shows nothing; so few rows may stand in such pairs.
MIN_OF_A_PAIR: Final = 5
FEW: Final = 0.1
# So much of the target's range is the rounding of a computer.
ROUNDING: Final = 1e-9
Found = list[tuple[tuple[str, ...], str]]
# Whether what is left of a target by so many terms is little enough.
Enough = Callable[[Floats, Floats, int], bool]
# What is added up: how it is written, and the columns it is made of.
Term = tuple[str, tuple[str, ...]]


class _Fit(NamedTuple):
    """Which terms were taken, their weights, and what they leave of the target."""

    places: list[int]
    weights: Floats
    rest: Floats


def find_joint_leaks(spec: PipelineSpec, sample: pd.DataFrame) -> Found:
    """Find columns that together are the target.

    Returns:
        The columns' names, and what they make; at most one combination.
    """
    if spec.target.task != "regression":
        return _find_class_leaks(spec, sample)
    spans = _find_spans(spec, sample)
    columns = [one for one in list_checked_columns(spec) if isinstance(one, NumericColumn)]
    if spans or len(columns) < 2:
        return spans
    sample = sample.iloc[:: max(1, len(sample) * len(columns) // MAX_CELLS)]
    target = read_numbers(sample[spec.target.column], spec.target.column)
    values = np.column_stack([read_numbers(sample[column.name], column.name) for column in columns])
    known = np.flatnonzero(np.isfinite(values).any(axis=0))
    values, names = values[:, known], [columns[place].name for place in known]
    if len(names) < 2:
        return []
    terms: list[Term] = [(name, (name,)) for name in names]
    found = _describe(_fit(values, target), terms, "sum")
    # The sign of a product is not asked for: its size says enough.
    has_log = (np.nan_to_num(values, nan=1.0) != 0).all(axis=0)
    if not found and has_log.sum() > 1 and (target != 0).all():
        chosen = [terms[place] for place in np.flatnonzero(has_log)]
        factors, others = _take_off(values, names)
        logs = np.log(np.abs(np.column_stack([values[:, has_log], factors])))
        found = _describe(_fit(logs, np.log(np.abs(target))), [*chosen, *others], "product")
    if not found:
        values, target, terms = _pair_up(values, target, names)
        found = _describe(_fit(values, target, MAX_TERMS, _is_exact), terms, "sum")
    return found


def _find_spans(spec: PipelineSpec, sample: pd.DataFrame) -> Found:
    """Find two times between which the target is the span; the time that orders rows may stay."""
    target = read_numbers(sample[spec.target.column], spec.target.column)
    free = {column.name for column in list_checked_columns(spec)}
    names = [one.name for one in list_feature_columns(spec) if isinstance(one, DatetimeColumn)]
    times = {name: read_times(sample[name], name) for name in names[:PAIRED] if name in sample}
    for one, other in itertools.combinations(times, 2):
        span = (times[other] - times[one]) / np.timedelta64(1, "s")
        columns = tuple(name for name in (one, other) if name in free)
        if columns and _fit(span[:, None], target):
            return [(columns, f"the target is the span from {one} to {other}")]
    return []


def _take_off(values: Floats, names: list[str]) -> tuple[Floats, list[Term]]:
    """Give what a share leaves of a whole: a price less its discount."""
    lowest, highest = np.nanmin(values, axis=0), np.nanmax(values, axis=0)
    places = np.flatnonzero((lowest >= 0) & (highest < 1) & (highest > lowest))
    if len(places) > PAIRED:
        return np.empty((len(values), 0)), []
    return 1 - values[:, places], [(f"(1 - {names[one]})", (names[one],)) for one in places]


def warn_of_joint_leaks(spec: PipelineSpec, sample: pd.DataFrame) -> list[str]:
    """Say which columns together are the target; only warn, since they may be known before it."""
    return [
        f"columns {', '.join(map(repr, names))}: {how}. If they are known only after the target, "
        "give one of them `kind: ignore`"
        for names, how in find_joint_leaks(spec, sample)
    ]


def _pair_up(values: Floats, target: Floats, names: list[str]) -> tuple[Floats, Floats, list[Term]]:
    """Add the products and ratios of the columns that go best with the target."""
    few = slice(None, None, max(1, len(target) // PAIRED_ROWS))
    values, target = values[few], target[few]
    is_known = np.isfinite(values)
    filled = np.where(is_known, values, 0.0)
    apart = np.where(is_known, filled - filled.sum(axis=0) / np.maximum(1, is_known.sum(axis=0)), 0)
    spread = np.sqrt(np.square(apart).sum(axis=0))
    alike = np.abs(apart.T @ (target - target.mean())) / np.where(spread > 0, spread, np.inf)
    places = np.argsort(-alike, kind="stable")[:PAIRED].tolist()
    terms: list[Term] = [(names[place], (names[place],)) for place in places]
    made = [values[:, place] for place in places]
    is_divisor = (np.nan_to_num(values, nan=1.0) != 0).all(axis=0)
    for one, other in itertools.combinations(places, 2):
        pair = (names[one], names[other])
        made.append(values[:, one] * values[:, other])
        terms.append((f"({pair[0]} * {pair[1]})", pair))
        for over, under in ((one, other), (other, one)):
            if is_divisor[under]:
                made.append(values[:, over] / values[:, under])
                terms.append((f"({names[over]} / {names[under]})", pair))
    return np.column_stack(made), target, terms


def _is_sum(rest: Floats, aim: Floats, terms: int) -> bool:
    is_all = rest @ rest <= (1 - EXACT_OF_MANY) * (aim @ aim)
    return is_explained(rest, aim) and bool(is_all or terms <= FEW_TERMS)


def _is_all(rest: Floats, aim: Floats, _: int) -> bool:
    """Tell whether nothing is left in any row."""
    return bool(np.abs(rest).max() <= ROUNDING * np.ptp(aim))


def _is_exact(rest: Floats, aim: Floats, _: int) -> bool:
    """Tell whether but rounding is left: of many products and ratios some come near anything."""
    step = np.diff(np.unique(aim)).min(initial=np.inf)
    return bool(np.mean(np.abs(rest) <= max(step, ROUNDING * np.ptp(aim))) >= LIMIT)


def _fit(
    values: Floats, target: Floats, most: int = MAX_COLUMNS, is_enough: Enough = _is_sum
) -> _Fit | None:
    rows = np.isfinite(values).all(axis=1)
    if rows.mean() < 0.5:
        # Gaps in many columns leave no whole row: their middle is as good here.
        values = np.where(np.isfinite(values), values, np.nanmedian(values, axis=0))
        rows = np.ones(len(values), dtype=bool)
    values, target = values[rows], target[rows]
    if len(target) < FEWEST_ROWS or np.ptp(target) == 0:
        return None
    if len(target) < ROWS_PER_COLUMN * 3:
        most, is_enough = FEW_TERMS, _is_all
    spread = values.std(axis=0)
    usable = np.flatnonzero(spread > 0)
    scaled = (values[:, usable] - values[:, usable].mean(axis=0)) / spread[usable]
    aim = target - target.mean()
    pair = _find_exact_pair(scaled, aim)
    is_pair = bool(pair) and is_enough(_remainder(scaled, aim, pair), aim, len(pair))
    chosen = pair if is_pair else _pursue(scaled, aim, most, is_enough)
    if not chosen and most == MAX_COLUMNS:
        chosen = _take_all(scaled, aim)
    count = len(chosen)
    for place in list(chosen):
        fewer = [one for one in chosen if one != place]
        if fewer and is_enough(_remainder(scaled, aim, fewer), aim, count):
            chosen = fewer
    if not chosen:
        return None
    weights = np.linalg.lstsq(scaled[:, chosen], aim, rcond=None)[0]
    rest = aim - scaled[:, chosen] @ weights
    return _Fit(usable[chosen].tolist(), weights / spread[usable[chosen]], rest)


def _describe(fit: _Fit | None, terms: list[Term], words: str) -> Found:
    if fit is None:
        return []
    found = [terms[place] for place in fit.places]
    columns = tuple(dict.fromkeys(name for _, names in found for name in names))
    if len(columns) < 2:
        return []
    pairs = [(weight, term) for weight, (term, _) in zip(fit.weights, found, strict=True)]
    more = f" and {len(pairs) - SHOWN} more" if len(pairs) > SHOWN else ""
    pairs = pairs[:SHOWN]
    if words == "sum":
        parts = " ".join(f"{'-' if w < 0 else '+'} {abs(w):.3g} {term}" for w, term in pairs)
        parts = parts.removeprefix("+ ")
    else:
        parts = " * ".join(f"{term}^{weight:.3g}" for weight, term in pairs)
    return [(columns, f"together they are the target: {parts}{more}")]


def _find_exact_pair(scaled: Floats, aim: Floats) -> list[int]:
    """Find two columns that explain all of the target, by the R² of two regressors."""
    between = scaled.T @ scaled / len(aim)
    alone = scaled.T @ aim / (len(aim) * aim.std())
    free = 1 - between**2
    explained = alone[:, None] ** 2 + alone**2 - 2 * alone[:, None] * alone * between
    share = np.divide(explained, free, out=np.zeros_like(free), where=free > 1 - EXACT_OF_MANY)
    first, second = np.unravel_index(share.argmax(), share.shape)
    return [int(first), int(second)] if share[first, second] >= EXACT_OF_MANY else []


def _pursue(scaled: Floats, aim: Floats, most: int, is_enough: Enough) -> list[int]:
    """Choose columns until the target is explained; none if it is not."""
    chosen: list[int] = []
    left, rest = scaled.copy(), aim
    for _ in range(min(most, scaled.shape[1], len(aim) // ROWS_PER_COLUMN)):
        sizes = np.sqrt(np.square(left).sum(axis=0))
        # What is made of the chosen ones is nothing new.
        sizes[sizes < ROUNDING * np.sqrt(len(aim))] = np.inf
        place = int(np.argmax(np.abs(left.T @ rest) / sizes))
        chosen.append(place)
        unit = left[:, place] / sizes[place]
        left -= np.outer(unit, unit @ left)
        rest = rest - unit * (unit @ rest)
        if is_enough(rest, aim, len(chosen)):
            break
    else:
        return []
    return chosen


def _take_all(scaled: Floats, aim: Floats) -> list[int]:
    """Take all columns that have weight, if together they are all of the target."""
    count = scaled.shape[1]
    if not MAX_COLUMNS < count <= min(MAX_SUMMED, len(aim) // ROWS_PER_COLUMN):
        return []
    weights = np.abs(np.linalg.lstsq(scaled, aim, rcond=None)[0])
    chosen = np.flatnonzero(weights > SLIGHT * weights.max()).tolist()
    rest = _remainder(scaled, aim, chosen)
    return chosen if rest @ rest <= (1 - EXACT_OF_MANY) * (aim @ aim) else []


def _remainder(scaled: Floats, aim: Floats, chosen: list[int]) -> Any:
    part = scaled[:, chosen]
    return aim - part @ np.linalg.lstsq(part, aim, rcond=None)[0]


def _find_class_leaks(spec: PipelineSpec, sample: pd.DataFrame) -> Found:
    sample = sample.iloc[:: max(1, len(sample) // PAIRED_ROWS)]
    classes = number_values(read_texts(sample[spec.target.column]).to_pandas())
    if len(classes) < ROWS_PER_COLUMN * 3:
        return []
    values: dict[str, Codes] = {}
    for column in list_checked_columns(spec):
        if isinstance(column, TextColumn):
            continue
        codes = pd.factorize(sample[column.name], use_na_sentinel=False)[0]
        if 1 < codes.max() + 1 <= MAX_VALUES:
            values[column.name] = codes
    return _find_indicators(values, classes) or _find_pairs(values, classes)


def _find_indicators(values: dict[str, Codes], classes: Codes) -> Found:
    """Find columns that say of a class each whether it is that: all classes but one, or all."""
    count = int(classes.max()) + 1
    said = {}
    for name, codes in values.items():
        cells = np.unique(codes * count + classes)
        if codes.max() == 1 and len(cells) == count:
            ones = cells[cells >= count] - count
            said[name] = int(ones[0]) if len(ones) == 1 else int(cells[cells < count][0])
    if len(set(said.values())) < max(2, count - 1):
        return []
    return [(tuple(said), "each tells one class from all others, together all classes")]


def _find_pairs(values: dict[str, Codes], classes: Codes) -> Found:
    """Find two columns whose pairs of values have one class each."""
    known = {name: find_majorities(codes, classes)[1] for name, codes in values.items()}
    best = sorted(known, key=lambda name: known[name])[:PAIRED]
    for one, other in itertools.combinations(best, 2):
        pairs = values[one] * (int(values[other].max()) + 1) + values[other]
        is_seen = (np.bincount(pairs) >= MIN_OF_A_PAIR)[pairs]
        if is_seen.mean() < 1 - FEW:
            continue
        seen = classes[is_seen]
        rare = len(seen) - int(np.bincount(seen).max())
        wrong = find_majorities(pairs[is_seen], seen)[1]
        if rare >= ROWS_PER_COLUMN and wrong <= (1 - LIMIT) * rare:
            return [((one, other), f"each pair of values of {one} and {other} has one class")]
    return []
