"""From the features table to arrays: one copy, in memory or, if it does not fit, on disk."""

import tempfile
from collections.abc import Iterable
from math import prod
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from include.modeling.arrays import Arrays
from include.modeling.memory import total_bytes
from include.records import FeatureSchema, TableRef
from include.records.names import SCHEMA, TARGET
from include.tables.store import iter_batches, read_file, read_table

BATCH_BYTES: Final = 32 << 20
# Beyond this share of the machine's memory, arrays lie in files that the system pages in.
MEMORY_SHARE: Final = 0.4


def read_schema(features: TableRef) -> FeatureSchema:
    """Read what the network takes in and gives out."""
    return FeatureSchema.model_validate_json(read_file(features, SCHEMA))


def read_arrays(
    features: TableRef,
    schema: FeatureSchema,
    part: str,
    *,
    scratch: Path | None = None,
    keep: npt.NDArray[np.bool_] | None = None,
) -> Arrays:
    """Read a part of the features table.

    Args:
        features: The table.
        schema: Its inputs.
        part: train, validation or test.
        scratch: Directory for arrays larger than memory should hold; their files vanish with
            the arrays. None always keeps them in memory.
        keep: Which rows of the part to read, one truth a row; None reads all.
    """
    rows = features.parts.get(part, 0) if keep is None else int(np.count_nonzero(keep))
    columns = _columns(schema)
    row_bytes = _row_bytes(schema)
    place = scratch if _is_large(rows * row_bytes) else None
    arrays = {
        name: _allocate((rows, *shape), kind, place) for name, (shape, kind) in columns.items()
    }
    batch_rows = max(1, min(65_536, BATCH_BYTES // row_bytes))
    start = seen = 0
    for batch in iter_batches(features, list(arrays), part, batch_rows=batch_rows):
        chosen = None if keep is None else keep[seen : seen + batch.num_rows]
        seen += batch.num_rows
        count = batch.num_rows if chosen is None else int(np.count_nonzero(chosen))
        for name, array in arrays.items():
            target = array[start : start + count]
            values = _to_numpy(batch.column(name)).reshape(batch.num_rows, *array.shape[1:])
            target[:] = values if chosen is None else values[chosen]
        start += count
    y = arrays.pop(TARGET)
    return Arrays(arrays, y)


def held_bytes(features: TableRef, schema: FeatureSchema, parts: Iterable[str]) -> int:
    """Give the memory that the arrays of some parts will take; what lies in files takes none."""
    sizes = (features.parts.get(part, 0) * _row_bytes(schema) for part in parts)
    return sum(size for size in sizes if not _is_large(size))


def _columns(schema: FeatureSchema) -> dict[str, tuple[tuple[int, ...], np.dtype[Any]]]:
    """Give shape and type of a row's value by column, the target last."""
    target = np.dtype(np.float64 if schema.task == "regression" else np.int32)
    inputs = {each.name: (each.shape, np.dtype(each.dtype)) for each in schema.inputs}
    return {**inputs, TARGET: ((), target)}


def _row_bytes(schema: FeatureSchema) -> int:
    return sum(prod(shape) * kind.itemsize for shape, kind in _columns(schema).values())


def _is_large(size: float) -> bool:
    return size > MEMORY_SHARE * total_bytes()


def read_target(features: TableRef, part: str) -> npt.NDArray[Any]:
    """Read the target of a part alone."""
    return _to_numpy(read_table(features, [TARGET], part).column(TARGET))


def _allocate(
    shape: tuple[int, ...], kind: "np.dtype[Any]", scratch: Path | None
) -> npt.NDArray[Any]:
    if scratch is None or not shape[0]:
        return np.empty(shape, kind)
    scratch.mkdir(parents=True, exist_ok=True)
    # Without a name from the start: the space is free again however this process ends.
    with tempfile.TemporaryFile(dir=scratch) as file:
        return np.memmap(file, kind, "w+", shape=shape)


def _to_numpy(column: pa.ChunkedArray) -> npt.NDArray[Any]:
    values = column.combine_chunks()
    if pa.types.is_fixed_size_list(values.type):
        values = values.flatten()
    return np.asarray(values.to_numpy(zero_copy_only=False))
