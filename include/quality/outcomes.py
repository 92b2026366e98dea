"""From what an engine found out to what a reader is told: bounded, and without private values."""

import re
from typing import Final

from include.quality.results import EXAMPLES, RuleResult
from include.quality.rules import Rule
from include.records import RuleOutcome
from include.specs.columns import Severity
from include.values.casts import NUMBER
from include.values.showing import has_few_digits

MAX_TEXT_LENGTH: Final = 400
MAX_NAME_LENGTH: Final = 120
EXAMPLE: Final = re.compile(r"(?P<label>observed: )?(?P<value>.*?)(?P<place> \(row \d+\))?", re.S)
PLAIN: Final = frozenset({"missing", "True", "False", "inf", "-inf"})
AFTER_MOVING: Final[dict[Severity, Severity]] = {
    "critical": "warning",
    "warning": "warning",
    "info": "info",
}


def write_outcome(rule: Rule, result: RuleResult, *, has_private: bool = False) -> RuleOutcome:
    """Write the outcome of a rule on the rows that it was judged on.

    Args:
        rule: The rule.
        result: What an engine found out.
        has_private: Whether the contract has any private column. Then examples of other columns
            show numbers only, for a separator too many shifts personal data into any of them.
    """
    return RuleOutcome(
        rule=rule.name,
        column=cut(rule.subject, MAX_NAME_LENGTH),
        severity=rule.severity,
        is_met=result.is_met,
        engine=result.engine,
        unexpected=result.unexpected,
        checked=result.checked,
        examples=_write_examples(rule, result, has_private),
        advice=cut(rule.advice, MAX_TEXT_LENGTH),
        error=_write_error(rule, result, has_private),
    )


def write_moved_outcome(
    rule: Rule, before: RuleResult, after: RuleResult, *, has_private: bool = False
) -> RuleOutcome:
    """Write the outcome of a rule whose failing rows moved to quarantine.

    The rest passes it, so what is left to say is a warning; if the rest does not pass, the rule
    fails as it would have without a quarantine.

    Args:
        rule: The rule.
        before: What an engine found out before the rows moved.
        after: What it found out of the rest.
        has_private: Whether the contract has any private column.
    """
    noun = "row" if before.unexpected == 1 else "rows"
    moved = f"{before.unexpected:,} {noun} moved to quarantine."
    if not after.is_met:
        outcome = write_outcome(rule, after, has_private=has_private)
        return outcome.model_copy(
            update={
                "advice": cut(f"{moved} The rest fails it too. {outcome.advice}", MAX_TEXT_LENGTH)
            }
        )
    outcome = write_outcome(rule, before, has_private=has_private)
    return outcome.model_copy(
        update={
            "severity": AFTER_MOVING[rule.severity],
            "advice": cut(f"{moved} {outcome.advice}", MAX_TEXT_LENGTH),
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


def hide_text(example: str) -> str:
    """Leave of an example what may be seen beside private columns: small numbers, and the row.

    Example:
        >>> hide_text("'jane@ex.org' (row 3)"), hide_text("7 (row 3)")
        ('not shown (row 3)', '7 (row 3)')
        >>> hide_text("491701234567 (row 3)")
        'about 4.9e+11 (row 3)'
    """
    match = EXAMPLE.fullmatch(example)
    label, value, place = match.groups(default="") if match else ("", "", "")
    if NUMBER.fullmatch(value):
        return f"{label}{value if has_few_digits(value) else f'about {float(value):.1e}'}{place}"
    return f"{label}{value if value in PLAIN else 'not shown'}{place}"


def _write_examples(rule: Rule, result: RuleResult, has_private: bool) -> tuple[str, ...]:
    if rule.is_private:
        return ()
    shown = result.examples[:EXAMPLES]
    return tuple(hide_text(one) for one in shown) if has_private else shown


def _write_error(rule: Rule, result: RuleResult, has_private: bool) -> str:
    # What the reader says is its own; an engine may quote the value that it stumbled over.
    if result.error and result.engine != "reader" and (rule.is_private or has_private):
        return "the rule raised an exception, whose text may hold private values"
    return cut(result.error, MAX_TEXT_LENGTH)
