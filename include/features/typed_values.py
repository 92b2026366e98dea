"""The values of a column at rest as arrays: read as its kind, never parsed.

What a text means was decided before, by the one cast in `include.values.casts`; a value of
another type than its kind has at rest is a mistake of whoever made the rows.
"""

from typing import Any, NoReturn

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from include.errors import DataError, SchemaError
from include.values.frames import Rows, Values, names_of, one_array
from include.values.statistics import Floats
from include.values.texts import write_text


def read_numbers(values: Values, column: str) -> Floats:
    """Read numbers, integers or booleans as float64, missing values as NaN.

    Args:
        values: The column's values.
        column: Its name, for errors.

    Raises:
        SchemaError: The column holds something else.
        DataError: Some values are infinite.
    """
    array = one_array(values)
    kind = array.type
    if not any(is_of(kind) for is_of in (pa.types.is_floating, pa.types.is_integer)):
        if not pa.types.is_boolean(kind):
            _raise_wrong_type(column, array, "numbers")
        array = array.cast(pa.uint8())
    numbers: Floats = array.cast(pa.float64(), safe=False).to_numpy(zero_copy_only=False)
    if np.isinf(numbers).any():
        raise DataError(
            f"column {column!r}: expected finite numbers. Received: "
            f"{int(np.isinf(numbers).sum())} infinite values. Correct the source, or give the "
            "column `min` and `max` with `quarantine: true`."
        )
    return numbers


def read_texts(values: Values) -> pa.Array:
    """Read a column as canonical text (3, true), missing values as null."""
    array = one_array(values)
    is_text = pa.types.is_string(array.type) or pa.types.is_large_string(array.type)
    return array if is_text else write_text(array)


def read_times(values: Values, column: str) -> npt.NDArray[np.datetime64]:
    """Read points in time as UTC datetime64[us], missing values as NaT.

    Raises:
        SchemaError: The column holds something else.
    """
    array = one_array(values)
    if not pa.types.is_timestamp(array.type):
        _raise_wrong_type(column, array, "points in time")
    instants = array.cast(pa.timestamp("us", array.type.tz), safe=False)
    return np.asarray(instants.to_numpy(zero_copy_only=False))


def read_tensors(values: Values, shape: tuple[int, ...], column: str) -> npt.NDArray[Any]:
    """Read a tensor column as (rows, product of shape) in its own number type.

    Raises:
        SchemaError: Some values are missing, or the column holds something else.
    """
    size = int(np.prod(shape))
    array = one_array(values)
    if not pa.types.is_fixed_size_list(array.type) or array.type.list_size != size:
        _raise_wrong_type(column, array, f"arrays of shape {shape}")
    if array.null_count:
        raise SchemaError(
            f"column {column!r}: expected arrays of shape {shape} in all rows. Received: "
            f"{array.null_count} of {len(array)} missing. Set `nulls: 0` with `quarantine: true` "
            "for the column, or complete the source."
        )
    elements = array.values.slice(array.offset * size, len(array) * size)
    return np.asarray(elements.to_numpy(zero_copy_only=False)).reshape(len(array), size)


def check_present(rows: Rows, columns: tuple[str, ...]) -> None:
    """Check that rows have the named columns.

    Raises:
        SchemaError: Some are missing.
    """
    names = set(names_of(rows))
    missing = [name for name in columns if name not in names]
    if missing:
        raise SchemaError(
            f"expected the columns {sorted(columns)[:40]}. Received: a table without "
            f"{missing[:20]}. Add them, or correct their names."
        )


def _raise_wrong_type(column: str, array: pa.Array, expected: str) -> NoReturn:
    raise SchemaError(
        f"column {column!r}: expected {expected} at rest. Received: {array.type}. "
        "Correct the column's kind in the pipeline's YAML, or cast the rows by the contract first."
    )
