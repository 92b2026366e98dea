"""The gates that hold a candidate against the champion: on all rows, and slice by slice."""

import math

from include.promotion.bench import PASSED, Bench, Judged, close_gap
from include.promotion.budget import LEVEL
from include.promotion.estimates import bound, is_shown
from include.promotion.wording import (
    describe_change,
    describe_confidence,
    describe_left_out,
)
from include.records import Gate, SliceGap, VerdictKind
from include.specs.metrics import find_worst
from include.values.formats import format_name
from include.values.showing import cut_label


def judge_champion(bench: Bench) -> Judged:
    """Hold the candidate against the champion on the same rows."""
    name, evidence = "better than the champion", bench.evidence
    version, metric = evidence.champion_version, format_name(bench.metric)
    if not version and evidence.champion is None:
        if evidence.disturbance:
            detail = f"{evidence.disturbance}: whether there is a next one is for a person to say"
            return Judged("inconclusive", Gate(name=name, is_passed=False, detail=detail))
        detail = "there is no champion yet, so the first that passes its gates becomes it"
        return Judged(PASSED, Gate(name=name, is_passed=True, is_made=False, detail=detail))
    champion = f"champion version {version or 'unknown'}"
    if evidence.is_unreadable:
        return _judge_unreadable(name, champion, bench)
    gap = evidence.champion.gaps.get(bench.metric) if evidence.champion else None
    if evidence.champion_error or gap is None or not math.isfinite(gap.value):
        why = evidence.champion_error or f"the {metric} of both could not be computed"
        detail = f"{champion} could not be compared with: {why.rstrip('.')}"
        return Judged("inconclusive", Gate(name=name, is_passed=False, detail=detail))
    if gap.value == 0 and gap.units == 0:
        detail = f"the candidate predicts the same as {champion}"
        return Judged("keep", Gate(name=name, is_passed=False, detail=detail, value=0.0, bound=0.0))
    kind: VerdictKind = "keep"
    if evidence.rows_left_out and gap.error is None:
        kind = "inconclusive"
    elif gap.value > 0:
        kind = PASSED if is_shown(gap, bench.alpha) else "inconclusive"
    why = "; it may be chance" if kind == "inconclusive" and gap.error is not None else ""
    if kind != "keep" and evidence.disturbance:
        kind = "inconclusive"
        why += f"; {evidence.disturbance}, so a person decides"
    judged = close_gap(
        name,
        kind,
        gap,
        bench,
        words=describe_change(bench.metric, gap.value, champion),
        after=f"{describe_left_out(evidence)}{why}"
        f"{describe_confidence(evidence.tries.number, bench.alpha)}",
    )
    # No number of rows settles what somebody did to the alias.
    return judged._replace(missing=None) if evidence.disturbance else judged


def _judge_unreadable(name: str, champion: str, bench: Bench) -> Judged:
    evidence = bench.evidence
    is_settled = bench.is_replaced and not evidence.disturbance
    then = "the policy lets a candidate replace it" if is_settled else "a person decides"
    why = "; ".join(filter(None, (evidence.champion_error, evidence.disturbance)))
    detail = f"{champion} no longer understands the rows ({why}), so {then}"
    kind: VerdictKind = PASSED if is_settled else "inconclusive"
    return Judged(kind, Gate(name=name, is_passed=is_settled, detail=detail))


def judge_slices(bench: Bench) -> Judged:
    """Hold every slice with enough rows against the champion's, as many as there are together."""
    known = [each for each in bench.evidence.slices if each.gap is not None]
    # A veto is no chance to win: more tries make it no rarer.
    worse = [each for each in known if _is_worse(each, bench.tolerance, LEVEL / len(known))]
    name = "no slice worse than the champion"
    beyond = f" by more than {bench.tolerance:g}" if bench.tolerance else ""
    worst = describe_worst_slice(bench)
    if worse:
        listed = ", ".join(name_slice(each) for each in worse[:3])
        detail = f"{len(worse)} of {len(known)} slices surely worse{beyond}: {listed}; {worst}"
        return Judged("keep", Gate(name=name, is_passed=False, detail=detail))
    detail = f"none of {len(known)} slices is surely worse{beyond}; {worst}"
    return Judged(PASSED, Gate(name=name, is_passed=True, detail=detail))


def _is_worse(each: SliceGap, tolerance: float, alpha: float) -> bool:
    interval = bound(each.gap, alpha) if each.gap else None
    return interval is not None and interval.high < -tolerance


def describe_worst_slice(bench: Bench) -> str:
    """Name the slice that fares worst against the champion; without one, that does worst."""
    gaps = [each for each in bench.evidence.slices if each.gap is not None]
    if gaps:
        worst = min(gaps, key=lambda each: each.gap.value if each.gap else 0.0)
        change = describe_change(bench.metric, worst.gap.value if worst.gap else 0.0)
        return f"against the champion {name_slice(worst)} fares worst: {change}"
    found = find_worst(bench.metric, bench.evidence.slices, lambda each: each.candidate)
    if found is None:
        return ""
    return f"{name_slice(found)} does worst: {format_name(bench.metric)} {found.candidate:.4g}"


def name_slice(each: SliceGap) -> str:
    """Name a slice by its column and value, long ones cut, with its rows."""
    return f"{cut_label(each.column, 40)} = {cut_label(each.value, 40)} ({each.rows:,} rows)"
