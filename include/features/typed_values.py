"""Read the values of a column as its kind, or say which values are not of that kind.

Stored tables hold the right types already; frames from a serving request may hold numbers as
text, times as ISO strings and images as nested lists. Both are read here, and only here.
"""

from typing import Any, Final, NoReturn

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa

from include.errors import DataError, SchemaError
from include.values.statistics import Floats

_TRUE: Final = ("true", "t", "yes", "y", "1")
_FALSE: Final = ("false", "f", "no", "n", "0")
_EXAMPLES: Final = 5


def read_numbers(series: pd.Series, *, is_integer: bool = False) -> Floats:
    """Read a numeric column as float64, missing values as NaN.

    Raises:
        SchemaError: Some values are not numbers, or not whole though they must be.
        DataError: Some values are infinite.
    """
    if pd.api.types.is_datetime64_any_dtype(series.dtype):
        _raise_wrong_kind(series, np.ones(len(series), dtype=bool), "numbers")
    if pd.api.types.is_numeric_dtype(series.dtype):
        values = series.to_numpy(dtype=np.float64, na_value=np.nan)
    else:
        values = _parse_numbers(series)
    if np.isinf(values).any():
        raise DataError(
            f"column {series.name!r}: expected finite numbers. Received: "
            f"{int(np.isinf(values).sum())} infinite values. Correct the source, or give the "
            "column `min` and `max` with `quarantine: true`."
        )
    if is_integer:
        broken = values != np.floor(values)
        broken &= ~np.isnan(values)
        if broken.any():
            _raise_wrong_kind(series, broken, "whole numbers")
    return values


def read_booleans(series: pd.Series) -> Floats:
    """Read a boolean column as 0.0 and 1.0, missing values as NaN.

    Raises:
        SchemaError: Some values are no usual spelling of true or false.
    """
    if pd.api.types.is_bool_dtype(series.dtype):
        return series.to_numpy(dtype=np.float64, na_value=np.nan)
    texts = _as_texts(series).str.lower()
    values = np.full(len(series), np.nan)
    values[texts.isin(_TRUE).to_numpy(dtype=bool)] = 1.0
    values[texts.isin(_FALSE).to_numpy(dtype=bool)] = 0.0
    broken = np.isnan(values) & ~is_missing(series)
    if broken.any():
        _raise_wrong_kind(series, broken, "true or false")
    return values


def read_texts(series: pd.Series) -> pa.Array:
    """Read a column as canonical text (3, true), missing values as null."""
    array = pa.array(_as_texts(series), type=pa.large_string(), from_pandas=True)
    return array.combine_chunks() if isinstance(array, pa.ChunkedArray) else array


def read_times(series: pd.Series, *, pattern: str | None = None) -> npt.NDArray[np.datetime64]:
    """Read a datetime column as UTC datetime64[us], missing values as NaT.

    Args:
        series: The column.
        pattern: strptime format of texts; ISO 8601 unless given.

    Raises:
        SchemaError: Some values are no point in time.
    """
    if pd.api.types.is_datetime64_any_dtype(series.dtype):
        times = series
    else:
        blank = is_missing(series)
        texts = _as_texts(series)
        times = pd.to_datetime(texts, format=pattern or "ISO8601", errors="coerce", utc=True)
        broken = times.isna().to_numpy() & ~blank
        if broken.any():
            _raise_wrong_kind(series, broken, "points in time")
    if isinstance(times.dtype, pd.DatetimeTZDtype):
        times = times.dt.tz_convert("UTC").dt.tz_localize(None)
    return np.asarray(times.to_numpy(dtype="datetime64[us]"))


def read_tensors(series: pd.Series, shape: tuple[int, ...]) -> npt.NDArray[Any]:
    """Read a tensor column as (rows, product of shape) in its own number type.

    Raises:
        SchemaError: Some values are missing or of another size.
    """
    size = int(np.prod(shape))
    if isinstance(series.dtype, pd.ArrowDtype):
        array = pa.array(series)
        if isinstance(array, pa.ChunkedArray):
            array = array.combine_chunks()
        if pa.types.is_fixed_size_list(array.type) and array.type.list_size == size:
            if array.null_count:
                _raise_wrong_kind(series, is_missing(series), f"arrays of shape {shape}")
            elements = array.values.slice(array.offset * size, len(array) * size)  # noqa: PD011
            return np.asarray(elements.to_numpy(zero_copy_only=False)).reshape(len(array), size)
    return _stack_tensors(series, shape)


def is_missing(series: pd.Series) -> npt.NDArray[np.bool_]:
    """Say which values are missing; blank texts are."""
    missing = series.isna().to_numpy(dtype=bool)
    if isinstance(series.dtype, pd.StringDtype) or series.dtype == object:
        blank = _as_texts(series) == ""
        missing = missing | blank.fillna(value=True).to_numpy(dtype=bool)
    return missing


def check_present(frame: pd.DataFrame, columns: tuple[str, ...]) -> None:
    """Check that a frame has the named columns.

    Raises:
        SchemaError: Some are missing.
    """
    missing = [name for name in columns if name not in frame.columns]
    if missing:
        raise SchemaError(
            f"expected the columns {sorted(columns)[:40]}. Received: a table without "
            f"{missing[:20]}. Add them, or correct their names."
        )


def _parse_numbers(series: pd.Series) -> Floats:
    texts = _as_texts(series)
    values = pd.to_numeric(texts, errors="coerce").to_numpy(dtype=np.float64, na_value=np.nan)
    broken = np.isnan(values) & ~is_missing(series)
    if broken.any():
        _raise_wrong_kind(series, broken, "numbers")
    return values


def _as_texts(series: pd.Series) -> pd.Series:
    dtype = series.dtype
    if isinstance(dtype, pd.StringDtype):
        return series
    if pd.api.types.is_bool_dtype(dtype):
        return series.map({True: "true", False: "false"}).astype("str")
    if pd.api.types.is_integer_dtype(dtype):
        return series.astype("Int64").astype("str")
    return series.map(_text_of, na_action="ignore").astype("str")


def _text_of(value: object) -> str:
    if isinstance(value, bool | np.bool_):
        return "true" if value else "false"
    if isinstance(value, float | np.floating) and float(value).is_integer():
        return str(int(value))
    return str(value).strip()


def _stack_tensors(series: pd.Series, shape: tuple[int, ...]) -> npt.NDArray[np.float32]:
    size = int(np.prod(shape))
    rows = np.zeros((len(series), size), dtype=np.float32)
    broken = np.zeros(len(series), dtype=bool)
    for place, value in enumerate(series):
        try:
            flat = np.asarray(value, dtype=np.float32).reshape(-1)
        except (TypeError, ValueError):
            broken[place] = True
            continue
        if flat.size == size:
            rows[place] = flat
        else:
            broken[place] = True
    if broken.any():
        _raise_wrong_kind(series, broken, f"arrays of shape {shape}")
    return rows


def _raise_wrong_kind(series: pd.Series, broken: npt.NDArray[np.bool_], kind: str) -> NoReturn:
    examples = [_shorten(value) for value in series[broken].iloc[:_EXAMPLES]]
    raise SchemaError(
        f"column {series.name!r}: expected {kind}. Received: {int(broken.sum())} of "
        f"{len(series)} values that are not, e.g. {', '.join(examples)}. "
        "Correct the values, or the column's kind in the pipeline's YAML."
    )


def _shorten(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 40 else f"{text[:37]}..."
