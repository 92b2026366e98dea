"""Arrays of fixed shape: nested lists, or lists written as text, flattened to one fixed length."""

import json
import math
from typing import Final

import numpy as np
import pyarrow as pa

TEXT_ELEMENT: Final = pa.float32()


def cast_tensor(values: pa.Array, shape: tuple[int, ...]) -> tuple[pa.Array, np.ndarray | None]:
    """Flatten each row's array in C order to `fixed_size_list<T>[prod(shape)]`.

    Args:
        values: Lists, nested or flat, or texts such as `[1, 2, 3]`.
        shape: Shape that every row's array must have.

    Returns:
        The arrays with the element type of the source (float32 for texts), and which cells have
        another size, a missing element, or are no array (None: no cell). A missing array is none:
        nothing could stand for it, and Parquet readers cannot read it back.
    """
    size = math.prod(shape)
    if pa.types.is_string(values.type):
        values = _parse_text(values)
    if not _is_list(values.type):
        return _none_of(values, pa.list_(TEXT_ELEMENT, size))
    flat, lengths = _flatten(values)
    element = _element_type(flat.type)
    if element is None:
        return _none_of(values, pa.list_(TEXT_ELEMENT, size))
    is_valid = values.is_valid().to_numpy(zero_copy_only=False)
    has_gap = _rows_with_null(flat, lengths)
    keep = is_valid & (lengths == size) & ~has_gap
    if keep.all():
        return pa.FixedSizeListArray.from_arrays(flat.cast(element), size), None
    kept = flat.filter(pa.array(np.repeat(keep, lengths)))
    lists = pa.FixedSizeListArray.from_arrays(kept.cast(element), size)
    places = pa.array(np.cumsum(keep) - 1, pa.int64(), mask=~keep)
    return lists.take(places), ~keep


def _flatten(values: pa.Array) -> tuple[pa.Array, np.ndarray]:
    """Return all elements in order, and how many each row has; a null row has none."""
    lengths = values.value_lengths().fill_null(0).to_numpy(zero_copy_only=False)
    inner = values.flatten()
    if not _is_list(inner.type):
        return inner, lengths.astype(np.int64)
    flat, inner_lengths = _flatten(inner)
    ends = np.concatenate([[0], np.cumsum(inner_lengths)])
    borders = np.concatenate([[0], np.cumsum(lengths)])
    return flat, np.diff(ends[borders])


def _rows_with_null(flat: pa.Array, lengths: np.ndarray) -> np.ndarray:
    if flat.null_count == 0:
        return np.zeros(len(lengths), dtype=bool)
    owner = np.repeat(np.arange(len(lengths)), lengths)
    nulls = flat.is_null().to_numpy(zero_copy_only=False)
    return np.bincount(owner[nulls], minlength=len(lengths)) > 0


def _element_type(kind: pa.DataType) -> pa.DataType | None:
    if pa.types.is_boolean(kind):
        return pa.uint8()
    if pa.types.is_integer(kind) or pa.types.is_floating(kind):
        return kind
    return TEXT_ELEMENT if pa.types.is_null(kind) or pa.types.is_decimal(kind) else None


def _is_list(kind: pa.DataType) -> bool:
    return bool(
        pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_fixed_size_list(kind)
    )


def _none_of(values: pa.Array, kind: pa.DataType) -> tuple[pa.Array, np.ndarray]:
    return pa.nulls(len(values), kind), np.ones(len(values), dtype=bool)


def _parse_text(values: pa.Array) -> pa.Array:
    """Read texts as lists; what is none becomes an empty list, which no shape accepts."""
    parsed = [None if text is None else _parse_list(text) for text in values.to_pylist()]
    return pa.array(parsed, pa.list_(TEXT_ELEMENT))


def _parse_list(text: str) -> list[float]:
    try:
        flat = np.asarray(json.loads(text)).ravel()
    except (ValueError, TypeError, RecursionError):
        return []
    return [float(number) for number in flat] if flat.dtype.kind in "biuf" else []
