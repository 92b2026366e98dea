"""Points in time: from text, dates and timestamps to microseconds in UTC."""

from typing import Final

import numpy as np
import pandas as pd
import pyarrow as pa

AT_REST: Final = pa.timestamp("us", tz="UTC")
NAIVE: Final = pa.timestamp("us")
PER_SECOND: Final = {"s": 1, "ms": 1_000, "us": 1_000_000, "ns": 1_000_000_000}
# Numbers since 1970, by the format that a column names them with.
# Microseconds to the end of the year 9999.
FARTHEST: Final = 253_402_300_800_000_000
UNIX: Final = {f"unix_{unit}": unit for unit in PER_SECOND}


def cast_datetime(values: pa.Array, format_: str | None) -> tuple[pa.Array, np.ndarray | None]:
    """Cast to microseconds in UTC; what has no zone is taken as UTC.

    Args:
        values: Texts, dates or timestamps.
        format_: strptime format of texts, or one of `UNIX`; ISO 8601 unless given.

    Returns:
        The points in time, and which cells are none (None: all cells are).
    """
    if format_ in UNIX:
        return _from_unix(values, PER_SECOND[UNIX[format_]])
    if pa.types.is_string(values.type):
        return _parse_text(values, format_)
    if pa.types.is_timestamp(values.type) or pa.types.is_date(values.type):
        return _from_time(values), None
    bad = values.is_valid().to_numpy(zero_copy_only=False)
    return pa.nulls(len(values), AT_REST), bad


def _from_time(values: pa.Array) -> pa.Array:
    if pa.types.is_timestamp(values.type) and values.type.tz is not None:
        return values.cast(AT_REST, safe=False)
    return values.cast(NAIVE, safe=False).cast(AT_REST)


def _from_unix(values: pa.Array, per_second: int) -> tuple[pa.Array, np.ndarray | None]:
    """Read numbers since 1970, exactly where they are whole; times stay what they are."""
    if pa.types.is_timestamp(values.type) or pa.types.is_date(values.type):
        return _from_time(values), None
    if pa.types.is_string(values.type):
        texts = pd.Series(values.to_pylist(), dtype="str")
        numbers = pd.to_numeric(texts, errors="coerce")
    else:
        numbers = pd.Series(values.to_pandas())
    missing = ~values.is_valid().to_numpy(zero_copy_only=False)
    factor = 1_000_000 / per_second
    if pd.api.types.is_integer_dtype(numbers.dtype):
        micros = numbers.to_numpy()
        micros = micros * int(factor) if factor >= 1 else micros // int(1 / factor)
    else:
        micros = np.round(numbers.to_numpy(dtype=np.float64) * factor)
    bad = ~missing & ~(np.abs(micros.astype(np.float64)) < FARTHEST)
    micros = np.where(missing | bad, 0, micros).astype(np.int64)
    return pa.array(micros, mask=missing | bad).cast(NAIVE).cast(AT_REST), bad


def _parse_text(values: pa.Array, format_: str | None) -> tuple[pa.Array, np.ndarray | None]:
    if format_ is None:
        for kind in (NAIVE, AT_REST):
            try:
                return values.cast(kind).cast(AT_REST), None
            except pa.ArrowInvalid:
                continue
    return _parse_with_pandas(values, format_)


def _parse_with_pandas(values: pa.Array, format_: str | None) -> tuple[pa.Array, np.ndarray | None]:
    texts = pd.Series(values.to_pylist(), dtype="str")
    parsed = pd.to_datetime(texts, format=format_ or "ISO8601", utc=True, errors="coerce")
    instants = parsed.dt.tz_convert(None).dt.as_unit("us").to_numpy()
    times = pa.array(instants, NAIVE, from_pandas=True).cast(AT_REST)
    bad = (parsed.isna() & texts.notna()).to_numpy()
    return times, bad
