"""Pairs of models of known quality, on rows that hang together in a known way."""

from collections.abc import Sequence
from typing import Final, Literal, get_args

import numpy as np
import numpy.typing as npt
from scipy.signal import lfilter

from include.promotion.budget import spend
from include.promotion.dependence import Dependence
from include.promotion.estimates import is_shown
from include.records import Estimate, FeatureSchema
from include.specs.metrics import METRICS
from include.steps.evaluate.court import Court

Kind = Literal[
    "independent",
    "independent, skewed",
    "AR(1) 0.5",
    "AR(1) 0.8",
    "AR(1) 0.9",
    "clusters, ICC 0.1",
    "clusters, ICC 0.5",
]
KINDS: Final[tuple[Kind, ...]] = get_args(Kind)
# Rows of one key.
CLUSTER: Final = 10
Floats = npt.NDArray[np.float64]


def make_noise(kind: Kind, rows: int, random: np.random.Generator) -> Floats:
    """Draw normal noise of variance 1 whose rows hang together."""
    noise = random.standard_normal(rows)
    if kind.startswith("independent"):
        return noise
    strength = float(kind.split()[-1])
    if kind.startswith("AR"):
        scaled = np.concatenate([random.standard_normal(100), noise]) * np.sqrt(1 - strength**2)
        return np.asarray(lfilter([1.0], [1.0, -strength], scaled)[100:])
    shared = np.repeat(random.standard_normal(-(-rows // CLUSTER)), CLUSTER)[:rows]
    return np.sqrt(strength) * shared + np.sqrt(1 - strength) * noise


def describe_rows(kind: Kind, rows: int) -> Dependence:
    """Tell the comparison how the rows hang together, as `evaluate` would."""
    if kind.startswith("independent"):
        return Dependence()
    if kind.startswith("AR"):
        return Dependence(np.arange(rows), True, "time")
    return Dependence(np.arange(rows) // CLUSTER, False, "key")


def compare_pair(
    kind: Kind,
    metrics: Sequence[str],
    rows: int,
    random: np.random.Generator,
    *,
    edge: float = 0.0,
    ignore: bool = False,
) -> dict[str, Estimate]:
    """Compare two models whose predictions are the truth with noise of their own.

    Args:
        kind: How rows hang together, in the truth and in the noise.
        metrics: Metrics of one task, all taken of the same pair.
        rows: Test rows.
        random: Source of the draws.
        edge: Share of its noise that the candidate is spared; 0 makes both equal.
        ignore: Compare as if rows were independent.
    """
    truth, first, second = (make_noise(kind, rows, random) for _ in range(3))
    first = first * (1 - edge)
    is_skewed = kind.endswith("skewed")
    if METRICS[metrics[0]].task == "regression":
        schema = FeatureSchema(inputs=(), task="regression", target="y")
        y, models = truth, (truth + first, truth + second)
        if is_skewed:  # errors in proportion to a target with a long tail
            y, models = np.exp(truth), (np.exp(truth + first / 2), np.exp(truth + second / 2))
    else:
        schema = FeatureSchema(inputs=(), task="classification", target="y", classes=("no", "yes"))
        bound = 1.6 if is_skewed else 0.3  # one row in 18 is of the second class, or one in three
        y = (truth > bound).astype(np.int64)
        offset = bound if is_skewed else 0.0
        models = (_to_shares(truth - offset + first), _to_shares(truth - offset + second))
    dependence = Dependence() if ignore else describe_rows(kind, rows)
    court = Court(schema, y, dependence, tuple(metrics))
    return court.compare("rival", court.measure(models[0]), models[1]).gaps


def measure_wins(
    kind: Kind,
    metrics: Sequence[str],
    rows: int,
    *,
    pairs: int,
    alpha: float,
    edge: float = 0.0,
    seed: int = 0,
) -> dict[str, float]:
    """Measure, by metric, the share of pairs whose candidate wins; NaN where all stay undecided."""
    random = np.random.default_rng(seed)
    found = [compare_pair(kind, metrics, rows, random, edge=edge) for _ in range(pairs)]
    return {metric: _share_won([each.get(metric) for each in found], alpha) for metric in metrics}


def measure_lucky_series(
    kind: Kind, metric: str, rows: int, *, tries: int, series: int, seed: int = 0
) -> float:
    """Measure how often one of so many equal candidates in a row wins."""
    random, promoted = np.random.default_rng(seed), 0
    for _ in range(series):
        found = (compare_pair(kind, [metric], rows, random).get(metric) for _ in range(tries))
        promoted += any(
            each is not None and is_shown(each, spend(number))
            for number, each in enumerate(found, start=1)
        )
    return promoted / series


def _share_won(found: list[Estimate | None], alpha: float) -> float:
    if all(each is None or each.error is None for each in found):
        return float("nan")
    return sum(each is not None and is_shown(each, alpha) for each in found) / len(found)


def _to_shares(score: Floats) -> Floats:
    share = 1 / (1 + np.exp(-score))
    return np.stack([1 - share, share], axis=1)
