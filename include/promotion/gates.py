"""The gates and the verdict: pure decisions, closed by default.

`promote` needs every gate passed and, where there is a champion, a difference that is shown to lie
above 0. `inconclusive` says that the candidate may be better but the test rows do not show it, or
that the champion could not be compared with: only a person's yes promotes then. Everything else,
also what is missing or not a number, is `keep`.
"""

import math
from collections.abc import Callable
from typing import Final, NamedTuple

from include.promotion.budget import spend
from include.promotion.estimates import (
    Interval,
    bound,
    bound_share,
    count_missing_rows,
    is_shown,
)
from include.promotion.wording import (
    describe_confidence,
    describe_cost,
    describe_gap,
    describe_interval,
    describe_left_out,
    describe_missing,
    list_notes,
    spell,
)
from include.records import Estimate, Evidence, Gate, Rival, SliceGap, Verdict, VerdictKind
from include.specs import PipelineSpec
from include.specs.metrics import METRICS
from include.specs.promotion import Requirement

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


def decide(spec: PipelineSpec, evidence: Evidence) -> Verdict:
    """Come to a verdict from the evidence alone.

    Args:
        spec: Its `promotion` holds the rules.
        evidence: What `evaluate` measured, with errors, and how often it was tried.
    """
    rules = spec.promotion
    is_replaced = evidence.is_unreadable and rules.unreadable_champion == "replace"
    is_first = is_replaced or (evidence.champion is None and not evidence.champion_version)
    is_lower = rules.gates == "lower" or (rules.gates is None and is_first)
    alpha = spend(evidence.tries.number)
    bench = Bench(
        evidence, spec.compare_metric, alpha, is_lower, is_replaced, rules.slice_tolerance
    )
    absolute = [judge_requirement(each, bench) for each in rules.requirements]
    absolute.append(judge_guesses(bench))
    if evidence.champion is not None and evidence.slices:
        absolute.append(judge_slices(bench))
    champion = judge_champion(bench)
    judged = [*absolute, champion]
    kind, reason = _weigh(absolute, champion)
    open_ones = [each for each in judged if each.kind == "inconclusive"]
    settled = count_settling_rows(open_ones) if kind == "inconclusive" else None
    return Verdict(
        kind=kind,
        gates=tuple(each.gate for each in judged),
        reason=reason + describe_missing(settled),
        needs_approval=kind != "keep" and rules.approval in {"always", kind},
        tries=evidence.tries.number,
        confidence=1 - 2 * alpha,
        rows_needed=settled,
        worst_slice=describe_worst_slice(bench),
        notes=list_notes(evidence),
    )


def _weigh(absolute: list[Judged], champion: Judged) -> tuple[VerdictKind, str]:
    failed = [each.gate.detail for each in absolute if each.kind == "keep"]
    if failed:
        return "keep", f"gates not passed: {'; '.join(failed)}"
    if champion.kind == "keep":
        return "keep", champion.gate.detail
    open_ones = [each.gate.detail for each in absolute if each.kind == "inconclusive"]
    if not open_ones:
        return champion.kind, champion.gate.detail
    if champion.kind == "inconclusive":
        open_ones.append(champion.gate.detail)
    return "inconclusive", f"the test rows do not show it: {'; '.join(open_ones)}"


def count_settling_rows(open_ones: list[Judged]) -> int | None:
    """Tell how many more rows would settle all that is open; None where one cannot be said."""
    missing = [each.missing for each in open_ones]
    known = [rows for rows in missing if rows is not None]
    return max(known) if known and len(known) == len(missing) else None


def judge_requirement(requirement: Requirement, bench: Bench) -> Judged:
    """Hold one test metric against its bound; a missing one does not pass."""
    found = _finite(bench.evidence.estimates.get(requirement.metric))
    words = f"at {'least' if requirement.is_minimum else 'most'} {requirement.bound:g} is required"
    name = spell(requirement.metric)
    if found is None:
        detail = f"{name} on the test rows could not be computed; {words}"
        return Judged("keep", Gate(name=str(requirement), is_passed=False, detail=detail))
    interval = _bound_metric(requirement.metric, found, bench.alpha)

    def is_met(each: Estimate) -> bool:
        bounds = _bound_metric(requirement.metric, each, bench.alpha)
        worse = bounds and (bounds.low if requirement.is_minimum else bounds.high)
        return requirement.is_met(worse)

    kind = _classify(requirement.is_met(found.value), is_sure=is_met(found), bench=bench)
    shown = describe_interval(interval, bench.alpha, bench.evidence.rows)
    return _close(
        kind,
        Gate(
            name=str(requirement),
            is_passed=kind == PASSED,
            detail=f"{name} on the test rows is {found.value:.4g}{shown}; {words}"
            + (" of the whole interval" if kind == "inconclusive" else ""),
            value=found.value,
            bound=requirement.bound,
            **_fields(interval),
        ),
        lambda: count_missing_rows(found, is_met, bench.evidence.rows),
    )


def judge_guesses(bench: Bench) -> Judged:
    """Hold the candidate against the best of the guesses that need no model."""
    name = "better than the trivial guesses"
    ours = _finite(bench.evidence.estimates.get(bench.metric))
    guess = find_best_guess(bench.evidence, bench.metric)
    if ours is None or guess is None:
        side = "the candidate" if ours is None else "the trivial guesses"
        detail = f"{spell(bench.metric)} of {side} could not be computed"
        return Judged("keep", Gate(name=name, is_passed=False, detail=detail))
    theirs, gap = guess.metrics[bench.metric], guess.gaps[bench.metric]
    kind = _classify(gap.value > 0, is_sure=is_shown(gap, bench.alpha), bench=bench)
    interval = bound(gap, bench.alpha)
    relation = "better than" if gap.value > 0 else "no better than"
    return _close(
        kind,
        Gate(
            name=f"better than answering {guess.name}",
            is_passed=kind == PASSED,
            detail=f"{spell(bench.metric)} {ours.value:.4g} is {relation} the {theirs:.4g} of "
            f"answering {guess.name}"
            f"{describe_gap(interval, bench.alpha, is_too_few=gap.error is None)}",
            value=gap.value,
            bound=0.0,
            **_fields(interval),
        ),
        lambda: _count_for_gap(gap, bench),
    )


def find_best_guess(evidence: Evidence, metric: str) -> Rival | None:
    """Find the guess that is hardest to beat; None where one of them could not be measured."""
    measured = [each for each in evidence.guesses if _finite(each.gaps.get(metric)) is not None]
    if len(measured) < len(evidence.guesses):
        return None
    return min(measured, key=lambda each: each.gaps[metric].value, default=None)


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
    return f"worst {worst} ({worst.rows:,} rows): {spell(bench.metric)} {worst.candidate:.4g}"


def judge_champion(bench: Bench) -> Judged:
    """Hold the candidate against the champion on the same rows."""
    name, evidence = "better than the champion", bench.evidence
    version, metric = evidence.champion_version, spell(bench.metric)
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
    return _close(
        kind,
        Gate(
            name=name,
            is_passed=kind == PASSED,
            detail=f"{describe_cost(bench.metric, gap.value)} than that of {champion}{shown}"
            f"{describe_left_out(evidence)}{why}{describe_confidence(evidence.tries.number, bench.alpha)}",
            value=gap.value,
            bound=0.0,
            **_fields(interval),
        ),
        lambda: _count_for_gap(gap, bench) if is_chance else None,
    )


def _judge_unreadable(name: str, champion: str, bench: Bench) -> Judged:
    kind: VerdictKind = PASSED if bench.is_replaced else "inconclusive"
    then = "the policy lets a candidate replace it" if bench.is_replaced else "a person decides"
    why = bench.evidence.champion_error
    detail = f"{champion} no longer understands the rows ({why}), so {then}"
    return Judged(kind, Gate(name=name, is_passed=kind == PASSED, detail=detail))


def _classify(is_met: bool, *, is_sure: bool, bench: Bench) -> VerdictKind:
    if not is_met:
        return "keep"
    return PASSED if is_sure or not bench.is_lower else "inconclusive"


def _close(kind: VerdictKind, gate: Gate, count: Callable[[], int | None]) -> Judged:
    return Judged(kind, gate, count() if kind == "inconclusive" else None)


def _count_for_gap(gap: Estimate, bench: Bench) -> int | None:
    return count_missing_rows(gap, lambda each: is_shown(each, bench.alpha), bench.evidence.rows)


def _bound_metric(metric: str, found: Estimate, alpha: float) -> Interval | None:
    is_share = METRICS[metric].task == "classification" and METRICS[metric].is_higher_better
    return bound_share(found, alpha) if is_share else bound(found, alpha)


def _fields(interval: Interval | None) -> dict[str, float]:
    return {} if interval is None else {"low": interval.low, "high": interval.high}


def _finite(found: Estimate | None) -> Estimate | None:
    return found if found is not None and math.isfinite(found.value) else None
