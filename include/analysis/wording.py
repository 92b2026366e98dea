"""How numbers and lists stand in the story's sentences."""

import math
from collections.abc import Sequence

MINUS = "\N{MINUS SIGN}"


def count(value: int) -> str:
    """Write a count with its thousands apart."""
    return f"{value:,}"


def percent(share: float) -> str:
    """Write a share as a percentage.

    Example:
        >>> percent(0.0472), percent(0.0001)
        ('4.7 %', 'under 0.1 %')
    """
    if 0 < share < 0.001:
        return "under 0.1 %"
    return f"{100 * share:.1f}".removesuffix(".0") + " %"


def number(value: float | None) -> str:
    """Write a number with three significant digits.

    Example:
        >>> number(-0.8246), number(98.61), number(1046.0)
        ('−0.82', '98.6', '1,046')
    """
    if value is None or not math.isfinite(value):
        return "unknown"
    size = abs(value)
    if value == round(value) and size < 100:
        return f"{MINUS if value < 0 else ''}{size:.0f}"
    decimals = 0 if size >= 100 else 1 if size >= 10 else 2
    return f"{size:,.{decimals}f}" if value >= 0 else f"{MINUS}{size:,.{decimals}f}"


def join(parts: Sequence[str]) -> str:
    """Write a list as in a sentence.

    Example:
        >>> join(["a", "b", "c"])
        'a, b and c'
    """
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}"


def strength(value: float) -> str:
    """Name the strength of an association by its absolute value.

    Example:
        >>> strength(0.82), strength(0.12)
        ('strongly', 'hardly')
    """
    for bound, word in ((0.7, "strongly"), (0.4, "clearly"), (0.2, "weakly")):
        if value >= bound:
            return word
    return "hardly"
