"""Numbers that are times: seconds and the like since 1970, years; and a column's values read."""

from typing import Final

import pyarrow as pa

from include.drafting.names import AMOUNTS, COUNTED, TIMES, YEARS, is_only, split_name
from include.drafting.profile import ColumnProfile, FileProfile
from include.specs.columns import Column, NumberColumn
from include.values.casts import cast_column
from include.values.reading import Reading
from include.values.statistics import Floats
from include.values.times import PER_SECOND

# Fewer times order no rows by themselves.
MIN_TIMES: Final = 10
# So many are enough where a name and a number that counts time name every row.
MIN_PERIODS: Final = 5
TIME_PARTS: Final = ("year", "month", "day", "hour", "minute", "second")
# Seconds from 1990 to 2100: numbers between them may be times, in one unit or another.
FIRST, LAST = 631_152_000, 4_102_444_800
FIRST_YEAR, LAST_YEAR = 1500, 2200


def epoch_format(column: ColumnProfile, *, is_asked: bool = False) -> str | None:
    """Name the time that a column of numbers is: of Unix times the magnitude says the unit.

    Args:
        column: The column; its name, or that it rises, tells that it holds times.
        is_asked: Whether a person says that it does.
    """
    if column.low is None or column.high is None or not column.is_numeric or column.zeros:
        return None
    if is_only(column.name, YEARS) and FIRST_YEAR <= column.low <= column.high <= LAST_YEAR:
        is_year = column.integers == column.filled and column.distinct >= MIN_TIMES
        return "%Y" if is_year else None
    unit = find_unix_unit(column)
    is_told = is_asked or split_name(column.name) & TIMES or column.is_rising
    return f"unix_{unit}" if unit and is_told else None


def find_unix_unit(column: ColumnProfile) -> str | None:
    """Find the unit in which all of a column's numbers are times from 1990 on."""
    if column.low is None or column.high is None or column.distinct < MIN_TIMES or column.zeros:
        return None
    units = (
        unit
        for unit, factor in PER_SECOND.items()
        if FIRST * factor <= column.low <= column.high <= LAST * factor
    )
    return next(units, None)


def read_values(profile: FileProfile, column: ColumnProfile, contract: Column) -> pa.ChunkedArray:
    """Read a column's values in the order of the rows that fit; missing ones are left out."""
    marks = Reading(missing=("", *column.reading.missing))
    batches = profile.copy.iter_columns([column.key], profile.unfit)
    found = [cast_column(contract, batch.column(0), marks).values.drop_null() for batch in batches]
    return pa.chunked_array(found)


def read_numbers(profile: FileProfile, column: ColumnProfile) -> Floats:
    """Read a column's numbers in the order of the rows."""
    contract = NumberColumn(name="any", kind="number", **column.reading.options)
    numbers: Floats = read_values(profile, column, contract).to_numpy()
    return numbers


def counts_time(column: ColumnProfile, columns: list[ColumnProfile]) -> bool:
    """Tell whether a number seems to count time; parts of a date, but for the year, do not."""
    words = split_name(column.name)
    is_whole_column = column.is_numeric and column.filled == column.rows
    is_named = bool(words & (COUNTED | YEARS)) and not words & AMOUNTS and is_whole_column
    if not is_named or column.distinct < MIN_PERIODS:
        return False
    if words & YEARS or column.name.lower() not in TIME_PARTS:
        return True
    return sum(one.name.lower() in TIME_PARTS for one in columns) == 1
