"""What hints at an order in time that no complete column of times tells."""

from typing import Final

import numpy as np

from include.drafting.moments import (
    MIN_TIMES,
    TIME_PARTS,
    counts_time,
    epoch_format,
    find_unix_unit,
    read_numbers,
)
from include.drafting.names import CODE_ID, YEARS, is_only
from include.drafting.personal import find_personal
from include.drafting.profile import ColumnProfile, FileProfile
from include.values.times import PER_SECOND, show_day

# A target so like that of the row before is hardly that of another thing.
LIKE_BEFORE: Final = 0.5
MIN_BEFORE: Final = 30
# Excel's days from 1982 to 2050.
EXCEL: Final = (30_000, 55_000)


def find_hidden_order(profile: FileProfile, columns: list[ColumnProfile], target: str) -> str:
    """Say what hints at an order in time: what may count it, and a target that lasts.

    Args:
        profile: The file.
        columns: All but the target.
        target: The column to predict.
    """
    counters = [f"{one.name} ({how})" for one in columns if (how := _may_count_time(one, columns))]
    parts = [one.name for one in columns if one.is_numeric and one.name.lower() in TIME_PARTS]
    hints = ""
    if counters:
        hints = f"; CHECK: {', '.join(counters)} may count time: `--time` splits by one of them"
    elif len(parts) > 1:
        hints = (
            f"; CHECK: {', '.join(parts)} may be parts of a time: joined into one column of the "
            "source, written as 2024-01-31, they can order the rows"
        )
    for one in columns:
        is_time = one.time or epoch_format(one)
        if is_time and one.filled < one.rows and one.distinct > 1 and not find_personal(one):
            hints += (
                f"; CHECK: {one.name} is a time in {one.filled} of {one.rows} rows: if it orders "
                "them, fill it or take the others out, and draft again"
            )
    likeness = is_like_before(profile, target)
    if likeness > LIKE_BEFORE:
        hints += (
            f"; CHECK: the target is like that of the row before (correlation {likeness:.2f}): if "
            "the file is in the order of time, a random split promises too much; split by the time"
        )
    return hints


def _may_count_time(column: ColumnProfile, columns: list[ColumnProfile]) -> str:
    """Say how a complete column may count time; empty if it hardly does."""
    if column.distinct < 2 or column.filled < column.rows or find_personal(column):
        return ""
    if column.time:
        return f"{column.distinct} times"
    return _may_number_time(column, columns) if column.is_numeric else ""


def _may_number_time(column: ColumnProfile, columns: list[ColumnProfile]) -> str:
    low, high = column.low or 0.0, column.high or 0.0
    is_counter = column.distinct >= MIN_TIMES and counts_time(column, columns)
    if is_counter or is_only(column.name, YEARS):
        return f"{column.distinct} values"
    unit = None if column.long else find_unix_unit(column)
    if unit and not CODE_ID.search(column.name):
        return f"{_write_day(low, unit)} … {_write_day(high, unit)} if they are Unix {unit}"
    is_excel = EXCEL[0] <= low <= high <= EXCEL[1]
    return "rises like Excel's days" if column.is_rising and is_excel else ""


def _write_day(number: float, unit: str) -> str:
    return show_day(number * 1_000_000 / PER_SECOND[unit])


def is_like_before(profile: FileProfile, target: str) -> float:
    """Correlate the target's numbers with those of the rows before; 0 for anything else."""
    column = next(one for one in profile.columns if one.name == target)
    if not column.is_numeric:
        return 0.0
    numbers = read_numbers(profile, column)
    if len(numbers) < MIN_BEFORE or np.ptp(numbers) == 0:
        return 0.0
    return float(np.corrcoef(numbers[:-1], numbers[1:])[0, 1])
