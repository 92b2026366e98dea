"""Texts of a source made canonical, and other values written as texts.

A value casts like the text that writes it: `true`, 3, 3.0 and a time in JSON or Parquet give
what `true`, `3`, `3` and its ISO text give in a CSV file.
"""

import json
from datetime import datetime
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from include.values.reading import Reading

# Below, every whole float has an integer at rest.
INTEGERS: Final = 2.0**63
WHOLE: Final = r"^(-?\d+)\.0+$"
_SAMPLE: Final = 1_000


def are_repeated(values: pa.Array | pa.ChunkedArray) -> bool:
    """Tell by the first of them whether values come again and again, as categories do.

    Example:
        >>> are_repeated(pa.array(["a", "b", "a", "a"])), are_repeated(pa.array(["a", "b", "c"]))
        (True, False)
    """
    sample = values.slice(0, _SAMPLE)
    return bool(2 * pc.count_distinct(sample).as_py() <= len(sample))


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


def clean_category(texts: pa.Array, reading: Reading, allowed: tuple[str, ...] | None) -> pa.Array:
    """Strip the reading's suffix from cleaned texts and write numbers alike: 3 for 3.0.

    Args:
        texts: What `clean_text` gave.
        reading: How the source's texts are read.
        allowed: The values of the contract, whose spelling of a number is kept.
    """
    if reading.strip_suffix:
        texts = clean_text(_strip(texts, reading.strip_suffix, reading), reading)
    if allowed:
        return clean_text(_match_allowed(texts, allowed), reading)
    # Looking for two characters is much cheaper than for a pattern, and most columns have none.
    if not pc.any(pc.match_substring(texts, ".0")).as_py():
        return texts
    return clean_text(_write_whole(texts), reading)


def _strip(texts: pa.Array, suffix: str, reading: Reading) -> pa.Array:
    """Strip a suffix until there is none, so that a stripped text is left as it is."""
    has_suffix = pc.ends_with(texts, suffix)
    while pc.any(has_suffix).as_py():
        cut = pc.utf8_slice_codeunits(texts, 0, stop=-len(suffix))
        cut = pc.utf8_trim_whitespace(cut) if reading.trim else cut
        texts = pc.if_else(has_suffix, cut, texts)
        has_suffix = pc.ends_with(texts, suffix)
    return texts


def _write_whole(texts: pa.Array) -> pa.Array:
    whole = pc.replace_substring_regex(texts, WHOLE, r"\1")
    return pc.if_else(pc.and_(pc.equal(whole, "-0"), pc.not_equal(texts, "-0")), "0", whole)


def _match_allowed(texts: pa.Array, allowed: tuple[str, ...]) -> pa.Array:
    """Write numbers as the contract does: a whole one beside missing ones is often stored as 3.0.

    What is not allowed stays, to be seen by the contract's checks.
    """
    listed = pa.array(allowed, pa.string())
    is_known = pc.or_kleene(pc.is_in(texts, value_set=listed), texts.is_null())
    if pc.all(is_known).as_py():
        return texts
    whole = _write_whole(texts)
    found = listed.take(pc.index_in(whole, value_set=_write_whole(listed)))
    return pc.if_else(is_known, texts, pc.coalesce(found, whole))


def write_text(values: pa.Array) -> pa.Array:
    """Write values as canonical text: 3 rather than 3.0, true rather than True."""
    if pa.types.is_string(values.type):
        return values
    if not pa.types.is_floating(values.type) and not pa.types.is_decimal(values.type):
        return values.cast(pa.string())
    numbers = nan_to_null(values.cast(pa.float64()))
    array = numbers.to_numpy(zero_copy_only=False)
    with np.errstate(invalid="ignore"):
        is_whole = (array == np.floor(array)) & (np.abs(array) < INTEGERS)
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


def array_from_python(values: list[Any]) -> pa.Array:
    """Build a column from Python values; mixed ones become text, which casts judge later."""
    try:
        array = pa.array(values, from_pandas=True)
    except (pa.ArrowInvalid, pa.ArrowTypeError, OverflowError, ValueError):
        return pa.array([_as_text(value) for value in values], pa.string())
    if pa.types.is_floating(array.type) and any(isinstance(value, bool) for value in values):
        return pa.array([_as_text(value) for value in values], pa.string())  # Arrow made it 0 or 1
    if pa.types.is_date(array.type) and any(isinstance(value, datetime) for value in values):
        return pa.array([_as_text(value) for value in values], pa.string())  # Arrow cut the hours
    if pa.types.is_nested(array.type):  # in which a NaN is an element, and not missing
        pairs = zip(values, array.is_valid().to_pylist(), strict=True)
        return pa.array([value if is_valid else None for value, is_valid in pairs], array.type)
    return array


def _as_text(value: Any) -> str | None:
    if isinstance(value, str):
        # Half of a surrogate pair, which JSON may hold and UTF-8 may not.
        return value.encode("utf-8", "replace").decode()
    if isinstance(value, bool | int):
        return str(value).lower()
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    value = value.tolist() if hasattr(value, "tolist") else value
    try:
        if isinstance(value, list | tuple | dict):
            return json.dumps(value, default=lambda array: array.tolist())
        text: str | None = write_text(pa.array([value], from_pandas=True))[0].as_py()
    except (pa.ArrowException, OverflowError, ValueError, TypeError, AttributeError):
        return str(value)
    return text
