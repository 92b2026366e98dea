"""From whatever a source holds to the types at rest that the column contract names.

Every kind has one cast, and each cell that does not fit is reported rather than guessed. The
same value reads the same whether it comes as text, from Parquet, from a database or in the JSON
of a request; and what is at rest, cast again, stays as it is.
"""

import re
from collections.abc import Callable
from decimal import Decimal, InvalidOperation
from typing import Final, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from include.specs import Column
from include.specs.columns import CategoryColumn
from include.values.numerals import describe_numerals, plain_numbers
from include.values.reading import Reading
from include.values.tensors import cast_tensor
from include.values.texts import (
    are_repeated,
    clean_category,
    clean_text,
    decode_bytes,
    nan_to_null,
    write_text,
)
from include.values.times import PER_SECOND, cast_datetime
from include.values.widening import widen

NUMBER: Final = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", re.ASCII)
NOT_FINITE: Final = re.compile(r"[+-]?(inf|infinity|nan)", re.IGNORECASE)
HEXADECIMAL: Final = re.compile(r"0[xX][0-9a-fA-F]{1,16}")
# What true and false count as where a number is expected.
LOGICAL: Final = {"true": 1, "false": 0}
TRUE_TEXTS: Final = ("true", "t", "yes", "y", "on", "1", "1.0")
FALSE_TEXTS: Final = ("false", "f", "no", "n", "off", "0", "0.0")


class CastColumn(NamedTuple):
    """A column cast to its contract; `bad` marks the cells that did not cast (None: all did)."""

    values: pa.Array
    bad: np.ndarray | None = None


def cast_column(column: Column, values: pa.Array, reading: Reading) -> CastColumn:
    """Cast one column of a batch to the type at rest of its kind.

    Args:
        column: The column's contract.
        values: What the source holds.
        reading: Which texts mean a missing value, and what is trimmed.

    Returns:
        Values of the type at rest, null where missing or bad, and which cells are bad.
    """
    plain = _plain(values)
    if column.missing is not None:
        reading = reading._replace(missing=column.missing)
    is_known = pa.types.is_string(plain.type) or _is_numeric(plain.type)
    if column.kind == "category" and is_known and are_repeated(plain):
        # Each text once, however often it occurs; none of them is bad.
        coded = plain.dictionary_encode()
        return CastColumn(_cast_plain(column, coded.dictionary, reading).values.take(coded.indices))
    result = _cast_plain(column, plain, reading)
    bad = result.bad if result.bad is not None and result.bad.any() else None
    return CastColumn(result.values, bad)


def _cast_plain(column: Column, plain: pa.Array, reading: Reading) -> CastColumn:
    if pa.types.is_string(plain.type):
        plain = clean_text(plain, reading)
    return _CASTS[column.kind](column, plain, reading)


def type_words(column: Column) -> str:
    """Say in words what a column's cells must be."""
    if column.kind == "tensor":
        return f"an array of shape {list(column.shape)}"
    if column.kind == "datetime":
        return f"a date written as {column.format or 'ISO 8601'}"
    if column.kind in {"number", "integer"} and (written := describe_numerals(column)):
        return f"{'a number' if column.kind == 'number' else 'a whole number'} written {written}"
    return {
        "number": "a number",
        "integer": "a whole number",
        "boolean": "true or false",
    }.get(column.kind, "a text")


def _plain(values: pa.Array) -> pa.Array:
    kind = values.type
    if pa.types.is_dictionary(kind):
        return _plain(values.dictionary_decode())
    if pa.types.is_large_string(kind) or pa.types.is_string_view(kind):
        return values.cast(pa.string())
    if pa.types.is_null(kind):
        return values.cast(pa.string())
    if pa.types.is_float32(kind):
        # Its shortest decimal, as a CSV file or a database would write it: 0.1, not 0.100000001.
        return widen(values)
    if pa.types.is_binary(kind) or pa.types.is_large_binary(kind):
        return decode_bytes(values)
    return _plain_rare(values)


def _plain_rare(values: pa.Array) -> pa.Array:
    if pa.types.is_duration(values.type):
        ticks = values.cast(pa.int64()).cast(pa.float64())
        return pc.divide(ticks, PER_SECOND[values.type.unit])
    return values.cast(pa.float64()) if pa.types.is_float16(values.type) else values


def _cast_number(column: Column, values: pa.Array, reading: Reading) -> CastColumn:
    kind = values.type
    if pa.types.is_string(kind):
        values = plain_numbers(values, column)
        try:
            numbers = values.cast(pa.float64())
        except pa.ArrowInvalid:
            return _without_marks(_parse_cells(values, _parse_number, pa.float64()), reading)
        if pc.any(pc.is_nan(numbers)).as_py():  # Arrow reads more than ours, e.g. nan(1)
            return _without_marks(_parse_cells(values, _parse_number, pa.float64()), reading)
        return _without_marks(CastColumn(numbers), reading)
    if not _is_numeric(kind):
        return _all_bad(values, pa.float64())
    return _without_marks(CastColumn(nan_to_null(values.cast(pa.float64(), safe=False))), reading)


def _cast_integer(column: Column, values: pa.Array, reading: Reading) -> CastColumn:
    kind = values.type
    if not pa.types.is_string(kind) and not _is_numeric(kind):
        return _all_bad(values, pa.int64())
    plain = plain_numbers(values, column) if pa.types.is_string(kind) else nan_to_null(values)
    try:
        whole = CastColumn(plain.cast(pa.int64()))
        if pa.types.is_string(kind) and _has_long_hexadecimal(plain, whole.values):
            whole = _parse_cells(plain, _parse_integer, pa.int64())
    except pa.ArrowInvalid:
        is_exact = pa.types.is_string(kind) or pa.types.is_decimal(kind)
        texts = plain.cast(pa.string()) if is_exact else write_text(plain)
        whole = _parse_cells(texts, _parse_integer, pa.int64())
    return _without_marks(whole, reading)


def _has_long_hexadecimal(texts: pa.Array, numbers: pa.Array) -> bool:
    """Tell whether Arrow read sixteen hexadecimal digits, the upper half as negative numbers."""
    low = pc.min(numbers).as_py()
    return (
        low is not None
        and low < 0
        and pc.any(pc.match_substring(texts, "x", ignore_case=True)).as_py()
    )


def _without_marks(result: CastColumn, reading: Reading) -> CastColumn:
    """Turn numbers that the reading has as marks into null, however they were written."""
    marks = [
        float(mark)
        for mark in reading.missing
        if NUMBER.fullmatch(mark) or NOT_FINITE.fullmatch(mark)
    ]
    if not marks:
        return result
    is_mark = pc.is_in(result.values.cast(pa.float64(), safe=False), value_set=pa.array(marks))
    if not pc.any(is_mark).as_py():
        return result
    return result._replace(
        values=pc.if_else(is_mark, pa.scalar(None, result.values.type), result.values)
    )


def _cast_boolean(_: Column, values: pa.Array, reading: Reading) -> CastColumn:
    if pa.types.is_boolean(values.type):
        return CastColumn(values)
    if _is_numeric(values.type):
        values = clean_text(write_text(values), reading)
    if not pa.types.is_string(values.type):
        return _all_bad(values, pa.bool_())
    lower = pc.utf8_lower(pc.utf8_trim_whitespace(values))
    is_true = pc.is_in(lower, value_set=pa.array(TRUE_TEXTS))
    is_known = pc.or_(is_true, pc.is_in(lower, value_set=pa.array(FALSE_TEXTS)))
    result = pc.if_else(is_known, is_true, pa.scalar(None, pa.bool_()))
    return CastColumn(result, _to_mask(pc.and_(values.is_valid(), pc.invert(is_known))))


def _cast_text(column: Column, values: pa.Array, reading: Reading) -> CastColumn:
    if pa.types.is_nested(values.type):
        return _all_bad(values, pa.string())
    if not pa.types.is_string(values.type):
        values = clean_text(write_text(values), reading)
    if not isinstance(column, CategoryColumn):
        return CastColumn(values)
    return CastColumn(clean_category(values, reading, column.values))


def _parse_cells(
    values: pa.Array, parse: Callable[[str], float | int | None], kind: pa.DataType
) -> CastColumn:
    """Read a batch cell by cell; only batches that hold an unusual cell come here."""
    cells = values.to_pylist()
    parsed = [None if cell is None else parse(cell) for cell in cells]
    pairs = zip(cells, parsed, strict=True)
    bad = np.fromiter((cell is not None and one is None for cell, one in pairs), bool, len(cells))
    return CastColumn(nan_to_null(pa.array(parsed, kind)), bad)


def _parse_number(text: str) -> float | None:
    text = text.strip()
    if NUMBER.fullmatch(text) or NOT_FINITE.fullmatch(text):
        return float(text)
    return LOGICAL.get(text.lower())


def _parse_integer(text: str) -> int | None:
    """Read a whole number exactly, without a float between that would round it."""
    text = text.strip()
    if HEXADECIMAL.fullmatch(text):
        digits = int(text, 16)
        return digits if digits < 2**63 else None
    if not NUMBER.fullmatch(text):
        return LOGICAL.get(text.lower())
    try:
        number = Decimal(text)
    except InvalidOperation:  # an exponent of twenty digits
        return None
    is_whole = -(2**63) <= number < 2**63 and number == number.to_integral_value()
    return int(number) if is_whole else None


def _is_numeric(kind: pa.DataType) -> bool:
    return bool(
        pa.types.is_integer(kind)
        or pa.types.is_floating(kind)
        or pa.types.is_decimal(kind)
        or pa.types.is_boolean(kind)
    )


def _all_bad(values: pa.Array, kind: pa.DataType) -> CastColumn:
    return CastColumn(pa.nulls(len(values), kind), _to_mask(values.is_valid()))


def _to_mask(values: pa.Array) -> np.ndarray:
    mask: np.ndarray = values.to_numpy(zero_copy_only=False)
    return mask


def _cast_datetime(column: Column, values: pa.Array, _: Reading) -> CastColumn:
    return CastColumn(*cast_datetime(values, getattr(column, "format", None)))


def _cast_tensor(column: Column, values: pa.Array, _: Reading) -> CastColumn:
    return CastColumn(*cast_tensor(values, getattr(column, "shape", ())))


_CASTS: Final[dict[str, Callable[[Column, pa.Array, Reading], CastColumn]]] = {
    "number": _cast_number,
    "integer": _cast_integer,
    "boolean": _cast_boolean,
    "category": _cast_text,
    "text": _cast_text,
    "id": _cast_text,
    "datetime": _cast_datetime,
    "tensor": _cast_tensor,
}
