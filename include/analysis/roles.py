"""How the analysis treats each column, and batches in the form it works on."""

from typing import Final

import numpy as np
import pandas as pd
import pyarrow as pa

from include.records.analysis import Role
from include.specs import Column, PipelineSpec
from include.specs.names import PART

# Odd, so that multiplying by it loses nothing modulo 2^64.
STIR: Final = np.uint64(0x9E3779B97F4A7C15)
# Eight bytes an element while hashing: few rows of an image at a time.
BLOCK_ROWS: Final = 2_048
ROLES: Final[dict[str, Role]] = {
    "number": "number",
    "integer": "number",
    "boolean": "category",
    "category": "category",
    "datetime": "datetime",
    "text": "number",
    "tensor": "number",
    "id": "id",
}


def read_roles(spec: PipelineSpec) -> dict[str, Role]:
    """Name the role of each stored column; of private ones no value is looked at."""
    return {column.name: role_of(column) for column in spec.stored_columns}


def role_of(column: Column) -> Role:
    """Tell how a column is treated; texts stand in by their length, tensors by their mean."""
    return "private" if column.private else ROLES[column.kind]


def has_values(role: Role) -> bool:
    """Tell whether the analysis looks at the values of a column of this role."""
    return role in {"number", "category", "datetime"}


def list_filled(spec: PipelineSpec) -> tuple[str, ...]:
    """List the columns that the pipeline fills forward, by `cleaning` or by their own `fill`."""
    by_fill = (
        column.name for column in spec.stored_columns if getattr(column, "fill", "") == "forward"
    )
    return tuple(dict.fromkeys((*spec.cleaning.forward_fill, *by_fill)))


def name_groups(spec: PipelineSpec, raw: pd.DataFrame) -> pd.Series | None:
    """Name the group of each row by a hash; rows without one are a group of their own."""
    name = spec.cleaning.group_by
    return None if name is None else pd.util.hash_pandas_object(raw[name], index=False)


def simplify(spec: PipelineSpec, raw: pd.DataFrame) -> pd.DataFrame:
    """Make numbers float64, categories text, times times; leave out all other columns."""
    columns: dict[str, pd.Series] = {}
    for column in spec.stored_columns:
        role = role_of(column)
        if column.name not in raw or not has_values(role):
            continue
        values = raw[column.name]
        if role == "number":
            columns[column.name] = pd.Series(_numbers(column, values), index=raw.index)
        elif column.kind == "boolean":
            columns[column.name] = values.map({True: "true", False: "false"}).astype("str")
        else:
            columns[column.name] = values
    return pd.DataFrame(columns, index=raw.index)


def hash_rows(spec: PipelineSpec, raw: pd.DataFrame) -> np.ndarray:
    """Hash each row over all stored columns, so that equal rows have equal hashes.

    Rows of different parts (train and test files) count as different.
    """
    names = [column.name for column in spec.stored_columns]
    total = np.zeros(len(raw), dtype=np.uint64)
    for name in [name for name in (*names, PART) if name in raw]:
        column = spec.column_by_name.get(name)
        is_tensor = column is not None and column.kind == "tensor" and not column.private
        hashed = _hash_tensors(raw[name]) if is_tensor else _hash_column(raw[name])
        total = (total ^ hashed) * STIR
        total ^= total >> np.uint64(29)
    return total


def _numbers(column: Column, values: pd.Series) -> np.ndarray:
    if column.kind == "text":
        return values.str.len().to_numpy(dtype=np.float64, na_value=np.nan)
    if column.kind == "tensor":
        elements = _elements(values)
        return np.asarray(elements.mean(axis=1, dtype=np.float64))
    numbers = values.to_numpy(dtype=np.float64, na_value=np.nan)
    return np.where(np.isfinite(numbers), numbers, np.nan)


def _elements(values: pd.Series) -> np.ndarray:
    """Lay out a column of fixed-size lists as one row of elements each; nulls become zeros."""
    array = pa.array(values)
    if isinstance(array, pa.ChunkedArray):
        array = array.combine_chunks()
    present = array.flatten().to_numpy(zero_copy_only=False)  # leaves nulls out
    if array.null_count == 0:
        return np.asarray(present.reshape(len(array), array.type.list_size))
    elements = np.zeros((len(array), array.type.list_size), dtype=present.dtype)
    elements[array.is_valid().to_numpy(zero_copy_only=False)] = present.reshape(
        -1, array.type.list_size
    )
    return elements


def _hash_tensors(values: pd.Series) -> np.ndarray:
    elements = np.ascontiguousarray(_elements(values))
    octets = elements.view(np.uint8).reshape(len(elements), -1)
    weights = pd.util.hash_array(np.arange(octets.shape[1], dtype=np.int64)) | np.uint64(1)
    blocks = range(0, len(octets), BLOCK_ROWS)
    return np.concatenate(
        [octets[start : start + BLOCK_ROWS].astype(np.uint64) @ weights for start in blocks]
        or [np.zeros(0, dtype=np.uint64)]
    )


def _hash_column(values: pd.Series) -> np.ndarray:
    return pd.util.hash_pandas_object(values, index=False).to_numpy()
