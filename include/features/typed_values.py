"""The values of a column at rest as arrays: read as its kind, never parsed.

What a text means was decided before, by the one cast in `include.values.casts`; a value of
another type than its kind has at rest is a mistake of whoever made the frame.
"""

from typing import Any, NoReturn

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa

from include.errors import DataError, SchemaError
from include.values.frames import array_from_series
from include.values.statistics import Floats
from include.values.texts import write_text


def read_numbers(series: pd.Series) -> Floats:
    """Read numbers, integers or booleans as float64, missing values as NaN.

    Raises:
        SchemaError: The column holds something else.
        DataError: Some values are infinite.
    """
    if not pd.api.types.is_numeric_dtype(series.dtype):
        _raise_wrong_type(series, "numbers")
    values: Floats = series.to_numpy(dtype=np.float64, na_value=np.nan)
    if np.isinf(values).any():
        raise DataError(
            f"column {series.name!r}: expected finite numbers. Received: "
            f"{int(np.isinf(values).sum())} infinite values. Correct the source, or give the "
            "column `min` and `max` with `quarantine: true`."
        )
    return values


def read_texts(series: pd.Series) -> pa.Array:
    """Read a column as canonical text (3, true), missing values as null."""
    array = array_from_series(series)
    is_text = pa.types.is_large_string(array.type)
    return array if is_text else write_text(array).cast(pa.large_string())


def read_times(series: pd.Series) -> npt.NDArray[np.datetime64]:
    """Read points in time as UTC datetime64[us], missing values as NaT.

    Raises:
        SchemaError: The column holds something else.
    """
    if series.dtype.kind != "M":
        _raise_wrong_type(series, "points in time")
    if isinstance(series.dtype, pd.DatetimeTZDtype):
        series = series.dt.tz_convert("UTC").dt.tz_localize(None)
    return np.asarray(series.to_numpy(dtype="datetime64[us]"))


def read_tensors(series: pd.Series, shape: tuple[int, ...]) -> npt.NDArray[Any]:
    """Read a tensor column as (rows, product of shape) in its own number type.

    Raises:
        SchemaError: Some values are missing, or the column holds something else.
    """
    size = int(np.prod(shape))
    array = array_from_series(series)
    if not pa.types.is_fixed_size_list(array.type) or array.type.list_size != size:
        _raise_wrong_type(series, f"arrays of shape {shape}")
    if array.null_count:
        raise SchemaError(
            f"column {series.name!r}: expected arrays of shape {shape} in all rows. Received: "
            f"{array.null_count} of {len(array)} missing. Set `nulls: 0` with `quarantine: true` "
            "for the column, or complete the source."
        )
    elements = array.values.slice(array.offset * size, len(array) * size)  # noqa: PD011
    return np.asarray(elements.to_numpy(zero_copy_only=False)).reshape(len(array), size)


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


def _raise_wrong_type(series: pd.Series, expected: str) -> NoReturn:
    raise SchemaError(
        f"column {series.name!r}: expected {expected} at rest. Received: dtype={series.dtype}. "
        "Correct the column's kind in the pipeline's YAML, or cast the rows by the contract first."
    )
