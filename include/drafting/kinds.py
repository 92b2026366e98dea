"""What a column's values are, as an entry of the contract: number, time, words, arrays."""

import math
import re
from typing import Any, Final, NamedTuple

from include.drafting.alike import show_sheet_days, show_spellings
from include.drafting.marks import AVERAGE, FITS, TOTAL
from include.drafting.moments import epoch_format
from include.drafting.names import CODE_NAMES
from include.drafting.profile import ColumnProfile
from include.drafting.readings import REPEATED
from include.drafting.sheets import hint_at_measures
from include.drafting.tracking import COMPACT, DAY_OF_YEAR
from include.values.showing import SHOWN_LENGTH, cut_label, shorten

MAX_CATEGORIES: Final = 60
FEW_WORDS: Final = 12
FEW_TIMES: Final = 4
LABEL_MARKS: Final = ("|", ";", ", ", "/")
NEAR_SUM: Final = 1e-6
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
    epoch = guess_epoch(column)
    if epoch:
        return epoch
    if column.whole == column.filled and (column.zeros or CODE_NAMES.search(column.name)):
        guess = _words(column)
        why = f"{column.zeros} of {column.filled} begin with a zero" if column.zeros else "by name"
        return Guess(guess.column, f"codes: {why}; {guess.reason}")
    return guess_number(column)


def guess_epoch(column: ColumnProfile, *, is_asked: bool = False) -> Guess | None:
    """Write down numbers that are times, such as seconds since 1970."""
    epoch = epoch_format(column, is_asked=is_asked)
    if epoch is None:
        return None
    body = {**name_kind(column, "datetime"), "format": epoch}
    return Guess(body, f"CHECK: numbers read as times ({epoch}); or they are numbers")


def _words(column: ColumnProfile) -> Guess:
    if column.words > 3 and column.distinct > MAX_CATEGORIES:
        length = min(256, max(8, 2 ** math.ceil(math.log2(column.words * 2))))
        body = {**name_kind(column, "text"), "length": length}
        return Guess(body, f"{column.words:.0f} words on average{find_unread(column)}")
    share = column.numbers / column.filled
    hint = find_unread(column)
    if 1 / 2 < share < 1:
        hint += (
            f"; CHECK: {column.numbers} of {column.filled} are numbers, kept as texts; if the "
            "others mean that there is none, write nothing instead of them"
        )
    if column.distinct <= MAX_CATEGORIES:
        reason = _join_reasons(show_values(column) + hint, *show_doubts(column))
        return Guess(name_kind(column, "category"), reason)
    body = {**name_kind(column, "category"), "encode": "hash"}
    reason = f"about {column.distinct} different values: hashed rather than learned one by one"
    return Guess(body, _join_reasons(reason + hint, *show_doubts(column)))


def _join_reasons(*reasons: str) -> str:
    return "; ".join(reason for reason in reasons if reason)


def show_doubts(column: ColumnProfile) -> tuple[str, ...]:
    """Point out what is doubtful in a column's words."""
    return (
        show_spellings(column),
        show_sheet_days(column),
        show_summaries(column),
        show_labels(column),
        hint_at_measures(column),
    )


def show_summaries(column: ColumnProfile) -> str:
    """Point out values that are called as lines of totals and averages are."""
    found = {
        text: count
        for text, count in column.values.items()
        if re.match(TOTAL, text) or (count < REPEATED and re.match(AVERAGE, text))
    }
    if not found:
        return ""
    return (
        f"CHECK: {sum(found.values())} rows such as {shorten(next(iter(found)), SHOWN_LENGTH)} "
        "may sum up others: remove them if they do"
    )


def show_labels(column: ColumnProfile) -> str:
    """Point out cells that hold several labels: `a|b` beside `a` and `b`."""
    for mark in LABEL_MARKS:
        several = [text for text in column.values if mark in text]
        parts = {part.strip() for text in column.values for part in text.split(mark)}
        alone = sum(part in column.values for part in parts)
        if several and len(parts) < len(column.values) and 2 * alone >= len(parts):
            return (
                f"CHECK: {len(parts)} labels set apart by {mark!r}: each combination is a value "
                "of its own; a column for each label would be learned better"
            )
    return ""


def show_shortened(column: ColumnProfile) -> str:
    """Point out numbers that a spreadsheet wrote as 1.2E+15 and so shortened."""
    return (
        f"CHECK: {column.powers} of {column.filled} are written like {column.high or 0:.2E}, as "
        "spreadsheets shorten long numbers: write them anew, in full, if they are names; if not, "
        f"make it a number ({column.low:g} … {column.high:g})"
    )


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
    if column.is_numeric or column.time or column.distinct < FEW_TIMES:
        return ""
    if column.wrapped >= FITS * column.filled:
        return "; CHECK: lists or objects, kept as texts: spread them over columns"
    if column.dated >= FITS * column.filled:
        return (
            "; CHECK: they look like times, but in no one form that is read: write them as "
            "2024-01-31, and they can order the rows"
        )
    if column.dated > column.filled / 2:
        return (
            f"; CHECK: {column.dated} of {column.filled} look like times, kept as texts; if the "
            "others mean that there is none, write nothing instead of them"
        )
    is_all = column.quantities >= FITS * column.filled > column.numbers
    # Beside words such as `free`; what has digits in it as well is a code.
    is_mixed = column.quantities + column.digitless >= FITS * column.filled
    is_half = column.quantities > column.filled / 2 >= column.numbers and is_mixed
    if column.distinct <= FEW_WORDS or not (is_all or is_half):
        return ""
    which = "they" if is_all else f"{column.quantities} of them"
    return (
        f"; CHECK: {which} look like numbers in several spellings or units: write them alike, as "
        "plain decimals, and they are"
    )


def _time(column: ColumnProfile) -> Guess:
    body, form = name_kind(column, "datetime"), column.time
    reason = "times"
    if form and form.format:
        body["format"] = form.format
        reason = f"times written as {form.format}"
        if form.format in COMPACT:
            reason += f"; CHECK: or {column.distinct} numbers, {column.low:.0f} … {column.high:.0f}"
        if form.format == DAY_OF_YEAR:
            reason += "; CHECK: or numbers that count from 001 within a year"
    return Guess(body, "; ".join(one for one in (reason, form.check if form else "") if one))


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
    few = ", ".join(f"{cut_label(text, SHOWN_LENGTH)} ({count})" for text, count in values[:5])
    more = ", …" if column.distinct > 5 else ""
    return f"{len(values) or column.distinct} values: {few}{more}"
