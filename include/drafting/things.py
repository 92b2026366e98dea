"""Names of things that occur in several rows: patients, shops, users."""

import re
from typing import Final

from include.drafting.names import CODE_ID, THINGS, split_name
from include.drafting.personal import find_personal
from include.drafting.profile import ColumnProfile

MIN_THINGS: Final = 20


def repeats_things(column: ColumnProfile) -> bool:
    """Tell whether a column names things that occur in several rows: patients, shops, users."""
    is_fraction = column.is_numeric and column.whole < column.filled
    if column.time or column.array or is_fraction or column.words >= 1.5 or column.is_nested:
        return False
    is_named = bool(CODE_ID.search(column.name)) or split_name(column.name) <= THINGS
    is_many = MIN_THINGS < column.distinct <= 0.9 * column.filled
    return is_many and (is_named or column.long > column.filled / 2)


def hint_at_things(column: ColumnProfile) -> str:
    """Point out values that may name things met again: codes, or equally many rows of each."""
    rows = column.values.values()
    is_many = MIN_THINGS < column.distinct <= 0.5 * column.filled and column.words < 1.5
    is_whole = column.numbers == 0 or column.integers == column.filled
    is_other = column.time or column.reading.options or find_personal(column)
    if not is_many or not is_whole or not rows or is_other:
        return ""
    is_even = max(rows) <= 1.5 * min(rows) and min(rows) > 1
    codes = sum(bool(re.search(r"\d", text)) for text in column.values)
    if not is_even and (column.numbers or codes < len(column.values)):
        return ""
    return (
        f"CHECK: {column.distinct} values in {column.filled} rows: if they name things, "
        f"`--group` {column.name} keeps each in one part"
    )
