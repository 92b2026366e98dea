"""The sentences of a verdict."""

import math

from include.promotion.estimates import Interval
from include.records import Evidence
from include.values.formats import format_name


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


def describe_gap(interval: Interval | None, alpha: float, *, is_too_few: bool) -> str:
    """Write the interval of a difference in brackets."""
    if is_too_few or interval is None:
        return ", but the test rows are too few to say how sure that is"
    return f" ({percent(alpha)} interval {interval.low:+.3g} to {interval.high:+.3g})"


def describe_cost(metric: str, gap: float) -> str:
    """Write by how much a metric is better or worse.

    Example:
        >>> describe_cost("log_loss", -0.031)
        'log loss is 0.031 worse'
    """
    word = f"{abs(gap):.3g} {'better' if gap > 0 else 'worse'}" if gap else "no better"
    return f"{format_name(metric)} is {word}"


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
