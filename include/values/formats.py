"""How numbers and names are written on pages: the same figure looks the same everywhere."""

import math
import re
from collections.abc import Sequence
from typing import Final

BYTES: Final = ("B", "KB", "MB", "GB", "TB")
MINUS: Final = "\N{MINUS SIGN}"
NOTHING: Final = "\N{EN DASH}"
# What Markdown takes for more than text; with `<` and `&` it covers HTML as well.
MARKDOWN: Final = re.compile(r"([\\`*_{}\[\]<>#|!~&])")
ESCAPED: Final = re.compile(rf"\\{MARKDOWN.pattern}")
ABBREVIATIONS: Final = {
    **{name: name.upper() for name in ("auc", "cpu", "f1", "mae", "mape", "mse", "rmse", "roc")},
    "r2": "R²",
}


def escape_markdown(text: str) -> str:
    r"""Put a backslash before whatever Markdown would act on, on one line.

    Example:
        >>> print(escape_markdown("a_b <c>"))
        a\_b \<c\>
    """
    return MARKDOWN.sub(r"\\\1", " ".join(text.split()))


def unescape_markdown(text: str) -> str:
    r"""Take away the backslashes that `escape_markdown` put, for where Markdown is not read.

    Example:
        >>> print(unescape_markdown(r"a\_b \<c\>"))
        a_b <c>
    """
    return ESCAPED.sub(r"\1", text)


def format_number(value: float | None, digits: int = 4) -> str:
    """Write a number with a fixed count of significant digits, grouped; a dash for none.

    Example:
        >>> format_number(0.123456), format_number(43824.0), format_number(None)
        ('0.1235', '43,824', '–')
    """
    if value is None:
        return NOTHING
    if not math.isfinite(value):
        return "not a number" if math.isnan(value) else "infinite"
    if value == int(value) and abs(value) < 1e15:
        return _with_minus(f"{int(value):,}")
    if abs(value) >= 1e7 or abs(value) < 1e-4:
        return _with_minus(f"{value:.{digits - 1}e}")
    decimals = max(0, digits - 1 - math.floor(math.log10(abs(value))))
    return _with_minus(f"{value:,.{min(decimals, digits)}f}")


def format_tick(value: float) -> str:
    """Write a round number of an axis with no more digits than it needs.

    Example:
        >>> format_tick(0.8), format_tick(-600000.0)
        ('0.8', '−600,000')
    """
    return _with_minus(f"{value:,.6g}")


def format_metric(value: float | None) -> str:
    """Write a metric so that a column of them lines up: four decimals unless it is large.

    Example:
        >>> format_metric(0.9), format_metric(23.123456), format_metric(8123.4)
        ('0.9000', '23.1235', '8,123')
    """
    if value is None or not math.isfinite(value) or abs(value) >= 1000:
        return format_number(value)
    return _with_minus(f"{value:.4f}")


def format_signed(value: float | None, decimals: int = 3) -> str:
    """Write a correlation with fixed decimals, never as minus zero; a dash for none.

    Example:
        >>> format_signed(-0.8267), format_signed(-0.001, 2)
        ('−0.827', '0.00')
    """
    if value is None or not math.isfinite(value):
        return NOTHING
    return _with_minus(f"{round(value, decimals) + 0.0:.{decimals}f}")


def format_change(value: float | None) -> str:
    """Write a change with its sign and three significant digits; a dash for none.

    Example:
        >>> [format_change(value) for value in (0.0123456, -0.2, -0.0, 4321.0)]
        ['+0.0123', '−0.2', '0', '+4,321']
    """
    if not value or not math.isfinite(value):
        return format_number(value)
    return _with_minus(f"{value:+,.0f}" if abs(value) >= 1000 else f"{value:+.3g}")


def format_count(value: int) -> str:
    """Write a count with its thousands apart.

    Example:
        >>> format_count(60000)
        '60,000'
    """
    return f"{value:,}"


def format_percent(share: float | None) -> str:
    """Write a share as a percentage; small ones keep a digit that says they are not zero.

    Example:
        >>> format_percent(0.2534), format_percent(0.00004), format_percent(1.0)
        ('25.3 %', '< 0.1 %', '100 %')
    """
    if share is None or not math.isfinite(share):
        return NOTHING
    if 0 < share < 0.001:
        return "< 0.1 %"
    if 0.999 < share < 1:
        return "> 99.9 %"
    text = f"{100 * share:.1f}".removesuffix(".0")
    return f"{_with_minus(text)} %"


def format_seconds(seconds: float) -> str:
    """Write a duration in the unit that suits it.

    Example:
        >>> format_seconds(0.043), format_seconds(8.25), format_seconds(3725)
        ('43 ms', '8.2 s', '1 h 02 min')
    """
    if seconds < 1:
        return f"{1000 * seconds:.0f} ms"
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest:02d} s"
    return f"{minutes // 60} h {minutes % 60:02d} min"


def format_size(size_bytes: float) -> str:
    """Write a size in bytes in the unit that suits it.

    Example:
        >>> format_size(734), format_size(2_010_492)
        ('734 B', '1.9 MB')
    """
    size, unit = float(size_bytes), 0
    while size >= 1024 and unit < len(BYTES) - 1:
        size, unit = size / 1024, unit + 1
    return f"{size:.0f} {BYTES[unit]}" if unit == 0 else f"{size:.1f} {BYTES[unit]}"


def format_name(identifier: str) -> str:
    """Write an identifier of ours as words, and abbreviations as the field does.

    Example:
        >>> format_name("duplicates_dropped"), format_name("roc_auc"), format_name("r2")
        ('duplicates dropped', 'ROC AUC', 'R²')
    """
    return " ".join(ABBREVIATIONS.get(word, word) for word in identifier.split("_"))


def format_sentence(clause: str) -> str:
    """Write a clause as a sentence: a capital first, a full stop last; nothing stays nothing.

    Example:
        >>> format_sentence("log loss is lower"), format_sentence("Done."), format_sentence("")
        ('Log loss is lower.', 'Done.', '')
    """
    text = capitalise(clause.strip())
    return text if text[-1:] in ".!?" else f"{text}."


def capitalise(text: str) -> str:
    """Write the first letter large and leave the others as they are."""
    return text[:1].upper() + text[1:]


def format_list(parts: Sequence[str]) -> str:
    """Write a list as in a sentence.

    Example:
        >>> format_list(["a", "b", "c"])
        'a, b and c'
    """
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}"


def _with_minus(text: str) -> str:
    return MINUS + text[1:] if text.startswith("-") else text
