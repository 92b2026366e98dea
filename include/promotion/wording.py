"""The sentences of a verdict."""

import math

from include.promotion.estimates import Interval
from include.records import (
    Answer,
    Comparison,
    EvaluateRecord,
    Evidence,
    Outcome,
    PromoteRecord,
    Verdict,
)
from include.specs.metrics import METRICS
from include.specs.promotion import Requirement
from include.values.formats import format_change, format_name


def percent(alpha: float) -> str:
    """Write a confidence with as many digits as tell it from certainty.

    Example:
        >>> percent(0.025), percent(0.0152), percent(0.0003)
        ('95 %', '97 %', '99.94 %')
    """
    digits = max(0, math.ceil(-math.log10(200 * alpha)))
    return f"{100 * (1 - 2 * alpha):.{digits}f} %"


def describe_interval(interval: Interval | None, alpha: float, rows: int) -> str:
    """Write the interval of a metric in brackets, with its confidence and the rows."""
    if interval is None:
        return f" ({rows:,} rows, too few to say how sure that is)"
    return f" ({percent(alpha)} interval {interval.low:.3g} to {interval.high:.3g}, {rows:,} rows)"


def describe_gap(
    metric: str, interval: Interval | None, alpha: float, *, is_too_few: bool = False
) -> str:
    """Write the interval of a difference in brackets, as that by which the metric changes."""
    if is_too_few or interval is None:
        return ", but the test rows are too few to say how sure that is"
    low, high = orient(metric, interval)
    return f" ({percent(alpha)} interval {format_change(low)} to {format_change(high)})"


def orient(metric: str, interval: Interval) -> Interval:
    """Turn bounds of what is gained into bounds of what the metric changes by, and back.

    Example:
        >>> orient("log_loss", Interval(0.0, 0.2))
        Interval(low=-0.2, high=0.0)
    """
    if METRICS[metric].is_higher_better:
        return interval
    return Interval(0.0 - interval.high, 0.0 - interval.low)  # not minus: that has a zero below 0


def describe_change(metric: str, gap: float, than: str = "") -> str:
    """Write by how much a metric is better or worse, in its own direction.

    Args:
        metric: Name of the metric.
        gap: Above 0 where the candidate is better.
        than: What it is held against.

    Example:
        >>> describe_change("log_loss", -0.031, "version 3"), describe_change("r2", 0.0)
        ('0.031 higher log loss than version 3, worse', 'the same R²')
    """
    name, other = format_name(metric), f" than {than}" if than else ""
    if not gap:
        return f"the same {name}{f' as {than}' if than else ''}"
    is_higher = (gap > 0) is METRICS[metric].is_higher_better
    word = "better" if gap > 0 else "worse"
    return f"{abs(gap):.3g} {'higher' if is_higher else 'lower'} {name}{other}, {word}"


def tell_outcome(
    verdict: Verdict,
    evaluated: EvaluateRecord,
    promoted: PromoteRecord | None = None,
    *,
    is_waiting: bool = False,
) -> Outcome:
    """Say what became of a candidate that was judged, and why.

    Args:
        verdict: What `judge` decided.
        evaluated: What `evaluate` measured.
        promoted: What `promote` did; None where it has not ended.
        is_waiting: Whether a person is being asked.
    """
    version = evaluated.champion_version
    stays = f"Version {version} stays champion" if version else "There is still no champion"
    proof = describe_proof(verdict, evaluated)
    if promoted is not None and promoted.is_promoted:
        place = f"the new champion in place of version {promoted.previous_version}"
        title = f"Version {promoted.version} is {place if version else 'the first champion'}"
        said = describe_answer(promoted.answer) if promoted.answer else ""
        if said and verdict.kind == "inconclusive":
            why = f"{said}, though the test rows do not show it: {proof}"
        else:
            why = f"{proof}; {said}" if said else proof
        return Outcome(badge="Promoted", title=title, why=why, tone="good")
    if is_waiting:
        title = "The candidate waits for a person's answer"
        return Outcome(badge="Waiting", title=title, why=proof, tone="warn")
    if verdict.kind == "keep":
        return Outcome(badge="Kept", title=stays, why=proof, tone="")
    won = "The candidate won and was not promoted"
    title = won if verdict.kind == "promote" else "The candidate is not promoted"
    reason = promoted.reason if promoted else "its promotion did not come to its end"
    why = f"{reason}; {proof}"
    return Outcome(badge="Not promoted", title=title, why=why, tone="warn" if promoted else "bad")


def describe_proof(verdict: Verdict, evaluated: EvaluateRecord) -> str:
    """Say on what a verdict rests: what failed, or the comparison with the champion."""
    failed = [gate.detail for gate in verdict.gates[:-1] if not gate.is_passed]
    found, rows = evaluated.comparison, evaluated.test.rows
    if failed:
        return "; ".join(failed)
    if not verdict.gates[-1].is_made:
        return f"it passed its gates on {rows:,} test rows, and there was no champion before"
    if found is None or found.difference is None:
        return verdict.reason
    versus = f"version {evaluated.champion_version}"
    if verdict.kind == "keep" and found.difference == found.low == found.high == 0:
        return f"the candidate predicts the same as {versus}"
    chance = ", which may be chance" if verdict.kind == "inconclusive" and found.difference else ""
    change = describe_change(found.metric, found.difference, versus)
    return f"{change}{describe_bounds(found, rows)}{chance}"


def describe_bounds(found: Comparison, rows: int) -> str:
    """Write the interval of a comparison, and on how many test rows it was made."""
    if found.low is None or found.high is None:
        return f" ({rows:,} test rows, too few to say how sure that is)"
    low, high = orient(found.metric, Interval(found.low, found.high))
    sure = percent((1 - found.confidence) / 2)
    return f" ({sure} interval {format_change(low)} to {format_change(high)}, {rows:,} test rows)"


def describe_answer(answer: Answer) -> str:
    """Say who said yes or no, and why.

    Example:
        >>> describe_answer(Answer(is_yes=False, by="ada", reason="too few rows"))
        'declined by ada: “too few rows”'
    """
    because = f": “{answer.reason.rstrip('.')}”" if answer.reason else ""
    return f"{'approved' if answer.is_yes else 'declined'} by {answer.by}{because}"


def describe_bound(requirement: Requirement) -> str:
    """Write the bound of a gate.

    Example:
        >>> describe_bound(Requirement(metric="accuracy", is_minimum=True, bound=0.9))
        'at least 0.9'
    """
    return f"at {'least' if requirement.is_minimum else 'most'} {requirement.bound:g}"


def describe_left_out(evidence: Evidence) -> str:
    """Say on how many rows both were compared, where it is not all."""
    if not evidence.rows_left_out:
        return ""
    kept = evidence.rows - evidence.rows_left_out
    return (
        f"; compared on {kept:,} of {evidence.rows:,} test rows, for one of both trained on the "
        "others"
    )


def describe_confidence(number: int, alpha: float) -> str:
    """Say what a further try on the same rows costs; nothing of the first."""
    if number < 2:
        return ""
    ending = {1: "st", 2: "nd", 3: "rd"}.get(number % 10 if number % 100 not in {11, 12, 13} else 0)
    return f"; {number}{ending or 'th'} try on these rows: {percent(alpha)} needed"


def describe_missing(rows: int | None) -> str:
    """Say how many more rows would settle it; nothing where that is not known."""
    if rows is None:
        return ""
    digits = max(0, len(str(rows)) - 2)
    rounded = math.ceil(rows / 10**digits) * 10**digits
    return f"; about {rounded:,} more test rows would settle it, if what they show stays the same"


def list_notes(evidence: Evidence) -> tuple[str, ...]:
    """Say what the rows were taken as, and what cleaning dropped."""
    dropped = [
        f"{count:,} {action.replace('_', ' ')} before the split"
        for action, count in evidence.cleaning.items()
        if count and "dropped" in action
    ]
    return (f"judged on {evidence.rows:,} test rows taken as {evidence.units}", *dropped)[:6]
