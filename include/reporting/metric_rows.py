"""Metrics of several models side by side, with differences in words as well as numbers."""

import math
from typing import NamedTuple

from include.records import EvaluateRecord
from include.specs.metrics import METRICS
from include.values.formats import format_number

UP, DOWN, SAME = "▲", "▼", "="


class Difference(NamedTuple):
    """How one model's metric differs from another's."""

    text: str
    tone: str


class MetricRow(NamedTuple):
    """One metric of all models."""

    name: str
    better: str
    candidate: float | None
    champion: float | None
    baseline: float | None
    validation: float | None
    against_champion: Difference
    against_baseline: Difference
    is_deciding: bool


def build_metric_rows(evaluated: EvaluateRecord, deciding: str) -> tuple[MetricRow, ...]:
    """Line up the metrics of candidate, champion and baseline on the same test rows.

    Args:
        evaluated: What `evaluate` measured.
        deciding: The metric by which candidate and champion are compared.
    """
    champion = evaluated.champion.metrics if evaluated.champion else {}
    validation = evaluated.validation.metrics if evaluated.validation else {}
    baseline = evaluated.baseline.metrics
    names = dict.fromkeys([*evaluated.test.metrics, *champion, *baseline])
    return tuple(
        MetricRow(
            name=name,
            better="higher" if is_higher_better(name) else "lower",
            candidate=(candidate := evaluated.test.metrics.get(name)),
            champion=champion.get(name),
            baseline=baseline.get(name),
            validation=validation.get(name),
            against_champion=describe_difference(name, candidate, champion.get(name)),
            against_baseline=describe_difference(name, candidate, baseline.get(name)),
            is_deciding=name == deciding,
        )
        for name in names
    )


def describe_difference(metric: str, value: float | None, other: float | None) -> Difference:
    """Say by how much a value differs and whether that is better; empty if one is missing.

    The arrow points where the number went; the word says whether that is good.

    Example:
        >>> describe_difference("log_loss", 0.20, 0.25)
        Difference(text='▼ 0.050 better', tone='good')
    """
    if value is None or other is None or not (math.isfinite(value) and math.isfinite(other)):
        return Difference("", "")
    change = value - other
    if math.isclose(value, other, rel_tol=1e-9, abs_tol=1e-12):
        return Difference(f"{SAME} equal", "")
    is_better = (change > 0) == is_higher_better(metric)
    arrow, word = UP if change > 0 else DOWN, "better" if is_better else "worse"
    number = format_number(abs(change), 3)
    return Difference(f"{arrow} {number} {word}", "good" if is_better else "bad")


def is_higher_better(metric: str) -> bool:
    """Tell a metric's direction; one we do not know counts as higher is better."""
    known = METRICS.get(metric)
    return known is None or known.is_higher_better
