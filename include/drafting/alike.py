"""Texts that may be one thing: in other letters, in two codes, or after a spreadsheet had them."""

import re
import unicodedata
from collections.abc import Mapping
from typing import Final

from include.drafting.profile import ColumnProfile

ANSWERS: Final = {
    **dict.fromkeys(("true", "yes", "t", "y", "1", "1.0"), "yes"),
    **dict.fromkeys(("false", "no", "f", "n", "0", "0.0"), "no"),
}
# What may stand around a text without changing what it says.
AROUND: Final = " .,;:'\"`"
MONTHS: Final = "jan|feb|m[aä]r|apr|ma[iy]|jun|jul|aug|sep|o[ck]t|nov|de[cz]"
SHEET_DAY: Final = re.compile(rf"\d{{1,2}}[-.]({MONTHS})|({MONTHS})-\d{{1,2}}", re.IGNORECASE)


def show_spellings(column: ColumnProfile) -> str:
    """Point out values that differ in letters and marks only, or are one answer: `True` and 1."""
    alike: dict[str, list[str]] = {}
    is_answer = all(text.lower() in ANSWERS for text in column.values)
    for text in column.values:
        plain = fold_text(text)
        alike.setdefault(ANSWERS[plain] if is_answer else plain, []).append(text)
    several = [texts for texts in alike.values() if len(texts) > 1]
    if not several:
        return ""
    shown = "; ".join(_show_counts(texts, column.values) for texts in several[:3])
    return f"CHECK: the same in other letters? {shown}; correct the source if they are"


def show_sheet_days(column: ColumnProfile) -> str:
    """Point out days among other texts: a spreadsheet makes 5-Oct of the range 5-10."""
    days = [text for text in column.values if SHEET_DAY.fullmatch(text)]
    if not days or 2 * len(days) > len(column.values):
        return ""
    return (
        f"CHECK: {_show_days(days, column.values)} may be what a spreadsheet made of it (5-10, "
        "MAR10): correct the source if it is"
    )


def fold_text(text: str) -> str:
    r"""Fold what people do not see or mean: case, blanks, marks around, codes of one letter.

    Example:
        >>> fold_text("Yes.\u200b"), fold_text("MÃ¼nchen"), fold_text("-.")
        ('yes', 'münchen', '-')
    """
    plain = unicodedata.normalize("NFKC", _read_as_utf8(text)).casefold()
    seen = "".join(one for one in plain if unicodedata.category(one) != "Cf")
    words = " ".join(seen.split())
    return words.strip(AROUND) or words


def _read_as_utf8(text: str) -> str:
    """Undo UTF-8 that was read as Windows' western encoding."""
    if text.isascii():
        return text
    try:
        return text.encode("cp1252").decode("utf-8")
    except UnicodeError:
        return text


def _show_counts(texts: list[str], counts: Mapping[str, int]) -> str:
    return ", ".join(f"{_show(text)} ({counts[text]})" for text in texts)


def _show(text: str) -> str:
    # A letter and its accent in two codes look like one in one.
    return repr(text) if unicodedata.is_normalized("NFC", text) else ascii(text)


def _show_days(days: list[str], counts: Mapping[str, int]) -> str:
    more = f" and {len(days) - 1} more" if len(days) > 1 else ""
    return f"{days[0]!r}{more} in {sum(counts[day] for day in days)} rows"
