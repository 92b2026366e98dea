"""Numbers as people write them: with a unit, marks between thousands, a decimal comma."""

import re
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc

from include.specs import Column
from include.specs.columns import NumericColumn

# No number in any spelling: what does not fit the column's own is told, never read by another.
UNFIT: Final = "unfit"
# Written for others: blanks that do not break, as between French thousands; printed apostrophes.
ALIKE: Final = {"\u00a0": " ", "\u2009": " ", "\u202f": " ", "\u2019": "'"}
_ALIKE: Final = str.maketrans(ALIKE)


def describe_numerals(column: Column) -> str:
    """Say how a column's numbers are written; empty if plainly."""
    if not isinstance(column, NumericColumn):
        return ""
    marks = (
        (column.decimal != ".", f"with the decimal mark {column.decimal!r}"),
        (bool(column.thousands), f"with {column.thousands!r} between thousands"),
        (bool(column.unit), f"in {column.unit!r}"),
    )
    return ", ".join(words for is_so, words in marks if is_so)


def plain_numbers(texts: pa.Array, column: Column) -> pa.Array:
    """Write a column's texts as plain decimals, if they fit the column's own spelling.

    Args:
        texts: Numbers as the source writes them.
        column: Its contract, which says `decimal`, `thousands` and `unit`.

    Example:
        >>> from include.specs.columns import NumberColumn
        >>> price = NumberColumn(name="price", kind="number", thousands=",", unit="$")
        >>> plain_numbers(pa.array(["$1,234.50", "-$950", "1,23"]), price).to_pylist()
        ['1234.50', '-950', 'unfit']
    """
    if not describe_numerals(column) or not isinstance(column, NumericColumn):
        return texts
    texts, own_unit = _write_alike(texts), write_alike(column.unit)
    point, mark, unit = (re.escape(part) for part in (column.decimal, column.thousands, own_unit))
    grouped = rf"\d{{1,3}}({mark}\d{{3}})+|" if mark else ""
    number = rf"(({grouped}\d+)({point}\d*)?|{point}\d+)([eE][+-]?\d+)?"
    before = rf"({unit}\s*)?" if unit else ""
    after = rf"(\s*{unit})?" if unit else ""
    fits = pc.match_substring_regex(texts, rf"^\s*[+-]?\s*{before}[+-]?{number}{after}\s*$")
    bare = pc.replace_substring(texts, own_unit, "") if unit else texts
    bare = pc.replace_substring_regex(bare, r"\s", "") if column.thousands != " " else bare
    if column.thousands:
        bare = pc.replace_substring(bare, column.thousands, "")
    bare = pc.replace_substring(pc.utf8_trim_whitespace(bare), column.decimal, ".")
    return pc.if_else(fits, bare, pa.scalar(UNFIT))


def write_alike(text: str) -> str:
    """Write the marks of a number that stand for others as those.

    Example:
        >>> write_alike("1\u2019234\u00a0kg")
        "1'234 kg"
    """
    return text.translate(_ALIKE)


def _write_alike(texts: pa.Array) -> pa.Array:
    # Most numbers are plain, which is quickly seen.
    if not pc.any(pc.match_substring_regex(texts, f"[{''.join(ALIKE)}]")).as_py():
        return texts
    for mark, plain in ALIKE.items():
        texts = pc.replace_substring(texts, mark, plain)
    return texts
