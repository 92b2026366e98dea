"""How a value is shown to a reader: short, printable, and without what is private."""

from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from typing import Final

from include.values.casts import NOT_FINITE, NUMBER

# Longer numbers may be of a telephone, an account or a card.
SHOWN_DIGITS: Final = 6
SHOWN_LENGTH: Final = 60
LABEL_LENGTH: Final = 24


def shorten(text: object, limit: int = 80) -> str:
    """Write any text in quotes, printable and at most `limit` characters long.

    Example:
        >>> shorten("a" * 200, 10)
        "'aaaaaa…' (200 characters)"
        >>> shorten("<img src=x>")
        "'<img src=x>'"
    """
    written = str(text)
    if len(written) <= limit:
        return ascii_controls(repr(written))
    return (
        f"{ascii_controls(repr(written[: max(1, limit - 4)])[:-1])}…' ({len(written)} characters)"
    )


def cut_label(text: str, longest: int = LABEL_LENGTH) -> str:
    """Cut a text that is too long for a label, as it is and without quotes.

    Example:
        >>> cut_label("Handlers-cleaners", 9)
        'Handlers…'
    """
    return text if len(text) <= longest else f"{text[: longest - 1]}…"


def list_few(texts: Sequence[str], most: int = 3) -> str:
    """List the first of some texts, and show that there are more.

    Example:
        >>> list_few(["'a'", "'b'", "'c'"], 2)
        "'a', 'b', …"
    """
    return ", ".join((*texts[:most], "…") if len(texts) > most else texts)


def ascii_controls(text: str) -> str:
    """Replace characters that would break a line of a log."""
    return "".join(char if char.isprintable() else "?" for char in text)


def has_few_digits(number: str) -> bool:
    """Tell whether a written number is too short to be of a telephone, an account or a card."""
    return sum(char.isdigit() for char in number) <= SHOWN_DIGITS


def show_value(value: object, *, has_private: bool) -> str:
    """Write a value of a column that is not private for a reason, an error or an example.

    Beside private columns only small numbers are shown: a separator too many shifts personal
    data into any column. Of all else the reader gets the shape; where it stands tells the rest.

    Args:
        value: A value of the source.
        has_private: Whether the contract has any private column.

    Example:
        >>> show_value("jane@ex.org", has_private=False)
        "'jane@ex.org'"
        >>> show_value("jane@ex.org", has_private=True)
        'a text of 11 characters'
        >>> show_value("12.5", has_private=True), show_value(491701234567, has_private=True)
        ("'12.5'", 'about 4.9e+11')
    """
    if not has_private or isinstance(value, bool):
        return shorten(value, SHOWN_LENGTH)
    text = str(value).strip() if isinstance(value, int | float | Decimal | str) else ""
    if NUMBER.fullmatch(text) or NOT_FINITE.fullmatch(text):
        return shorten(text) if has_few_digits(text) else f"about {float(text):.1e}"
    if isinstance(value, str):
        return f"a text of {len(value)} {'character' if len(value) == 1 else 'characters'}"
    if isinstance(value, date):
        return f"a time in {value.year}"
    return f"a value of type {type(value).__name__}"
