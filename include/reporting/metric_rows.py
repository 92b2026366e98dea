"""Metrics of several models side by side, with differences in words as well as numbers."""

import math
from collections.abc import Sequence
from typing import NamedTuple

from include.records import EvaluateRecord
from include.reporting.details import SliceRow
from include.specs.metrics import METRICS, find_worst
from include.values.formats import format_change


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

    Example:
        >>> describe_difference("log_loss", 0.20, 0.25)
        Difference(text='0.05 lower, better', tone='good')
    """
    if value is None or other is None or not (math.isfinite(value) and math.isfinite(other)):
        return Difference("", "")
    change = value - other
    if math.isclose(value, other, rel_tol=1e-9, abs_tol=1e-12):
        return Difference("the same", "")
    is_better = (change > 0) == is_higher_better(metric)
    where, word = "higher" if change > 0 else "lower", "better" if is_better else "worse"
    number = format_change(abs(change)).removeprefix("+")
    return Difference(f"{number} {where}, {word}", "good" if is_better else "bad")


def list_slices(slices: Sequence[SliceRow], deciding: str) -> tuple[tuple[SliceRow, bool], ...]:
    """Mark the slice that does worst by the metric that decides, of those with enough rows."""
    measured = [row for row in slices if not row.is_small and _find(row, deciding) is not None]
    worst = find_worst(deciding, measured, lambda row: _find(row, deciding))
    return tuple((row, row is worst and len(measured) > 1) for row in slices)


def _find(row: SliceRow, metric: str) -> float | None:
    value = row.metrics.get(metric)
    return value if value is not None and math.isfinite(value) else None


def is_higher_better(metric: str) -> bool:
    """Tell a metric's direction; one we do not know counts as higher is better."""
    known = METRICS.get(metric)
    return known is None or known.is_higher_better
