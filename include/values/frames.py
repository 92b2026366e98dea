"""Between pandas and Arrow: rows at rest as a frame, and whatever a frame holds as a column."""

from collections.abc import Sequence
from typing import Any, TypeAlias

import numpy as np
import pandas as pd
import pyarrow as pa

from include.values.texts import array_from_python

# Steps work on Arrow's tables; frames come from callers and go to libraries that ask for them.
Rows: TypeAlias = pa.Table | pd.DataFrame
Values: TypeAlias = pa.Array | pa.ChunkedArray | pd.Series


def to_frame(rows: pa.Table, with_nulls: frozenset[str] = frozenset()) -> pd.DataFrame:
    """Convert Arrow rows to a pandas frame with the dtypes that all steps expect.

    Args:
        rows: The rows.
        with_nulls: Integer and boolean columns that get a nullable dtype even if these rows
            have no null; those that have one get it anyway.
    """
    series = {
        name: _to_series(column, name in with_nulls)
        for name, column in zip(rows.column_names, rows.columns, strict=True)
    }
    # Stacking columns of one type, as pandas does by default, would copy the batch.
    return pd.DataFrame(series, index=pd.RangeIndex(rows.num_rows), copy=False)


def _to_series(column: pa.ChunkedArray, has_nulls: bool) -> Any:
    kind = column.type
    if pa.types.is_string(kind) or pa.types.is_large_string(kind):
        return _from_arrow(pd.StringDtype("pyarrow", na_value=np.nan), column)
    if pa.types.is_nested(kind):
        return pd.arrays.ArrowExtensionArray(column)
    if has_nulls or column.null_count:
        if pa.types.is_integer(kind):
            return _from_arrow(pd.Int64Dtype(), column.cast(pa.int64()))
        if pa.types.is_boolean(kind):
            return _from_arrow(pd.BooleanDtype(), column)
    return column.to_pandas()


def _from_arrow(dtype: Any, column: pa.ChunkedArray) -> Any:
    return dtype.__from_arrow__(column)


def names_of(rows: Rows) -> Sequence[str]:
    """Name the columns of a table or frame."""
    return rows.column_names if isinstance(rows, pa.Table) else list(rows.columns)


def to_table(rows: Rows, columns: Sequence[str]) -> pa.Table:
    """Give columns of a frame, or of what is a table already, as an Arrow table."""
    if isinstance(rows, pa.Table):
        return rows.select(list(columns))
    return pa.table({name: array_from_series(rows[name]) for name in columns})


def one_array(column: Values) -> pa.Array:
    """Give a column, of a table or of a frame, in one piece."""
    if isinstance(column, pa.Array):
        return column
    if isinstance(column, pd.Series):
        return array_from_series(column)
    if column.num_chunks == 1:
        return column.chunk(0)
    return pa.concat_arrays(column.chunks) if column.chunks else pa.array([], column.type)


def array_from_series(series: pd.Series) -> pa.Array:
    """Give the values of a frame's column, of any dtype, as they are; mixed ones become texts.

    Example:
        >>> array_from_series(pd.Series([1.5, None], dtype=object)).type
        DataType(double)
        >>> array_from_series(pd.Series([True, "no", None], dtype=object)).to_pylist()
        ['true', 'no', None]
    """
    if series.dtype == object:
        return array_from_python(list(series))
    if isinstance(series.dtype, pd.DatetimeTZDtype):
        # pyarrow reads them through `Series.values`, which pandas 3.1 deprecates.
        instants = pa.array(series.dt.tz_convert(None), from_pandas=True)
        return instants.cast(pa.timestamp(instants.type.unit, "UTC"))
    array = pa.array(series, from_pandas=True)
    return array if isinstance(array, pa.Array) else one_array(array)
