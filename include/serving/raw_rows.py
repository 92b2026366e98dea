"""Rows as a caller has them, turned into rows as they are stored: by the casts of ingest.

Whatever a frame holds (texts, JSON's values, numbers of any dtype) becomes Arrow columns, each of
which goes through the same cast, with the same reading, as a cell of the source did.
"""

from collections import defaultdict
from collections.abc import Iterator
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from include.errors import SchemaError
from include.serving.bundle import Bundle, is_strict
from include.specs import Column
from include.specs.columns import DatetimeColumn, TensorColumn
from include.values.casts import cast_column, type_words
from include.values.frames import array_from_series, to_frame
from include.values.limits import FINITE, find_broken
from include.values.reading import AT_REST, Reading
from include.values.showing import show_value
from include.values.times import join_parts

EXAMPLES: Final = 5


class StoredRows(NamedTuple):
    """Rows as they are stored, and what of each breaks the contract (empty: nothing)."""

    frame: pd.DataFrame
    warnings: list[str]


class _Broken(NamedTuple):
    row: int
    column: Column
    text: str
    is_fatal: bool


def cast_rows(bundle: Bundle, frame: pd.DataFrame, *, first_row: int = 0) -> StoredRows:
    """Cast rows of a caller as ingest casts rows of the source, and check them by the contract.

    Args:
        bundle: What the model asks of its callers.
        frame: Their rows; all columns that may not be absent are there.
        first_row: Number of the first row, for errors.

    Raises:
        SchemaError: Rows break the contract, and the policy is to refuse them.
    """
    arrays: list[pa.Array] = []
    broken: list[_Broken] = []
    for column in bundle.columns:
        source = _take(column, frame, bundle.reading)
        values, bad = cast_column(column, source, bundle.reading)
        unread = _find_nested(column, frame)
        if unread.any():
            values = pc.if_else(pa.array(unread), pa.scalar(None, values.type), values)
        if bad is not None:
            unread |= bad
        broken += _list_broken(bundle, column, source, type_words(column), unread)
        for words, mask in find_broken(column, values):
            broken += _list_broken(bundle, column, source, words, mask & ~unread)
            if words == FINITE and not isinstance(column, TensorColumn):
                values = pc.if_else(pa.array(mask), pa.scalar(None, values.type), values)
        arrays.append(values)
    fatal = [one for one in broken if one.is_fatal]
    if fatal:
        raise _refusal(bundle, fatal, first_row)
    warnings: dict[int, list[str]] = defaultdict(list)
    for one in broken:
        warnings[one.row].append(f"{one.column.name}: {one.text}")
    texts = ["; ".join(warnings.get(row, ())) for row in range(len(frame))]
    return StoredRows(_to_frame(bundle, arrays), texts)


def take_stored(bundle: Bundle, frame: pd.DataFrame) -> pd.DataFrame:
    """Take rows that are at rest; what was read once is not read again, nor judged.

    Raises:
        SchemaError: A value does not fit its kind.
    """
    arrays = []
    for column in bundle.columns:
        source = _take(column, frame, AT_REST)
        values, bad = cast_column(column, source, AT_REST)
        if bad is not None:
            broken = list(_list_broken(bundle, column, source, type_words(column), bad))
            raise _refusal(bundle, broken, 0)
        arrays.append(values)
    return _to_frame(bundle, arrays)


def _take(column: Column, frame: pd.DataFrame, reading: Reading) -> pa.Array:
    """Take a column as it was given, composed of its parts, or missing in all rows."""
    if column.name in frame.columns:
        return array_from_series(frame[column.name])
    parts = column.from_parts if isinstance(column, DatetimeColumn) else ()
    if parts and set(parts) <= set(frame.columns):
        return join_parts([array_from_series(frame[part]) for part in parts], reading)
    return pa.nulls(len(frame), pa.string())


def _find_nested(column: Column, frame: pd.DataFrame) -> npt.NDArray[np.bool_]:
    """Find lists and objects, which are no value of a column unless it is one of arrays.

    Alone in a column they cannot be cast; beside others they would pass for texts.
    """
    values = frame[column.name] if column.name in frame.columns else pd.Series()
    may_be_nested = values.dtype == object and not isinstance(column, TensorColumn)
    kinds = set(map(type, values)) if may_be_nested else ()
    if not any(issubclass(kind, list | dict) for kind in kinds):
        return np.zeros(len(frame), dtype=bool)
    return np.array([isinstance(each, list | dict) for each in values], dtype=bool)


def _to_frame(bundle: Bundle, arrays: list[pa.Array]) -> pd.DataFrame:
    return to_frame(pa.table(arrays, names=[column.name for column in bundle.columns]))


def _list_broken(
    bundle: Bundle, column: Column, source: pa.Array, words: str, mask: np.ndarray
) -> Iterator[_Broken]:
    is_fatal = bundle.serving.broken_rows == "refuse" and is_strict(column)
    # An array has no missing values that a network could be told of.
    is_fatal = is_fatal or isinstance(column, TensorColumn)
    for row in np.flatnonzero(mask):
        value = source[int(row)].as_py()
        shown = (
            "a value that is private"
            if column.private
            else show_value(value, has_private=bundle.has_private)
        )
        shown = "none" if value is None else shown
        yield _Broken(int(row), column, f"expected {words}, received {shown}", is_fatal)


def _refusal(bundle: Bundle, broken: list[_Broken], first_row: int) -> SchemaError:
    shown = "; ".join(
        f"row {first_row + one.row}, {one.column.name!r}: {one.text}" for one in broken[:EXAMPLES]
    )
    rows = len({one.row for one in broken})
    return SchemaError(
        f"the model {bundle.name} answers rows that keep its contract. Received: {rows} that "
        f"{'does' if rows == 1 else 'do'} not (rows count from 0): {shown}. Correct them, or set "
        "`serving: {broken_rows: warn}` in the pipeline's YAML and train again."
    )
