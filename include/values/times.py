"""Points in time: from text, dates and timestamps to microseconds in UTC.

Texts of a column with a format are read by it; what does not fit it is read as ISO 8601, so that
a time once read may come back as the text that JSON writes of it.
"""

import re
from collections.abc import Iterable
from datetime import UTC, datetime
from decimal import Decimal
from math import floor
from typing import Final

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from include.values.reading import Reading
from include.values.texts import clean_text, write_text

AT_REST: Final = pa.timestamp("us", tz="UTC")
NAIVE: Final = pa.timestamp("us")
# pandas takes more for a time: `now`, `today`, and years before our era.
ISO_SHAPE: Final = (
    r"^\d{4}(\d{4}|[-/]\d{1,2}([-/]\d{1,2})?)?"
    r"([T ]\d{1,2}(:?\d{2}(:?\d{2}(\.\d+)?)?)?)?( ?(Z|[+-]\d{2}(:?\d{2})?))?$"
)
NUMBERS: Final = (pa.types.is_integer, pa.types.is_floating, pa.types.is_decimal)
BY_WORD: Final = pa.array(["now", "today"])
# What stands before each part, and how many digits it has: 2010-01-31 09:05:00.
PARTS: Final = (("", 4), ("-", 2), ("-", 2), (" ", 2), (":", 2), (":", 2))
UNNAMED: Final = ("", "01", "01", "00", "00", "00")
PER_SECOND: Final = {"s": 1, "ms": 1_000, "us": 1_000_000, "ns": 1_000_000_000}
# Numbers since 1970, by the format that a column names them with.
UNIX: Final = {f"unix_{unit}": unit for unit in PER_SECOND}
UNIX_NUMBER: Final = re.compile(r"\s*[+-]?\d{1,19}(\.\d*)?([eE]\+?\d{1,2})?\s*", re.ASCII)
# Microseconds to the end of the year 9999.
FARTHEST: Final = 253_402_300_800_000_000

Parsed = tuple[pa.Array, np.ndarray | None]


def cast_datetime(values: pa.Array, format_: str | None) -> Parsed:
    """Cast to microseconds in UTC; what has no zone is taken as UTC.

    Args:
        values: Texts, dates, timestamps, or numbers that are written like a date (20240131).
        format_: strptime format of texts, or one of `UNIX`; ISO 8601 unless given, or where it
            does not fit.

    Returns:
        The points in time, and which cells are none (None: all cells are).
    """
    if pa.types.is_timestamp(values.type) or pa.types.is_date(values.type):
        return _from_time(values), None
    if any(is_of(values.type) for is_of in NUMBERS):
        values = write_text(values)
    if not pa.types.is_string(values.type):
        bad = values.is_valid().to_numpy(zero_copy_only=False)
        return pa.nulls(len(values), AT_REST), bad
    return _parse_iso(values) if format_ is None else _parse_format(values, format_)


def read_moment(text: str) -> datetime:
    """Read an ISO 8601 time of a spec; without a zone it is UTC."""
    time = datetime.fromisoformat(text)
    return time.replace(tzinfo=UTC) if time.tzinfo is None else time.astimezone(UTC)


def join_parts(parts: Iterable[pa.Array], reading: Reading) -> pa.Array:
    """Write parts of a time as ISO texts; null where a part is missing.

    Example:
        >>> parts = [pa.array([number]) for number in (2010, 1, 31, 9)]
        >>> join_parts(parts, Reading())[0].as_py()
        '2010-01-31 09:00:00'
    """
    texts = [_as_digits(part, reading) for part in parts]
    count = len(texts[0])
    texts += [pa.repeat(UNNAMED[place], count) for place in range(len(texts), len(PARTS))]
    joined = pa.repeat("", count)
    for (mark, width), text in zip(PARTS, texts, strict=True):
        padded = pc.utf8_lpad(text, width, padding="0")
        joined = pc.binary_join_element_wise(joined, padded, mark)
    return joined


def _as_digits(part: pa.Array, reading: Reading) -> pa.Array:
    """Write whole numbers as digits; what is no whole number stays and fails as a date later."""
    if pa.types.is_floating(part.type):
        part = pc.if_else(pc.is_finite(part), part, None)
    texts = clean_text(part.cast(pa.string()), reading)
    return pc.replace_substring_regex(texts, r"^(\d+)\.0*$", r"\1")


def _from_time(values: pa.Array) -> pa.Array:
    if pa.types.is_timestamp(values.type) and values.type.tz is not None:
        return values.cast(AT_REST, safe=False)
    return values.cast(NAIVE, safe=False).cast(AT_REST)


def _parse_unix(texts: pa.Array, per_second: int) -> pa.Array:
    """Read numbers since 1970, exactly; what is none becomes null."""
    try:
        whole = texts.cast(pa.int64()).to_pylist()
        micros = [None if one is None else one * 1_000_000 // per_second for one in whole]
    except pa.ArrowInvalid:
        exact = [_read_unix(text) for text in texts.to_pylist()]
        micros = [None if one is None else floor(one * 1_000_000 / per_second) for one in exact]
    inside = [one if one is not None and abs(one) < FARTHEST else None for one in micros]
    return pa.array(inside, pa.int64()).cast(NAIVE).cast(AT_REST)


def _read_unix(text: str | None) -> Decimal | None:
    return Decimal(text.strip()) if text and UNIX_NUMBER.fullmatch(text) else None


def _parse_iso(values: pa.Array) -> Parsed:
    for kind in (NAIVE, AT_REST):
        try:
            return values.cast(kind).cast(AT_REST), None
        except pa.ArrowInvalid:
            continue
    has_shape = pc.match_substring_regex(values, ISO_SHAPE)
    # Digits that are not kept would give all cells another unit, and with it another range.
    texts = pc.replace_substring_regex(values, r"(\.\d{6})\d+", r"\1")
    times = _parse_with_pandas(pc.if_else(has_shape, texts, None), "ISO8601")
    return times, _find_bad(values, times)


def _parse_format(values: pa.Array, format_: str) -> Parsed:
    by_word = pc.is_in(pc.utf8_lower(values), value_set=BY_WORD)
    if format_ in UNIX:
        times = _parse_unix(values, PER_SECOND[UNIX[format_]])
    else:
        times = _parse_with_pandas(pc.if_else(by_word, None, values), format_)
    is_other = pc.and_(values.is_valid(), times.is_null())
    if not pc.any(is_other).as_py():
        return times, None
    others, _ = _parse_iso(pc.if_else(is_other, values, None))
    times = pc.coalesce(times, others)
    return times, _find_bad(values, times)


def _find_bad(values: pa.Array, times: pa.Array) -> np.ndarray:
    bad: np.ndarray = pc.and_(values.is_valid(), times.is_null()).to_numpy(zero_copy_only=False)
    return bad


def _parse_with_pandas(values: pa.Array, format_: str) -> pa.Array:
    """Parse texts; what is no time becomes null. Arrow knows no %f or %j."""
    texts = pd.Series(values.to_pylist(), dtype="str")
    parsed = pd.to_datetime(texts, format=format_, utc=True, errors="coerce")
    instants = parsed.dt.tz_convert(None).dt.as_unit("us").to_numpy()
    return pa.array(instants, NAIVE, from_pandas=True).cast(AT_REST)


def show_day(micros: float) -> str:
    """Write the day of a time that is given in microseconds since 1970.

    Example:
        >>> show_day(86_400_000_000.0)
        '1970-01-02'
    """
    return str(np.datetime64(int(micros), "us").astype("datetime64[D]"))
