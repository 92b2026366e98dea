"""Candidate against champion on the same rows: the difference, and how sure it is.

The interval is the percentile interval of a paired bootstrap over rows (Efron and Tibshirani,
1993): both models are measured on the same resampled rows, so what makes rows hard for both
cancels out.
"""

import math
from typing import Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt

from include.modeling.metrics import compute_metrics, row_losses
from include.records import Comparison, FeatureSchema
from include.specs.metrics import METRICS

CONFIDENCE: Final = 0.95
RESAMPLES: Final = 1_000
SLOW_RESAMPLES: Final = 200
# More rows than this narrow the interval, but add nothing to what its bootstrap shows.
MOST_UNITS: Final = 20_000
FEWEST_ROWS: Final = 20
BLOCK_VALUES: Final = 4_000_000

Values = npt.NDArray[Any]


class Interval(NamedTuple):
    """Bounds of a difference."""

    low: float
    high: float
    resamples: int


def compare_predictions(
    schema: FeatureSchema,
    y: Values,
    *,
    candidate: Values,
    champion: Values,
    metric: str,
    seed: int = 0,
) -> Comparison:
    """Compare two models on the same rows.

    Args:
        schema: The task and its classes.
        y: Target of the rows.
        candidate: What the candidate predicts for them.
        champion: What the champion predicts for them.
        metric: Name of the metric that decides.
        seed: Seed of the resampling.

    Returns:
        A difference above 0 says that the candidate is better. The bounds are absent with
        fewer than 20 rows, and where too few resamples allow the metric.
    """
    ours = compute_metrics(schema, y, candidate, [metric]).get(metric)
    theirs = compute_metrics(schema, y, champion, [metric]).get(metric)
    if ours is None or theirs is None:
        side = "candidate" if ours is None else "champion"
        return Comparison(
            metric=metric,
            candidate=ours,
            champion=theirs,
            difference=None,
            error=f"{metric} of the {side} cannot be computed on these {len(y)} rows",
        )
    interval = _bound(schema, y, pair=(candidate, champion), metric=metric, seed=seed)
    return Comparison(
        metric=metric,
        candidate=ours,
        champion=theirs,
        difference=(ours - theirs) * _sign(metric),
        low=interval.low if interval else None,
        high=interval.high if interval else None,
        confidence=CONFIDENCE,
        resamples=interval.resamples if interval else 0,
    )


def _bound(
    schema: FeatureSchema, y: Values, *, pair: tuple[Values, Values], metric: str, seed: int
) -> Interval | None:
    if len(y) < FEWEST_ROWS:
        return None
    random = np.random.default_rng(seed)
    losses = [row_losses(metric, y, predictions) for predictions in pair]
    if losses[0] is None or losses[1] is None:
        differences = _resample_rows(schema, y, pair, metric=metric, random=random)
        wanted = SLOW_RESAMPLES
    else:
        means = _resample_means(np.stack([losses[0], losses[1]], axis=1), random)
        values = np.sqrt(means) if metric == "rmse" else means
        differences, wanted = values[:, 0] - values[:, 1], RESAMPLES
    oriented = differences * _sign(metric)
    if len(oriented) < wanted / 2 or not np.isfinite(oriented).all():
        return None
    tail = (1 - CONFIDENCE) / 2
    low, high = np.quantile(oriented, [tail, 1 - tail])
    return Interval(float(low), float(high), len(oriented))


def _resample_means(losses: Values, random: np.random.Generator) -> Values:
    """Draw means of resampled rows, shape (resamples, 2).

    Of very many rows, random groups are averaged first and the groups resampled: the mean of
    groups varies as the mean of rows does.
    """
    units = losses
    if len(losses) > MOST_UNITS:
        size = len(losses) // MOST_UNITS
        chosen = random.permutation(len(losses))[: size * MOST_UNITS]
        units = losses[chosen].reshape(MOST_UNITS, size, 2).mean(axis=1)
    block = max(1, BLOCK_VALUES // len(units))
    parts = []
    for start in range(0, RESAMPLES, block):
        shape = (min(block, RESAMPLES - start), len(units))
        parts.append(units[random.integers(0, len(units), shape)].mean(axis=1))
    return np.concatenate(parts)


def _resample_rows(
    schema: FeatureSchema,
    y: Values,
    pair: tuple[Values, Values],
    *,
    metric: str,
    random: np.random.Generator,
) -> Values:
    """Compute the metric anew on resampled rows; resamples that do not allow it are left out."""
    rows = np.arange(len(y))
    if len(y) > MOST_UNITS:
        rows = random.choice(rows, MOST_UNITS, replace=False)
    differences = []
    for _ in range(SLOW_RESAMPLES):
        drawn = random.choice(rows, len(rows))
        first, second = (
            compute_metrics(schema, y[drawn], each[drawn], [metric]).get(metric, math.nan)
            for each in pair
        )
        if math.isfinite(first - second):
            differences.append(first - second)
    return np.array(differences)


def _sign(metric: str) -> int:
    return 1 if METRICS[metric].is_higher_better else -1
