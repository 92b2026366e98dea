"""Values that are not what their column is: cells of another kind, and values far from all."""

import itertools
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any, Final, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from include.drafting.marks import TOTAL
from include.drafting.profile import ColumnProfile
from include.drafting.readings import REPEATED, ColumnReading, Misfits, show_misfits
from include.drafting.text_copy import CopiedColumn, TextCopy
from include.drafting.tracking import TimeForm
from include.specs.columns import (
    BooleanColumn,
    Column,
    DatetimeColumn,
    NumberColumn,
)
from include.values.casts import cast_column
from include.values.reading import Reading
from include.values.showing import SHOWN_LENGTH, list_few, shorten
from include.values.times import show_day

CHUNK: Final = 64
# A number is no measurement if so many spans of all others lie between it and them.
FAR: Final = 3.0
MIN_FAR: Final = 0.002
# Distinct values kept of either end of a column.
KEPT: Final = 5
# Nines and these days are written for what is not known, or not yet.
LIKELY: Final = 1.0
DAYS: Final = frozenset(
    [
        "0001-01-01",
        "1899-12-30",
        "1899-12-31",
        "1900-01-01",
        "1970-01-01",
        "2099-12-31",
        "2999-12-31",
        "9999-12-31",
    ]
)
LIKELY_DAY: Final = 0.2
# A zero, or a number that is written for what is not known, so many spans away may be that.
GAP: Final = 0.2
MARK: Final = re.compile(r"9+[78]")


class _End(NamedTuple):
    """Values at one end of a column, the innermost last; the next value, and the farthest."""

    values: list[float]
    next: float
    farthest: float

    @property
    def gap(self) -> float:
        """How far they are from the others."""
        return abs(self.next - self.values[-1])

    @property
    def span(self) -> float:
        """How far the others reach."""
        return abs(self.farthest - self.next)


def find_misfits(
    copy: TextCopy, column: CopiedColumn, reading: ColumnReading
) -> tuple[Misfits, ColumnReading]:
    """Name the cells that ingest's cast will not take.

    Returns:
        The cells, and the reading with those texts as missing that stand there again and again.
    """
    found: list[tuple[int, str]] = []
    for batch in copy.iter_columns([column.key]):
        texts, lines = batch.columns
        places = np.flatnonzero(_find_bad(column, reading, texts))
        found += [(lines[int(row)].as_py(), texts[int(row)].as_py() or "") for row in places]
    counts = Counter(text for _, text in found if text)
    again = {text: count for text, count in counts.items() if count >= REPEATED}
    if reading.misfits != "time" or reading.is_required or not again:
        return show_misfits(found), reading
    marked = reading._replace(
        missing={**reading.missing, **again}, doubtful={**reading.doubtful, **again}
    )
    return show_misfits([one for one in found if one[1] not in again]), marked


def _find_bad(column: CopiedColumn, reading: ColumnReading, texts: pa.Array) -> Any:
    if reading.misfits == "total":
        return pc.fill_null(pc.match_substring_regex(texts, TOTAL), False)
    marks = Reading(missing=("", *reading.missing))
    values, bad = cast_column(_contract_of(column.time, reading), texts, marks)
    return values.is_null() if reading.is_required else [] if bad is None else bad


def _contract_of(time: TimeForm | None, reading: ColumnReading) -> Column:
    """Write the contract that a column's cells are tried by."""
    if reading.misfits == "boolean":
        return BooleanColumn(name="any", kind="boolean")
    if time and not reading.options:
        return DatetimeColumn(name="any", kind="datetime", format=time.format)
    return NumberColumn(name="any", kind="number", **reading.options)


def find_far(
    copy: TextCopy, columns: Sequence[ColumnProfile], unfit: Sequence[int]
) -> dict[str, ColumnReading]:
    """Take a number or time for missing that lies far from all others and stands there often."""
    asked = [one for one in columns if _can_be_far(one)]
    readings = {}
    for start in range(0, len(asked), CHUNK):
        chunk = asked[start : start + CHUNK]
        ends = {column.key: _Ends() for column in chunk}
        for batch in copy.iter_columns([*ends], unfit):
            for column in chunk:
                ends[column.key].observe(column, batch.column(column.key))
        for column in chunk:
            far, reading = ends[column.key].find_far(column), column.reading
            check = ends[column.key].describe_lone(column)
            if far or check:
                readings[column.key] = reading._replace(
                    missing={**reading.missing, **far},
                    doubtful={**reading.doubtful, **far},
                    check="; ".join(one for one in (reading.check, check) if one),
                )
    return readings


def _can_be_far(column: ColumnProfile) -> bool:
    is_time = column.time is not None and not column.is_numeric
    return (column.is_numeric or is_time) and column.distinct > REPEATED and not column.long


class _Ends:
    """The smallest and largest of a column's values, each with its texts and their rows."""

    def __init__(self) -> None:
        self._found: dict[float, Counter[str]] = {}

    def observe(self, column: ColumnProfile, texts: pa.Array) -> None:
        marks = Reading(missing=("", *column.reading.missing))
        contract = _contract_of(None if column.is_numeric else column.time, column.reading)
        values = cast_column(contract, texts, marks).values
        if pa.types.is_timestamp(values.type):
            values = values.cast(pa.int64()).cast(pa.float64(), safe=False)
        numbers = values.to_numpy(zero_copy_only=False)
        places = np.flatnonzero(np.isfinite(numbers))
        ordered = numbers[places]
        distinct, first, counts = np.unique(ordered, return_index=True, return_counts=True)
        last = len(distinct)
        for at in {*range(min(KEPT, last)), *range(max(0, last - KEPT), last)}:
            found = self._found.setdefault(float(distinct[at]), Counter())
            if counts[at] == 1:
                found[texts[int(places[first[at]])].as_py()] += 1
                continue
            # One number may be written in several ways: -9999 and -9999.0.
            written = texts.take(pa.array(places[ordered == distinct[at]])).value_counts()
            found.update({one["values"]: one["counts"] for one in written.to_pylist()})
        if len(self._found) > 2 * KEPT:
            kept = sorted(self._found)
            self._found = {one: self._found[one] for one in (*kept[:KEPT], *kept[-KEPT:])}

    def find_far(self, column: ColumnProfile) -> dict[str, int]:
        """Take off what is far from all others, at either end."""
        is_time, is_few = not column.is_numeric, column.distinct <= 2 * REPEATED
        for ends in self._split(column):
            if all(_is_missing(one, is_time=is_time, is_few=is_few) for one in ends):
                taken = [self._found.pop(value) for one in ends for value in one.values]
                return {text: count for texts in taken for text, count in texts.items()}
        return {}

    def _split(self, column: ColumnProfile) -> Iterator[list[_End]]:
        """Give what may stand apart from the others at either end, the most values first."""
        kept = sorted(self._found)
        fewest = max(REPEATED, MIN_FAR * column.filled)
        least = [fewest if value else REPEATED for value in kept]
        is_often = [
            self._found[value].total() >= some for value, some in zip(kept, least, strict=True)
        ]
        for low, high in sorted(itertools.product(range(KEPT), repeat=2), key=sum, reverse=True):
            top = len(kept) - high
            if low + high and top - low > 1 and all(is_often[:low] + is_often[top:]):
                below = _End(kept[:low], kept[low], kept[top - 1])
                above = _End(kept[top:][::-1], kept[top - 1], kept[low])
                yield [one for one in (below, above) if one.values]

    def describe_lone(self, column: ColumnProfile) -> str:
        """Say what is far from all others and yet kept, or is a zero among no others.

        What stands there once may be a mistake; what does again and again, less far off than what
        is taken for missing, may mean that.
        """
        kept, is_time = sorted(self._found), not column.is_numeric
        is_few = column.distinct <= 2 * REPEATED
        for ends in self._split(column):
            if all(_may_be_missing(one, is_time=is_time, is_few=is_few) for one in ends):
                values = [value for one in ends for value in one.values]
                texts = [shorten(each, SHOWN_LENGTH) for one in values for each in self._found[one]]
                rows = sum(self._found[value].total() for value in values)
                near = " and ".join(_show(one.next, is_time=is_time) for one in ends)
                return (
                    f"CHECK: {list_few(texts, KEPT)} in {rows} rows, and no other before "
                    f"{near}: if that means missing, put it into `missing`"
                )
        if is_few:
            return ""
        for end in (_End(kept[:1], kept[1], kept[-1]), _End(kept[-1:], kept[-2], kept[0])):
            value = end.values[0]
            is_lone = self._found[value].total() < REPEATED and value != -1
            if is_lone and _is_far(end, is_time=is_time):
                text = shorten(next(iter(self._found[value])), SHOWN_LENGTH)
                near = _show(end.next, is_time=is_time)
                return f"CHECK: {text} lies far from all others (next {near}): a mistake?"
        return ""


def _show(value: float, *, is_time: bool) -> str:
    return show_day(value) if is_time else f"{value:g}"


def _is_far(end: _End, *, is_time: bool) -> bool:
    """Tell whether a value is many spans of all others away, or fewer if it is a known mark."""
    value = end.values[-1]
    if is_time:
        return end.gap > (LIKELY_DAY if show_day(value) in DAYS else FAR) * end.span > 0
    if value == -1:
        return end.next >= 0 and end.span > 0
    is_nines = set(f"{abs(value):g}") == {"9"} and abs(value) > 90
    return value != 0 and end.gap > (LIKELY if is_nines else FAR) * end.span > 0


def _is_missing(end: _End, *, is_time: bool, is_few: bool) -> bool:
    """Tell whether values far from all others are missing: of several each must be a mark."""
    is_marked = all(map(_is_mark, end.values))
    is_named = is_marked or (end.values[-1] == -1 and all(map(_is_mark, end.values[:-1])))
    if is_few:
        return is_marked and end.gap > FAR * end.span > 0
    return (is_named or len(end.values) == 1) and _is_far(end, is_time=is_time)


def _may_be_missing(end: _End, *, is_time: bool, is_few: bool) -> bool:
    """Tell whether values apart from all others, but not far, may be missing."""
    if is_time:
        return len(end.values) == 1 and end.gap > LIKELY * end.span > 0
    if end.values == [0] and not is_few:
        return end.next > GAP * end.span > 0
    if end.values == [9]:
        return end.gap >= end.span > 0
    is_negative = end.values[-1] < 0 <= end.next
    return all(map(_is_mark, end.values)) and (is_negative or end.gap > GAP * end.span > 0)


def _is_mark(value: float) -> bool:
    """Tell a number that surveys and instruments write for what is not known: 99, 888, -9, 97."""
    digits = f"{abs(value):g}".replace(".", "")
    is_same = len(set(digits)) == 1 and digits[0] in "789"
    return (len(digits) > 1 or value < 0) and (is_same or bool(MARK.fullmatch(digits)))
