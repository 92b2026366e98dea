"""Names of things that occur in several rows: patients, shops, users."""

import re
from typing import Final

from include.drafting.names import names_things
from include.drafting.personal import find_personal
from include.drafting.profile import ColumnProfile

MIN_THINGS: Final = 20
UNEVEN: Final = 3
# Fewer are hardly things.
FEWEST: Final = 3


def repeats_things(column: ColumnProfile) -> bool:
    """Tell whether a column names things that occur in several rows: patients, shops, users."""
    is_fraction = column.is_numeric and column.whole < column.filled
    if column.time or column.array or is_fraction or column.words >= 1.5 or column.is_nested:
        return False
    is_many = MIN_THINGS < column.distinct <= 0.9 * column.filled
    return is_many and (names_things(column.name) or column.long > column.filled / 2)


def hint_at_things(column: ColumnProfile) -> str:
    """Point out values that may name things met again: by name, codes, or equally many rows."""
    rows = column.values.values()
    is_often = FEWEST <= column.distinct <= 0.5 * column.filled and column.words < 1.5
    is_whole = column.numbers == 0 or column.whole == column.filled
    is_other = column.time or column.reading.options or find_personal(column)
    if not is_often or not is_whole or not rows or is_other:
        return ""
    is_even = max(rows) <= 1.5 * min(rows) and min(rows) > 1
    codes = sum(bool(re.search(r"\d", text)) for text in column.values)
    is_code = not column.numbers and codes == len(column.values)
    is_like_names = column.distinct > MIN_THINGS and (is_even or is_code)
    # A number called `school` may count years: few have 3, many 12.
    may_be_named = not column.numbers or max(rows) <= UNEVEN * min(rows)
    if not is_like_names and not (names_things(column.name) and may_be_named):
        return ""
    return (
        f"CHECK: {column.distinct} values in {column.filled} rows: if they name things, "
        f"`--group` {column.name} keeps each in one part"
    )
