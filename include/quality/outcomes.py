"""From what an engine found out to what a reader is told: bounded, and without private values."""

from typing import Final

from include.quality.results import EXAMPLES, RuleResult
from include.quality.rules import Rule
from include.records import RuleOutcome
from include.specs.columns import Severity

LONGEST_TEXT: Final = 400
LONGEST_NAME: Final = 120
AFTER_MOVING: Final[dict[Severity, Severity]] = {
    "critical": "warning",
    "warning": "warning",
    "info": "info",
}


def write_outcome(rule: Rule, result: RuleResult) -> RuleOutcome:
    """Write the outcome of a rule on the rows that it was judged on."""
    return RuleOutcome(
        rule=rule.name,
        column=cut(rule.subject, LONGEST_NAME),
        severity=rule.severity,
        is_met=result.is_met,
        engine=result.engine,
        unexpected=result.unexpected,
        checked=result.checked,
        examples=() if rule.is_private else result.examples[:EXAMPLES],
        advice=cut(rule.advice, LONGEST_TEXT),
        error=_write_error(rule, result),
    )


def write_moved_outcome(rule: Rule, before: RuleResult, after: RuleResult) -> RuleOutcome:
    """Write the outcome of a rule whose failing rows moved to quarantine.

    The rest passes it, so what is left to say is a warning; if the rest does not pass, the rule
    fails as it would have without a quarantine.
    """
    noun = "row" if before.unexpected == 1 else "rows"
    moved = f"{before.unexpected:,} {noun} moved to quarantine."
    if not after.is_met:
        outcome = write_outcome(rule, after)
        return outcome.model_copy(
            update={"advice": cut(f"{moved} The rest fails it too. {outcome.advice}", LONGEST_TEXT)}
        )
    outcome = write_outcome(rule, before)
    return outcome.model_copy(
        update={
            "severity": AFTER_MOVING[rule.severity],
            "advice": cut(f"{moved} {outcome.advice}", LONGEST_TEXT),
        }
    )


def cut(text: str, length: int) -> str:
    r"""Write any text printable, on one line and at most `length` characters long.

    Example:
        >>> cut("one\ntwo three", 8)
        'one two…'
    """
    line = "".join(char if char.isprintable() else " " for char in text[: length + 1])
    return line if len(line) <= length else f"{line[: length - 1]}…"


def _write_error(rule: Rule, result: RuleResult) -> str:
    if result.error and rule.is_private:
        return "the rule raised an exception, whose text may hold private values"
    return cut(result.error, LONGEST_TEXT)
