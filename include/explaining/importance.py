"""Permutation importance: what a metric loses when one column's values are dealt out anew.

The values of all positions of a column move together, from row to row, so the column keeps its
distribution and loses what it knows of the row (Breiman 2001, "Random Forests", section 10;
Fisher, Rudin and Dominici 2019 for any model). Columns that say the same stand in for each other:
each alone may look unimportant.
"""

import math
import time
from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise
from typing import Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt

from include.records.explanations import ColumnPart, Importance

Arrays = Mapping[str, npt.NDArray[Any]]
Floats = npt.NDArray[np.float64]
Predict = Callable[[dict[str, npt.NDArray[Any]]], Floats]
# The metric of some rows by their predictions, oriented so that more is better; None: undefined.
Score = Callable[[npt.NDArray[Any], Floats], float | None]

MAX_ROWS: Final = 5_000
# Predicted rows of one repeat over all columns; more columns are measured on fewer rows.
MAX_PREDICTED: Final = 60_000
MIN_ROWS: Final = 200
MIN_TOLD: Final = 30
STACK_BYTES: Final = 64 << 20


class Budget(NamedTuple):
    """How much may be measured."""

    rows: int = MAX_ROWS
    repeats: int = 5
    seconds: float = 10.0


class Losses(NamedTuple):
    """What each part's permutation costs, and how much was measured."""

    importances: tuple[Importance, ...]
    repeats: int


def sample_rows(
    rows: int, parts: int, budget: Budget, *, row_bytes: int = 1, rows_per_second: float = math.inf
) -> npt.NDArray[np.int64]:
    """Choose which test rows to measure on: all, or as many as the budget allows, in order.

    Args:
        rows: All test rows.
        parts: Columns and patches; each predicts the sample once a repeat.
        budget: How much may be measured.
        row_bytes: Size of the network's inputs of a row.
        rows_per_second: How fast the network predicts, so that two repeats fit into the time.

    Example:
        >>> sample_rows(3, 2, Budget()).tolist()
        [0, 1, 2]
        >>> len(sample_rows(1_000_000, 100, Budget()))
        600
    """
    in_time = rows_per_second * budget.seconds / (2 * max(parts, 1))
    most = min(budget.rows, max(MIN_ROWS, MAX_PREDICTED // max(parts, 1)))
    most = max(MIN_TOLD, min(most, int(min(in_time, budget.rows)), STACK_BYTES // row_bytes))
    if rows <= most:
        return np.arange(rows)
    return np.sort(np.random.default_rng(0).choice(rows, most, replace=False))


def measure_importance(
    inputs: Arrays,
    parts: Sequence[ColumnPart],
    *,
    predict: Predict,
    score: Score,
    worst: npt.NDArray[np.bool_] | None = None,
    budget: Budget = Budget(),  # noqa: B008 - frozen
) -> Losses:
    """Measure what each column, or patch of an array, is worth to the metric.

    Args:
        inputs: The network's inputs of the sampled rows.
        parts: The columns and where they stand; parts of one column and patch move together.
        predict: Predicts rows of inputs.
        score: The metric by row numbers and their predictions, oriented: more is better.
        worst: Rows of the slice that is measured as well; values are dealt out over all rows.
        budget: Repeats and seconds; at least two repeats are made whatever they take.
    """
    rows = len(next(iter(inputs.values())))
    everything = np.arange(rows)
    chosen = [everything] if worst is None else [everything, np.flatnonzero(worst)]
    plain = predict(dict(inputs))
    baselines = [score(each, plain[each]) for each in chosen]
    groups = _group(parts)
    random, started = np.random.default_rng(0), time.monotonic()
    losses: list[list[list[float]]] = []
    for repeat in range(budget.repeats):
        if repeat >= 2 and time.monotonic() - started > budget.seconds * repeat / (repeat + 1):
            break
        predicted = _predict_permuted(inputs, list(groups.values()), predict, random)
        losses.append(
            [
                [
                    _loss(base, score(each, permuted[each]))
                    for base, each in zip(baselines, chosen, strict=True)
                ]
                for permuted in predicted
            ]
        )
    table = np.array(losses)  # repeats, groups, all rows and slice
    means, spreads = table.mean(axis=0), table.std(axis=0, ddof=1 if len(losses) > 1 else 0)
    found = [
        Importance(
            column=column,
            patch=patch,
            value=float(means[place, 0]),
            spread=float(spreads[place, 0]),
            slice_value=_finite(means[place, 1:]),
            slice_spread=_finite(spreads[place, 1:]),
        )
        for place, (column, patch) in enumerate(groups)
        if np.isfinite(means[place, 0])
    ]
    return Losses(tuple(sorted(found, key=lambda each: -each.value)), len(losses))


def cut_patches(part: ColumnPart, shape: Sequence[int], most: int = 8) -> tuple[ColumnPart, ...]:
    """Cut an array's column into at most `most` × `most` patches; a list of numbers into `most`.

    Example:
        >>> [each.columns for each in cut_patches(ColumnPart(column="x", input="x"), (6,), 3)]
        [(0, 2), (2, 4), (4, 6)]
    """
    height, width = (1, shape[0]) if len(shape) == 1 else (shape[0], shape[1])
    down, across = _cuts(height, most), _cuts(width, most)
    return tuple(
        part.model_copy(update={"patch": (row, column), "rows": rows, "columns": columns})
        for row, rows in enumerate(down)
        for column, columns in enumerate(across)
    )


def _cuts(length: int, most: int) -> list[tuple[int, int]]:
    edges = np.linspace(0, length, min(length, most) + 1).round().astype(int).tolist()
    return list(pairwise(edges))


def _group(
    parts: Sequence[ColumnPart],
) -> dict[tuple[str, tuple[int, int] | None], list[ColumnPart]]:
    groups: dict[tuple[str, tuple[int, int] | None], list[ColumnPart]] = {}
    for part in parts:
        groups.setdefault((part.column, part.patch), []).append(part)
    return groups


def _finite(values: Floats) -> float | None:
    """Give the one value of the slice, if there is a slice on which it is defined."""
    return float(values[0]) if len(values) and np.isfinite(values[0]) else None


def _loss(before: float | None, after: float | None) -> float:
    return before - after if before is not None and after is not None else float("nan")


def _predict_permuted(
    inputs: Arrays,
    groups: Sequence[Sequence[ColumnPart]],
    predict: Predict,
    random: np.random.Generator,
) -> list[Floats]:
    """Predict all rows once for each group, with its values permuted; stacked in few calls."""
    rows = len(next(iter(inputs.values())))
    at_once = max(1, STACK_BYTES // max(1, sum(array.nbytes for array in inputs.values())))
    predicted: list[Floats] = []
    for start in range(0, len(groups), at_once):
        some = groups[start : start + at_once]
        stacked = {
            name: np.repeat(array[None], len(some), axis=0) for name, array in inputs.items()
        }
        for place, group in enumerate(some):
            order = random.permutation(rows)
            for part in group:
                _permute(stacked[part.input][place], part, order)
        flat = {name: array.reshape(-1, *array.shape[2:]) for name, array in stacked.items()}
        predicted += np.split(predict(flat), len(some))
    return predicted


def _permute(array: npt.NDArray[Any], part: ColumnPart, order: npt.NDArray[np.int64]) -> None:
    if part.rows is None or part.columns is None:
        chosen = array[:, part.start : part.stop]
    elif array.ndim == 2:
        chosen = array[:, slice(*part.columns)]
    else:
        chosen = array[:, slice(*part.rows), slice(*part.columns)]
    chosen[...] = chosen[order]
