"""The digest of a table's rows: the key of what is addressed by content.

It looks at values, types and order only, so that neither the file format, nor the size of batches
or files, nor the compression changes it.
"""

import hashlib
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from include.tables.digests import KEY_LENGTH


class ContentDigest:
    """A running digest of rows: the same for the same rows, however they are cut into batches.

    Each column feeds up to three streams (which cells are missing, how long, which bytes), and
    only streams are hashed, so batch borders leave no trace.
    """

    def __init__(self) -> None:
        self._streams: dict[str, Any] = {}
        self._types: dict[str, str] = {}

    def update(self, rows: pa.Table, part: str = "") -> None:
        """Take in the next rows of a part."""
        for field, column in zip(rows.schema, rows.columns, strict=True):
            name = f"{part}/{field.name}"
            for chunk in column.chunks or [pa.array([], field.type)]:
                self._take(name, chunk)

    def hexdigest(self) -> str:
        """Return the first 32 hexadecimal characters of the digest of all rows so far."""
        lines = [
            f"{name}|{self._types.get(name, '')}|{stream.hexdigest()}"
            for name, stream in self._streams.items()
        ]
        return hashlib.sha256("\n".join(lines).encode()).hexdigest()[:KEY_LENGTH]

    def _feed(self, name: str, data: Any) -> None:
        if name not in self._streams:
            self._streams[name] = hashlib.sha256()
        self._streams[name].update(data)

    def _take(self, name: str, values: pa.Array) -> None:
        values = _simple(values)
        self._types[name] = str(values.type)
        self._feed(name, _mark_present(values))
        if pa.types.is_fixed_size_list(values.type):
            self._take(f"{name}[]", values.flatten())
        elif pa.types.is_list(values.type):
            self._feed(f"{name}#", _lengths(pc.list_value_length(values)))
            self._take(f"{name}[]", values.flatten())
        elif pa.types.is_string(values.type) or pa.types.is_binary(values.type):
            self._take_text(name, values)
        else:
            self._feed(f"{name}=", _fixed_width_bytes(values))

    def _take_text(self, name: str, values: pa.Array) -> None:
        filled = values.fill_null("") if values.null_count else values
        self._feed(f"{name}#", _lengths(pc.binary_length(filled)))
        offsets = np.frombuffer(filled.buffers()[1] or b"", dtype=np.int32)
        ends = offsets[[filled.offset, filled.offset + len(filled)]] if len(filled) else (0, 0)
        first, last = ends
        data = filled.buffers()[2]
        # An empty stream exists as well, so that the order of streams is that of the columns.
        self._feed(f"{name}=", memoryview(data or b"")[int(first) : int(last)])


def _simple(values: pa.Array) -> pa.Array:
    kind = values.type
    if pa.types.is_dictionary(kind):
        return _simple(values.dictionary_decode())
    if pa.types.is_large_string(kind) or pa.types.is_string_view(kind):
        return values.cast(pa.string())
    nested = pa.types.is_list(kind) or pa.types.is_fixed_size_list(kind)
    if nested or pa.types.is_string(kind) or pa.types.is_binary(kind):
        return values
    if pa.types.is_boolean(kind) or pa.types.is_integer(kind) or pa.types.is_floating(kind):
        return values
    if pa.types.is_timestamp(kind):
        return values
    return values.cast(pa.string())


def _mark_present(values: pa.Array) -> Any:
    """Give 1 for each value and 0 for each that is missing."""
    if not values.null_count:
        return np.ones(len(values), dtype=np.uint8)
    return values.is_valid().to_numpy(zero_copy_only=False).view(np.uint8)


def _lengths(lengths: pa.Array) -> Any:
    return lengths.fill_null(0).cast(pa.int64()).to_numpy(zero_copy_only=False)


def _fixed_width_bytes(values: pa.Array) -> Any:
    if pa.types.is_timestamp(values.type):
        values = values.cast(pa.int64())
    if values.null_count:
        values = values.fill_null(pa.scalar(0).cast(values.type))
    array = values.to_numpy(zero_copy_only=False)
    return np.ascontiguousarray(array).view(np.uint8)
