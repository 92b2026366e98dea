"""Points in time: from text, dates and timestamps to microseconds in UTC."""

from typing import Final

import numpy as np
import pandas as pd
import pyarrow as pa

AT_REST: Final = pa.timestamp("us", tz="UTC")
NAIVE: Final = pa.timestamp("us")


def cast_datetime(values: pa.Array, format_: str | None) -> tuple[pa.Array, np.ndarray | None]:
    """Cast to microseconds in UTC; what has no zone is taken as UTC.

    Args:
        values: Texts, dates or timestamps.
        format_: strptime format of texts; ISO 8601 unless given.

    Returns:
        The points in time, and which cells are none (None: all cells are).
    """
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
