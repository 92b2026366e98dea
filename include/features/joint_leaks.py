"""Which columns together give the target away: sums, differences and products of a few.

All pairs are tried by their correlations; more columns are chosen one by one, each time the one
that goes best with what is left of the target (orthogonal matching pursuit: Pati, Rezaiifar and
Krishnaprasad 1993), on the sample that the check of single columns reads. Products and ratios are
sums of logarithms.
"""

from typing import Any, Final

import numpy as np
import pandas as pd

from include.features.leakage import list_checked_columns
from include.features.typed_values import read_numbers
from include.specs import PipelineSpec
from include.specs.columns import NumericColumn
from include.values.statistics import Floats

MAX_COLUMNS: Final = 10
# Rounding leaves so much of the variance of a sum unexplained; of many columns that rise together
# any ten explain that much of an eleventh, and only all of it tells a sum.
EXACT: Final = 0.999
FEW: Final = 3
EXACT_OF_MANY: Final = 1 - 1e-6
ROWS_PER_COLUMN: Final = 10


def find_joint_leaks(spec: PipelineSpec, sample: pd.DataFrame) -> list[tuple[tuple[str, ...], str]]:
    """Find columns whose sum or product is the target of a regression.

    Returns:
        The columns' names, and what they make; at most one combination.
    """
    columns = [one for one in list_checked_columns(spec) if isinstance(one, NumericColumn)]
    if spec.target.task != "regression" or len(columns) < 2:
        return []
    target = read_numbers(sample[spec.target.column], spec.target.column)
    values = np.column_stack([read_numbers(sample[column.name], column.name) for column in columns])
    names = [column.name for column in columns]
    fits = _fit(values, target, names, "sum")
    # The sign of a product is not asked for: its size says enough.
    has_log = (np.nan_to_num(values, nan=1.0) != 0).all(axis=0)
    if not fits and has_log.sum() > 1 and (target != 0).all():
        chosen = [names[place] for place in np.flatnonzero(has_log)]
        logs = np.log(np.abs(values[:, has_log]))
        fits = _fit(logs, np.log(np.abs(target)), chosen, "product")
    return fits


def warn_of_joint_leaks(spec: PipelineSpec, sample: pd.DataFrame) -> list[str]:
    """Say which columns together are the target; only warn, since they may be known before it."""
    return [
        f"columns {', '.join(map(repr, names))}: {how}. If they are known only after the target, "
        "give one of them `kind: ignore`"
        for names, how in find_joint_leaks(spec, sample)
    ]


def _fit(
    values: Floats, target: Floats, names: list[str], words: str
) -> list[tuple[tuple[str, ...], str]]:
    rows = np.isfinite(values).all(axis=1)
    if rows.mean() < 0.5:
        # Gaps in many columns leave no whole row: their middle is as good here.
        values = np.where(np.isfinite(values), values, np.nanmedian(values, axis=0))
        rows = np.ones(len(values), dtype=bool)
    values, target = values[rows], target[rows]
    if len(target) < ROWS_PER_COLUMN * 3 or np.ptp(target) == 0:
        return []
    spread = values.std(axis=0)
    usable = np.flatnonzero(spread > 0)
    scaled = (values[:, usable] - values[:, usable].mean(axis=0)) / spread[usable]
    aim = target - target.mean()
    chosen = _find_pair(scaled, aim) or _pursue(scaled, aim)
    if len(chosen) < 2:
        return []
    weights = np.linalg.lstsq(scaled[:, chosen], aim, rcond=None)[0] / spread[usable[chosen]]
    found = tuple(names[usable[place]] for place in chosen)
    pairs = list(zip(weights, found, strict=True))
    if words == "sum":
        parts = " ".join(f"{'-' if w < 0 else '+'} {abs(w):.3g} {name}" for w, name in pairs)
        parts = parts.removeprefix("+ ")
    else:
        parts = " * ".join(f"{name}^{weight:.3g}" for weight, name in pairs)
    return [(found, f"together they are the target: {parts}")]


def _find_pair(scaled: Floats, aim: Floats) -> list[int]:
    """Find two columns that explain all of the target, by the R² of two regressors."""
    between = scaled.T @ scaled / len(aim)
    alone = scaled.T @ aim / (len(aim) * aim.std())
    free = 1 - between**2
    explained = alone[:, None] ** 2 + alone**2 - 2 * alone[:, None] * alone * between
    share = np.divide(explained, free, out=np.zeros_like(free), where=free > 1 - EXACT_OF_MANY)
    first, second = np.unravel_index(share.argmax(), share.shape)
    return [int(first), int(second)] if share[first, second] >= EXACT_OF_MANY else []


def _pursue(scaled: Floats, aim: Floats) -> list[int]:
    """Choose columns until the target is explained, and drop those it does without."""
    total = float(aim @ aim)
    chosen: list[int] = []
    rest: Any = aim
    limit = 0.0
    for _ in range(min(MAX_COLUMNS, scaled.shape[1], len(aim) // ROWS_PER_COLUMN)):
        scores = np.abs(scaled.T @ rest)
        scores[chosen] = -1
        chosen.append(int(scores.argmax()))
        rest = _remainder(scaled, aim, chosen)
        limit = (1 - (EXACT if len(chosen) <= FEW else EXACT_OF_MANY)) * total
        if rest @ rest <= limit:
            break
    else:
        return []
    for place in list(chosen):
        fewer = [one for one in chosen if one != place]
        if fewer:
            left = _remainder(scaled, aim, fewer)
            chosen = fewer if left @ left <= limit else chosen
    return chosen


def _remainder(scaled: Floats, aim: Floats, chosen: list[int]) -> Any:
    part = scaled[:, chosen]
    return aim - part @ np.linalg.lstsq(part, aim, rcond=None)[0]
