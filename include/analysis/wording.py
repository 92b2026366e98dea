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
    """Write a number with up to three significant digits, and never as minus zero.

    Example:
        >>> number(-0.8246), number(98.61), number(1046.0), number(0.00124)
        ('−0.82', '98.6', '1,046', '0.0012')
    """
    if value is None or not math.isfinite(value):
        return "unknown"
    size = abs(value)
    if value == round(value) and size < 100:
        return f"{MINUS if value < 0 else ''}{size:.0f}"
    decimals = 0 if size >= 100 else 1 if size >= 10 else 2
    text = f"{size:,.{decimals}f}" if size >= 0.01 else f"{size:.2g}"
    return text if value >= 0 else f"{MINUS}{text}"


def coefficient(value: float | None) -> str:
    """Write a correlation with two decimals.

    Example:
        >>> coefficient(-0.8246), coefficient(-0.004)
        ('−0.82', '0.00')
    """
    if value is None or not math.isfinite(value):
        return "unknown"
    text = f"{abs(value):.2f}"
    return f"{MINUS}{text}" if value < 0 and float(text) > 0 else text


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
