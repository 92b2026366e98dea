"""How the analysis treats each column, and batches in the form it works on."""

from typing import Final

import numpy as np
import pandas as pd
import pyarrow as pa

from include.records.analysis import Role
from include.specs import Column, PipelineSpec
from include.values.hashing import Hashes, hash_rows, hash_values

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


def is_in_time(spec: PipelineSpec) -> bool:
    """Tell whether the order of the rows means something, so that there is a value before."""
    has_time = any(c.kind == "datetime" and not c.private for c in spec.stored_columns)
    return has_time or bool(spec.cleaning.order_by or list_filled(spec))


def name_groups(spec: PipelineSpec, raw: pd.DataFrame) -> pd.Series | None:
    """Name the group of each row by a hash; rows without one are a group of their own."""
    name = spec.cleaning.group_by
    return None if name is None else pd.Series(hash_values(raw[name]), index=raw.index)


def hash_whole_rows(spec: PipelineSpec, raw: pd.DataFrame) -> Hashes:
    """Hash each row over all stored columns, as `prepare` compares rows."""
    return hash_rows(raw, tuple(c.name for c in spec.stored_columns if c.name in raw))


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
