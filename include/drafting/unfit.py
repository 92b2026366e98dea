"""Values that are not what their column is: cells of another kind, and values far from all."""

from collections import Counter
from collections.abc import Sequence
from typing import Any, Final

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
from include.values.times import show_day

CHUNK: Final = 64
# A number is no measurement if so many spans of all others lie between it and them.
FAR: Final = 3.0
MIN_FAR: Final = 0.002
# Distinct values kept of either end of a column.
KEPT: Final = 4
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
# A zero so many spans below all others may be none.
GAP: Final = 0.2


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
    return (column.is_numeric or is_time) and column.distinct > 2 * REPEATED and not column.long


class _Ends:
    """The smallest and largest of a column's values, each with its rows and one of its texts."""

    def __init__(self) -> None:
        self._found: dict[float, tuple[int, str]] = {}

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
            value = float(distinct[at])
            count, _ = self._found.get(value, (0, ""))
            text = texts[int(places[first[at]])].as_py()
            self._found[value] = (count + int(counts[at]), text)
        if len(self._found) > 2 * KEPT:
            kept = sorted(self._found)
            self._found = {one: self._found[one] for one in (*kept[:KEPT], *kept[-KEPT:])}

    def find_far(self, column: ColumnProfile) -> dict[str, int]:
        """Take off what is far from all others, at either end, until nothing is."""
        kept = sorted(self._found)
        far: dict[str, int] = {}
        for step, at, other in ((1, 0, -1), (-1, -1, 0), (1, 0, -1), (-1, -1, 0)):
            if len(kept) < 3:
                break
            count, text = self._found[kept[at]]
            is_often = count >= max(REPEATED, MIN_FAR * column.filled)
            if is_often and _is_far(
                kept[at], kept[at + step], kept[other], is_time=not column.is_numeric
            ):
                far[text] = count
                del self._found[kept.pop(at)]
        return far

    def describe_lone(self, column: ColumnProfile) -> str:
        """Say what is far from all others and yet kept, or is a zero among no others.

        What stands there once may be a mistake; what does again and again, less far off than what
        is taken for missing, may mean that.
        """
        kept, is_time = sorted(self._found), not column.is_numeric
        if len(kept) < 3:
            return ""
        for at, step, other in ((0, 1, -1), (-1, -1, 0)):
            value, after, end = kept[at], kept[at + step], kept[other]
            count, text = self._found[value]
            is_often = count >= max(REPEATED, MIN_FAR * column.filled)
            is_zero = value == 0 and count >= REPEATED and not is_time
            if is_zero and after > GAP * (end - after) > 0:
                return (
                    f"CHECK: 0 in {count} rows, and no other below {after:g}: if it means missing, "
                    "put it into `missing`"
                )
            if is_often and abs(after - value) > LIKELY * abs(end - after) > 0:
                return (
                    f"CHECK: {text!r} in {count} rows lies far from all others: if it means "
                    "missing, put it into `missing`"
                )
            is_lone = count < REPEATED and value != -1
            if is_lone and _is_far(value, after, end, is_time=is_time):
                shown = show_day(after) if is_time else f"{after:g}"
                return f"CHECK: {text!r} lies far from all others (next {shown}): a mistake?"
        return ""


def _is_far(value: float, after: float, end: float, *, is_time: bool) -> bool:
    """Tell whether a value is many spans of all others away, or fewer if it is a known mark."""
    if is_time:
        is_mark = show_day(value) in DAYS
        spans = LIKELY_DAY if is_mark else FAR
        return abs(after - value) > spans * abs(end - after) > 0
    if value == -1:
        return after >= 0 and end > after
    is_nines = set(f"{abs(value):g}") == {"9"} and abs(value) > 90
    spans = LIKELY if is_nines else FAR
    return value != 0 and abs(after - value) > spans * abs(end - after) > 0
