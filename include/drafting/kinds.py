"""What a column's values are, as an entry of the contract: number, time, words, arrays."""

import math
import re
from typing import Any, Final, NamedTuple

from include.drafting.marks import FITS
from include.drafting.order import epoch_format
from include.drafting.profile import ColumnProfile
from include.drafting.tracking import COMPACT

MAX_CATEGORIES: Final = 60
FEW_WORDS: Final = 12
NEAR_SUM: Final = 1e-6
CODE_NAMES: Final = re.compile(
    r"(^|[^a-z])(zip|zip_?code|post_?code|postal_?code|plz|isbn|ean|upc|gtin|sku|icd)([^a-z]|$)",
    re.IGNORECASE,
)
EXACT: Final = 2**53
# A largest value so many times the mean: most values lie near the lower end.
LONG_TAIL: Final = 8.0


class Guess(NamedTuple):
    """One column's contract and the reason for it."""

    column: dict[str, Any]
    reason: str

    @property
    def is_feature(self) -> bool:
        """Whether the network sees the column."""
        return self.column["kind"] not in {"id", "ignore"} and "private" not in self.column


def guess_values(column: ColumnProfile) -> Guess:
    """Guess the kind of a feature by its values."""
    if column.is_boolean:
        return Guess(name_kind(column, "boolean"), show_values(column))
    is_day = column.time is not None and column.time.format is not None
    if column.is_numeric and not is_day:
        return _guess_plain_number(column)
    return _time(column) if column.time else _words(column)


def _guess_plain_number(column: ColumnProfile) -> Guess:
    epoch = epoch_format(column)
    if epoch:
        body = {**name_kind(column, "datetime"), "format": epoch}
        return Guess(body, f"CHECK: numbers read as times ({epoch}); or they are numbers")
    if column.integers == column.filled and (column.zeros or CODE_NAMES.search(column.name)):
        guess = _words(column)
        why = f"{column.zeros} of {column.filled} begin with a zero" if column.zeros else "by name"
        return Guess(guess.column, f"codes: {why}; {guess.reason}")
    return guess_number(column)


def _words(column: ColumnProfile) -> Guess:
    if column.words > 3 and column.distinct > MAX_CATEGORIES:
        length = min(256, max(8, 2 ** math.ceil(math.log2(column.words * 2))))
        body = {**name_kind(column, "text"), "length": length}
        return Guess(body, f"{column.words:.0f} words on average")
    share = column.numbers / column.filled
    hint = find_unread(column)
    if 1 / 2 < share < 1:
        hint += f"; CHECK: {column.numbers} of {column.filled} are numbers, kept as texts"
    if column.distinct <= MAX_CATEGORIES:
        spelled = show_spellings(column)
        hint += f"; {spelled}" if spelled else ""
        return Guess(name_kind(column, "category"), show_values(column) + hint)
    body = {**name_kind(column, "category"), "encode": "hash"}
    reason = f"about {column.distinct} different values: hashed rather than learned one by one"
    return Guess(body, reason + hint)


def show_spellings(column: ColumnProfile) -> str:
    """Point out values that differ by case and blanks only."""
    alike: dict[str, list[str]] = {}
    for text in column.values:
        alike.setdefault(" ".join(text.lower().split()), []).append(text)
    several = [texts for texts in alike.values() if len(texts) > 1]
    if not several:
        return ""
    shown = "; ".join(
        ", ".join(f"{text!r} ({column.values[text]})" for text in texts) for texts in several[:3]
    )
    return f"CHECK: the same in other letters? {shown}; correct the source if they are"


def guess_number(column: ColumnProfile) -> Guess:
    """Write down a number, with the bounds and scale that its values suggest."""
    kind = "integer" if column.integers == column.filled else "number"
    low, high = column.low or 0.0, column.high or 0.0
    body = {**name_kind(column, kind), **column.reading.options, **_bounds(low, high)}
    twins = [text for text in column.values if "." in text and text[:-1] in column.values]
    versions = [text for text in twins if text.endswith("0") and not text.endswith(".0")]
    if low >= 0 and high > 50 * max(1.0, low) and high > LONG_TAIL * (column.mean or high):
        body["scale"] = "log"
    written = f", written with {column.reading.options}" if column.reading.options else ""
    check = f"; CHECK: {versions[0][:-1]} and {versions[0]} are one number" if versions else ""
    total = (column.mean or 0.0) * column.filled
    if column.filled > FEW_WORDS and high > 0 and abs(2 * high - total) < NEAR_SUM * high:
        check += f"; CHECK: {high:g} is the sum of all others: a line of totals? Remove it"
    return Guess(body, f"{low:g} … {high:g} seen{written}{check}")


def find_unread(column: ColumnProfile) -> str:
    """Point out texts that seem to be numbers or times, in no one form that is read."""
    if column.is_numeric or column.time or column.distinct <= FEW_WORDS:
        return ""
    if column.dated >= FITS * column.filled:
        return (
            "; CHECK: they look like times, but in no one form that is read: write them as "
            "2024-01-31, and they can order the rows"
        )
    if column.quantities >= FITS * column.filled > column.numbers:
        return (
            "; CHECK: they look like numbers in several spellings or units: write them alike, as "
            "plain decimals, and they are"
        )
    return ""


def _time(column: ColumnProfile) -> Guess:
    body, form = name_kind(column, "datetime"), column.time
    reason = "times"
    if form and form.format:
        body["format"] = form.format
        reason = f"times written as {form.format}"
        reason += f"; CHECK: {form.other} fits as well" if form.other else ""
        if form.format in COMPACT:
            reason += f"; CHECK: or {column.distinct} numbers, {column.low:.0f} … {column.high:.0f}"
    return Guess(body, reason)


def guess_tensor(column: ColumnProfile) -> Guess:
    """Write down a column of arrays."""
    form = column.array
    shape = list(form.shape) if form else []
    body = {**name_kind(column, "tensor"), "shape": shape}
    if form and form.largest > 1:
        body["scale"] = _tidy(_round(form.largest))
    return Guess(body, f"an array of shape {shape} in every row")


def _bounds(low: float, high: float) -> dict[str, float]:
    """Widen what was seen by half its span, to two digits: a bound is for faults, not for news."""
    margin = (high - low) / 2 or max(1.0, abs(high))
    lower = 0.0 if low >= 0 else _round(low - margin)
    return {"min": _tidy(lower), "max": _tidy(_round(high + margin))}


def _round(value: float) -> float:
    if value == 0:
        return 0.0
    digits = 1 - math.floor(math.log10(abs(value)))
    step = 10.0**-digits
    return (math.floor if value < 0 else math.ceil)(value / step) * step


def _tidy(value: float) -> float:
    is_whole = value == int(value) and abs(value) < EXACT
    return int(value) if is_whole else float(f"{value:.6g}")


def name_kind(column: ColumnProfile, kind: str) -> dict[str, Any]:
    """Begin an entry of the contract."""
    return {"name": column.name, "kind": kind}


def canonical_values(column: ColumnProfile) -> list[tuple[str, int]]:
    """Write classes as they are at rest: 1.0 is 1 where all of them are whole."""
    is_whole = column.whole_floats and column.whole_floats + column.integers == column.filled
    counts: dict[str, int] = {}
    for text, count in column.values.items():
        name = text.split(".")[0] if is_whole else text
        counts[name] = counts.get(name, 0) + count
    items = list(counts.items())
    return sorted(items, key=lambda item: float(item[0])) if column.is_numeric else items


def show_values(column: ColumnProfile) -> str:
    """Say which values a column has, with their rows; of very many only how many."""
    values = canonical_values(column)
    if not values:
        return f"{'' if column.is_distinct_exact else 'about '}{column.distinct} values"
    few = ", ".join(f"{text} ({count})" for text, count in values[:5])
    more = ", …" if column.distinct > 5 else ""
    return f"{column.distinct} values: {few}{more}"
