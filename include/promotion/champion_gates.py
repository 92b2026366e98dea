"""The gates that hold a candidate against the champion: on all rows, and slice by slice."""

import math

from include.promotion.bench import PASSED, Bench, Judged, close_gate, count_for_gap, list_bounds
from include.promotion.estimates import bound, is_shown
from include.promotion.wording import (
    describe_confidence,
    describe_cost,
    describe_gap,
    describe_left_out,
)
from include.records import Gate, SliceGap, VerdictKind
from include.specs.metrics import METRICS
from include.values.formats import format_name


def judge_champion(bench: Bench) -> Judged:
    """Hold the candidate against the champion on the same rows."""
    name, evidence = "better than the champion", bench.evidence
    version, metric = evidence.champion_version, format_name(bench.metric)
    if not version and evidence.champion is None:
        if evidence.disturbance:
            detail = f"{evidence.disturbance}: whether there is a next one is for a person to say"
            return Judged("inconclusive", Gate(name=name, is_passed=False, detail=detail))
        detail = "there is no champion yet, so the first that passes its gates becomes it"
        return Judged(PASSED, Gate(name=name, is_passed=True, detail=detail))
    champion = f"champion version {version or 'unknown'}"
    if evidence.is_unreadable:
        return _judge_unreadable(name, champion, bench)
    gap = evidence.champion.gaps.get(bench.metric) if evidence.champion else None
    if evidence.champion_error or gap is None or not math.isfinite(gap.value):
        why = evidence.champion_error or f"the {metric} of both could not be computed"
        detail = f"{champion} could not be compared with: {why}"
        return Judged("inconclusive", Gate(name=name, is_passed=False, detail=detail))
    if gap.value == 0 and gap.units == 0:
        detail = f"the candidate answers every test row as {champion} does"
        return Judged("keep", Gate(name=name, is_passed=False, detail=detail, value=0.0, bound=0.0))
    interval = bound(gap, bench.alpha)
    kind: VerdictKind = "keep"
    if evidence.rows_left_out and gap.error is None:
        kind = "inconclusive"
    elif gap.value > 0:
        kind = PASSED if is_shown(gap, bench.alpha) else "inconclusive"
    is_chance = kind == "inconclusive" and interval is not None
    if kind == PASSED and evidence.disturbance:
        kind = "inconclusive"
    shown = describe_gap(interval, bench.alpha, is_too_few=gap.error is None)
    why = "; it may be chance" if is_chance else ""
    if kind == "inconclusive" and evidence.disturbance:
        why += f"; {evidence.disturbance}, so a person decides"
    return close_gate(
        kind,
        Gate(
            name=name,
            is_passed=kind == PASSED,
            detail=f"{describe_cost(bench.metric, gap.value)} than that of {champion}{shown}"
            f"{describe_left_out(evidence)}{why}"
            f"{describe_confidence(evidence.tries.number, bench.alpha)}",
            value=gap.value,
            bound=0.0,
            **list_bounds(interval),
        ),
        lambda: count_for_gap(gap, bench) if is_chance else None,
    )


def _judge_unreadable(name: str, champion: str, bench: Bench) -> Judged:
    kind: VerdictKind = PASSED if bench.is_replaced else "inconclusive"
    then = "the policy lets a candidate replace it" if bench.is_replaced else "a person decides"
    why = bench.evidence.champion_error
    detail = f"{champion} no longer understands the rows ({why}), so {then}"
    return Judged(kind, Gate(name=name, is_passed=kind == PASSED, detail=detail))


def judge_slices(bench: Bench) -> Judged:
    """Hold every slice with enough rows against the champion's, as many as there are together."""
    known = [each for each in bench.evidence.slices if each.gap is not None]
    worse = [each for each in known if _is_worse(each, bench, share=len(known))]
    name = "no slice worse than the champion"
    beyond = f" by more than {bench.tolerance:g}" if bench.tolerance else ""
    worst = describe_worst_slice(bench)
    if worse:
        listed = ", ".join(str(each) for each in worse[:3])
        detail = f"{len(worse)} of {len(known)} slices surely worse{beyond}: {listed}; {worst}"
        return Judged("keep", Gate(name=name, is_passed=False, detail=detail))
    detail = f"none of {len(known)} slices is surely worse{beyond}; {worst}"
    return Judged(PASSED, Gate(name=name, is_passed=True, detail=detail))


def _is_worse(each: SliceGap, bench: Bench, *, share: int) -> bool:
    interval = bound(each.gap, bench.alpha / share) if each.gap else None
    return interval is not None and interval.high < -bench.tolerance


def describe_worst_slice(bench: Bench) -> str:
    """Name the slice that lost most against the champion; without one, that does worst."""
    gaps = [each for each in bench.evidence.slices if each.gap is not None]
    if gaps:
        worst = min(gaps, key=lambda each: each.gap.value if each.gap else 0.0)
        gap = worst.gap.value if worst.gap else 0.0
        return f"worst {worst} ({worst.rows:,} rows): {describe_cost(bench.metric, gap)}"
    measured = [each for each in bench.evidence.slices if each.candidate is not None]
    if not measured:
        return ""
    sign = 1 if METRICS[bench.metric].is_higher_better else -1
    worst = min(measured, key=lambda each: sign * (each.candidate or 0.0))
    return f"worst {worst} ({worst.rows:,} rows): {format_name(bench.metric)} {worst.candidate:.4g}"
