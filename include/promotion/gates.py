"""The gates and the verdict: pure decisions, closed by default.

`promote` needs every gate passed and, where there is a champion, a difference that is shown to lie
above 0. `inconclusive` says that the candidate may be better but the test rows do not show it, or
that the champion could not be compared with: only a person's yes promotes then. Everything else,
also what is missing or not a number, is `keep`.
"""

from collections.abc import Sequence

from include.promotion.bench import (
    PASSED,
    Bench,
    Judged,
    answer_undefined,
    bound_metric,
    classify,
    close_gap,
    close_gate,
    keep_finite,
    list_bounds,
)
from include.promotion.budget import spend
from include.promotion.champion_gates import describe_worst_slice, judge_champion, judge_slices
from include.promotion.estimates import count_missing_rows, is_shown
from include.promotion.reference_gate import judge_reference
from include.promotion.unpredicted import warn_of_unpredicted
from include.promotion.wording import (
    describe_bound,
    describe_interval,
    describe_missing,
    list_notes,
)
from include.records import Estimate, Evidence, Gate, Rival, Verdict, VerdictKind
from include.specs import PipelineSpec
from include.specs.promotion import Requirement
from include.values.formats import format_name


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
    if rules.beat_reference:
        absolute.append(judge_reference(bench))
    if evidence.champion is not None and evidence.slices:
        absolute.append(judge_slices(bench))
    champion = judge_champion(bench)
    judged = [*absolute, champion]
    kind, reason = _weigh(absolute, champion)
    open_ones = [each for each in judged if each.kind == "inconclusive"]
    settled = count_settling_rows(open_ones) if kind == "inconclusive" else None
    if kind == "inconclusive" and evidence.flaw:
        reason += f"; the test rows are {evidence.flaw}"
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
        warnings=warn_of_unpredicted(spec, evidence),
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
    found = keep_finite(bench.evidence.estimates.get(requirement.metric))
    words = f"{describe_bound(requirement)} is required"
    name = format_name(requirement.metric)
    if found is None:
        detail = f"{name} on the test rows could not be computed; {words}"
        failed = Judged("keep", Gate(name=str(requirement), is_passed=False, detail=detail))
        return answer_undefined(failed.gate.name, requirement.metric, bench.evidence) or failed
    interval = bound_metric(requirement.metric, found, bench.alpha)

    def is_met(each: Estimate) -> bool:
        bounds = bound_metric(requirement.metric, each, bench.alpha)
        worse = bounds and (bounds.low if requirement.is_minimum else bounds.high)
        return requirement.is_met(worse)

    kind = classify(requirement.is_met(found.value), is_sure=is_met(found), bench=bench)
    shown = describe_interval(interval, bench.alpha, bench.evidence.rows)
    return close_gate(
        kind,
        Gate(
            name=str(requirement),
            is_passed=kind == PASSED,
            detail=f"{name} on the test rows is {found.value:.4g}{shown}; {words}"
            + (" of the whole interval" if kind == "inconclusive" else ""),
            value=found.value,
            bound=requirement.bound,
            **list_bounds(interval),
        ),
        lambda: count_missing_rows(found, is_met, bench.evidence.rows),
    )


def judge_guesses(bench: Bench) -> Judged:
    """Hold the candidate against the best of the guesses that need no model."""
    name = "better than the trivial guesses"
    ours = keep_finite(bench.evidence.estimates.get(bench.metric))
    guess = find_best_guess(bench.evidence.guesses, bench.metric)
    if ours is None or guess is None:
        side = "the candidate" if ours is None else "the trivial guesses"
        detail = f"{format_name(bench.metric)} of {side} could not be computed"
        failed = Judged("keep", Gate(name=name, is_passed=False, detail=detail))
        return answer_undefined(name, bench.metric, bench.evidence) or failed
    theirs, gap = guess.metrics[bench.metric], guess.gaps[bench.metric]
    relation = "better than" if gap.value > 0 else "no better than"
    return close_gap(
        f"better than answering {guess.name}",
        classify(gap.value > 0, is_sure=is_shown(gap, bench.alpha), bench=bench),
        gap,
        bench,
        words=f"{format_name(bench.metric)} {ours.value:.4g} is {relation} the {theirs:.4g} of "
        f"answering {guess.name}",
    )


def find_best_guess(guesses: Sequence[Rival], metric: str) -> Rival | None:
    """Find the guess that is hardest to beat; None where one of them could not be measured."""
    if any(keep_finite(each.gaps.get(metric)) is None for each in guesses):
        return None
    return min(guesses, key=lambda each: each.gaps[metric].value, default=None)
