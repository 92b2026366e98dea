"""Texts of a source made canonical, and other values written as texts."""

import re
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from include.values.reading import Reading

EXACT_INTEGERS: Final = 2**53


def decode_bytes(values: pa.Array) -> pa.Array:
    """Read bytes as UTF-8; what is none shows as the replacement character."""
    texts = [None if one is None else one.decode("utf-8", "replace") for one in values.to_pylist()]
    return pa.array(texts, pa.string())


def clean_text(values: pa.Array, reading: Reading) -> pa.Array:
    """Trim texts and turn the marks of a missing value into null."""
    trimmed = pc.utf8_trim_whitespace(values)
    cleaned = trimmed if reading.trim else values
    is_missing = pc.is_in(trimmed, value_set=pa.array(reading.missing, pa.string()))
    if not pc.any(is_missing).as_py():
        return cleaned
    return pc.if_else(is_missing, pa.scalar(None, pa.string()), cleaned)


def match_allowed(texts: pa.Array, allowed: tuple[str, ...]) -> pa.Array:
    """Read 3.0 as the allowed value 3: whole numbers beside missing ones are often stored so."""
    if not pc.any(pc.match_substring_regex(texts, r"^-?\d+\.0+$")).as_py():
        return texts
    known = set(allowed)
    read = {text: re.sub(r"\.0+$", "", text) for text in texts.unique().to_pylist() if text}
    return pa.array(
        [
            read[text] if text and text not in known and read[text] in known else text
            for text in texts.to_pylist()
        ],
        pa.string(),
    )


def write_text(values: pa.Array) -> pa.Array:
    """Write values as canonical text: 3 rather than 3.0, true rather than True."""
    if pa.types.is_string(values.type):
        return values
    if not pa.types.is_floating(values.type) and not pa.types.is_decimal(values.type):
        return values.cast(pa.string())
    numbers = nan_to_null(values.cast(pa.float64()))
    array = numbers.to_numpy(zero_copy_only=False)
    with np.errstate(invalid="ignore"):
        is_whole = (array == np.floor(array)) & (np.abs(array) < EXACT_INTEGERS)
    whole = pa.array(np.where(is_whole, array, 0).astype(np.int64)).cast(pa.string())
    texts = pc.if_else(pa.array(is_whole), whole, numbers.cast(pa.string()))
    return pc.if_else(numbers.is_valid(), texts, pa.scalar(None, pa.string()))


def nan_to_null(values: pa.Array) -> pa.Array:
    """Turn NaN into null: at rest there is one way to be missing."""
    if not pa.types.is_floating(values.type):
        return values
    is_nan = pc.is_nan(values)
    if not pc.any(is_nan).as_py():
        return values
    return pc.if_else(is_nan, pa.scalar(None, values.type), values)


def array_from_python(values: list[object]) -> pa.Array:
    """Build a column from Python values; mixed ones become text, which casts judge later."""
    try:
        return pa.array(values, from_pandas=True)
    except (pa.ArrowInvalid, pa.ArrowTypeError, OverflowError, ValueError):
        return pa.array([None if value is None else _as_text(value) for value in values])


def _as_text(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer() and abs(value) < 2**53:
        return str(int(value))
    # Half of a surrogate pair, which JSON may hold and UTF-8 may not.
    return str(value).encode("utf-8", "replace").decode()
