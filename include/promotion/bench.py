"""What every gate looks at and answers with, and the steps that all of them share."""

import math
from collections.abc import Callable
from functools import partial
from typing import Final, NamedTuple

from include.promotion.estimates import (
    Interval,
    bound,
    bound_explained,
    bound_share,
    count_missing_rows,
    is_shown,
)
from include.promotion.wording import describe_gap
from include.records import Estimate, Evidence, Gate, VerdictKind
from include.specs.metrics import METRICS
from include.values.formats import format_name

PASSED: Final[VerdictKind] = "promote"


class Judged(NamedTuple):
    """A gate, what it alone would come to, and how many more rows would settle it."""

    kind: VerdictKind
    gate: Gate
    missing: int | None = None


class Bench(NamedTuple):
    """What every gate looks at: the evidence, the deciding metric, and the rules."""

    evidence: Evidence
    metric: str
    alpha: float
    is_lower: bool
    is_replaced: bool
    tolerance: float


def classify(is_met: bool, *, is_sure: bool, bench: Bench) -> VerdictKind:
    """Tell what a gate comes to by whether its bound is met, and surely met."""
    if not is_met:
        return "keep"
    return PASSED if is_sure or not bench.is_lower else "inconclusive"


def answer_undefined(name: str, metric: str, evidence: Evidence) -> Judged | None:
    """Leave a gate open whose metric nobody has on these rows; None where somebody has it.

    Rows of one class have no area under a curve. A candidate that alone lacks a metric is at
    fault itself.
    """
    if any(metric in each.metrics for each in evidence.guesses):
        return None
    detail = f"{format_name(metric)} is not defined on these test rows"
    return Judged("inconclusive", Gate(name=name, is_passed=False, detail=detail))


def close_gate(kind: VerdictKind, gate: Gate, count: Callable[[], int | None]) -> Judged:
    """Close a gate; the rows that would settle it are counted only where it is open."""
    return Judged(kind, gate, count() if kind == "inconclusive" else None)


def close_gap(
    name: str, kind: VerdictKind, gap: Estimate, bench: Bench, *, words: str, after: str = ""
) -> Judged:
    """Close a gate that rests on a difference, which is told with its interval.

    Args:
        name: Name of the gate.
        kind: What it comes to.
        gap: The difference; above 0 the candidate is better.
        bench: What every gate looks at.
        words: The sentence, up to the interval.
        after: What follows it.
    """
    interval = bound(gap, bench.alpha)
    gate = Gate(
        name=name,
        is_passed=kind == PASSED,
        detail=f"{words}{describe_gap(interval, bench.alpha, is_too_few=gap.error is None)}{after}",
        value=gap.value,
        bound=0.0,
        **list_bounds(interval),
    )
    is_won = partial(is_shown, alpha=bench.alpha)
    return close_gate(kind, gate, lambda: count_missing_rows(gap, is_won, bench.evidence.rows))


def bound_metric(metric: str, found: Estimate, alpha: float) -> Interval | None:
    """Give the interval of a metric; a share of rows has that of a share."""
    if metric == "r2":
        return bound_explained(found, alpha)
    is_share = METRICS[metric].task == "classification" and METRICS[metric].is_higher_better
    return bound_share(found, alpha) if is_share else bound(found, alpha)


def list_bounds(interval: Interval | None) -> dict[str, float]:
    """Give an interval as the fields of a gate."""
    return {} if interval is None else {"low": interval.low, "high": interval.high}


def keep_finite(found: Estimate | None) -> Estimate | None:
    """Keep an estimate that is a number."""
    return found if found is not None and math.isfinite(found.value) else None
