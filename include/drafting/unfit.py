"""Values that are not what their column is: cells of another kind, and numbers far from all."""

from collections.abc import Sequence
from typing import Final

import duckdb
import numpy as np

from include.drafting.profile import ColumnProfile
from include.drafting.readings import (
    CHUNK,
    REPEATED,
    ColumnReading,
    Misfits,
    express,
    show_misfits,
)
from include.drafting.text_copy import CopiedColumn, TextCopy
from include.specs.columns import BooleanColumn, Column, DatetimeColumn, NumberColumn
from include.values.casts import cast_column
from include.values.duck import fetch_row, quote_name
from include.values.reading import Reading

# A number is no measurement if so many spans of all others lie between it and them.
FAR: Final = 3.0
FEWEST_FAR: Final = 0.002


def find_misfits(copy: TextCopy, column: CopiedColumn, reading: ColumnReading) -> Misfits:
    """Name the cells that ingest's cast will not take."""
    contract: Column
    if reading.misfits == "time":
        form = column.time.format if column.time else None
        contract = DatetimeColumn(name="any", kind="datetime", format=form)
    elif reading.misfits == "boolean":
        contract = BooleanColumn(name="any", kind="boolean")
    else:
        contract = NumberColumn(name="any", kind="number", **reading.options)
    marks = Reading(missing=("", *reading.missing))
    found: list[tuple[int, str]] = []
    for texts, lines in copy.iter_column(column.key):
        _, bad = cast_column(contract, texts, marks)
        if bad is not None:
            found += [(int(lines[row]), texts[int(row)].as_py()) for row in np.flatnonzero(bad)]
    return show_misfits(found)


def find_far(
    duck: duckdb.DuckDBPyConnection, table: str, columns: Sequence[ColumnProfile]
) -> dict[str, ColumnReading]:
    """Take a number for missing that lies far from all others and stands there many times."""
    asked = [
        one for one in columns if one.is_numeric and one.distinct > 2 * REPEATED and not one.long
    ]
    readings = {}
    for start in range(0, len(asked), CHUNK):
        chunk = asked[start : start + CHUNK]
        parts = []
        for column in chunk:
            number = f"TRY_CAST({express(column.key, column.reading)} AS DOUBLE)"
            raw = quote_name(column.key)
            for end, step, other in ((column.low, ">", "min"), (column.high, "<", "max")):
                parts.append(f"{other}({number}) FILTER ({number} {step} {end!r}::DOUBLE)")
                parts.append(f"count(*) FILTER ({number} = {end!r}::DOUBLE)")
                parts.append(f"min({raw}) FILTER ({number} = {end!r}::DOUBLE)")
        row = fetch_row(duck, f"SELECT {', '.join(parts)} FROM {table}")
        for place, column in enumerate(chunk):
            low, high = row[6 * place : 6 * place + 3], row[6 * place + 3 : 6 * place + 6]
            far = {
                str(text): count
                for end, rest, (after, count, text) in (
                    (column.low, column.high, low),
                    (column.high, column.low, high),
                )
                if count >= max(REPEATED, FEWEST_FAR * column.filled)
                and _is_far(end or 0.0, after, rest or 0.0)
            }
            if far:
                reading = column.reading
                readings[column.key] = reading._replace(
                    missing={**reading.missing, **far}, doubtful={**reading.doubtful, **far}
                )
    return readings


def _is_far(value: float, after: float, end: float) -> bool:
    """Tell whether a number is many spans of all others away; nines are written for missing."""
    is_nines = set(f"{abs(value):g}") == {"9"} and abs(value) > 90
    spans = 1.0 if is_nines else FAR
    return value != 0 and abs(after - value) > spans * abs(end - after) > 0
