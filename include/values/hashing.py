"""Hashes of values and rows that stay the same across runs, machines and library versions.

Splits, duplicate detection and sampling all rest on them, so the method is written out here
rather than borrowed from a library that may change it. A 64-bit value is mixed with the
finaliser of SplitMix64 (Steele, Lea and Flood 2014). Fixed-size values are hashed as their bits,
texts as the wrapping sum of mixed (position, byte) pairs, arrays as the wrapping sum of mixed
(position, 8-byte word) pairs. Among five million rows the chance of any collision is below 1e-6.
"""

from functools import cache
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from include.values.frames import Rows, Values, one_array, to_table
from include.values.texts import are_repeated

Hashes = npt.NDArray[np.uint64]
Bytes = npt.NDArray[np.uint8]
Places = npt.NDArray[np.int64]

NULL_HASH: Final = np.uint64(0x6E756C6C6E756C6C)
_GOLDEN: Final = np.uint64(0x9E3779B97F4A7C15)
_FIRST: Final = np.uint64(0xBF58476D1CE4E5B9)
_SECOND: Final = np.uint64(0x94D049BB133111EB)
_TO_UNIT: Final = 2.0**-53
_SHORT_TEXT: Final = 32
_BLOCK: Final = 65_536


def mix64(values: Hashes) -> Hashes:
    """Spread 64-bit values evenly over all 64-bit values (a bijection).

    Example:
        >>> mix64(np.array([0, 1], dtype=np.uint64)).tolist()
        [16294208416658607535, 10451216379200822465]
    """
    # In place from here on: these arrays have one element per row of a table.
    mixed = values + _GOLDEN
    mixed ^= mixed >> np.uint64(30)
    mixed *= _FIRST
    mixed ^= mixed >> np.uint64(27)
    mixed *= _SECOND
    mixed ^= mixed >> np.uint64(31)
    return np.asarray(mixed, dtype=np.uint64)


def hash_values(values: Values) -> Hashes:
    """Hash each value of a column by its type at rest; missing values share one hash."""
    array = one_array(values)
    kind = array.type
    if pa.types.is_fixed_size_list(kind):
        hashes = _hash_rows_of_bytes(list_bytes(array))
    elif pa.types.is_string(kind) or pa.types.is_large_string(kind):
        hashes = _hash_texts(array)
    elif pa.types.is_floating(kind):
        # Adding zero turns -0.0 into 0.0: equal numbers must have equal hashes.
        values = _fill(array.cast(pa.float64()), 0.0) + 0.0
        hashes = mix64(values.view(np.uint64))
    else:
        whole = array if pa.types.is_integer(kind) else _as_integers(array)
        values = _fill(whole.cast(pa.int64(), safe=False), 0)
        hashes = mix64(values.view(np.uint64))
    if array.null_count:
        hashes[pc.is_null(array).to_numpy(zero_copy_only=False)] = NULL_HASH
    return hashes


def hash_rows(rows: Rows, columns: tuple[str, ...]) -> Hashes:
    """Hash rows over the named columns; the order of the columns does not matter."""
    return mix64(sum_hashes(to_table(rows, columns)))


def hash_table(table: pa.Table) -> Hashes:
    """Hash the rows of an Arrow table over all its columns, whatever their order."""
    return mix64(sum_hashes(table))


def sum_hashes(table: pa.Table) -> Hashes:
    """Sum what each column adds to the hash of its row: sums over columns apart can be added."""
    total = np.zeros(table.num_rows, dtype=np.uint64)
    for name, column in zip(table.column_names, table.columns, strict=True):
        hashes = hash_values(column)
        hashes ^= _salt(name)
        total += mix64(hashes)
    return total


@cache
def _salt(name: str) -> np.uint64:
    return np.uint64(hash_values(pa.array([name]))[0])


def to_unit_interval(hashes: Hashes, *, seed: int) -> npt.NDArray[np.float64]:
    """Turn hashes into even numbers in [0, 1), another sequence for every seed."""
    salt = mix64(np.array([seed], dtype=np.uint64))
    shares = np.empty(len(hashes))
    for start in range(0, len(hashes), _BLOCK):  # what fits into a processor's cache
        rows = slice(start, start + _BLOCK)
        np.multiply(mix64(hashes[rows] ^ salt) >> np.uint64(11), _TO_UNIT, out=shares[rows])
    return shares


def _fill(array: pa.Array, value: float) -> npt.NDArray[Any]:
    filled = array.fill_null(value) if array.null_count else array
    return np.asarray(filled.to_numpy(zero_copy_only=False))


def _as_integers(array: pa.Array) -> pa.Array:
    if pa.types.is_boolean(array.type):
        return array.cast(pa.uint8())
    if pa.types.is_timestamp(array.type):
        return array.cast(pa.timestamp("us", array.type.tz), safe=False).cast(pa.int64())
    raise TypeError(f"expected a type that tables hold at rest. Received: {array.type}")


def _hash_texts(array: pa.Array) -> Hashes:
    texts = array.fill_null("") if array.null_count else array
    if not are_repeated(texts):
        return _hash_each_text(texts)
    # Categories repeat: hashing distinct values only is many times faster.
    encoded = texts.dictionary_encode()
    indices = encoded.indices.to_numpy(zero_copy_only=False)
    return np.asarray(_hash_each_text(encoded.dictionary)[indices])


def _hash_each_text(array: pa.StringArray | pa.LargeStringArray) -> Hashes:
    _, offset_buffer, byte_buffer = array.buffers()
    width = np.int32 if pa.types.is_string(array.type) else np.int64
    offsets = np.frombuffer(offset_buffer or bytes(8), dtype=width).astype(np.int64)
    offsets = offsets[array.offset : array.offset + len(array) + 1]
    lengths = np.diff(offsets)
    sums = np.zeros(len(array), dtype=np.uint64)
    longest = lengths.max(initial=0)
    if longest:
        data = np.frombuffer(byte_buffer, dtype=np.uint8)[offsets[0] : offsets[-1]]
        starts = offsets[:-1] - offsets[0]
        add = _add_by_position if longest <= _SHORT_TEXT else _add_by_text
        add(sums, data, starts, lengths)
    return mix64(sums + lengths.astype(np.uint64) * _GOLDEN)


def _add_by_position(sums: Hashes, data: Bytes, starts: Places, lengths: Places) -> None:
    """Add up mixed (position, byte) pairs of short texts, the first bytes of all texts first."""
    for position, mixed in enumerate(_mixed_pairs()[: lengths.max()]):
        rows = slice(None) if position < lengths.min() else np.flatnonzero(lengths > position)
        sums[rows] += mixed.take(data.take(starts[rows] + position))


def _add_by_text(sums: Hashes, data: Bytes, starts: Places, lengths: Places) -> None:
    """Add up mixed (position, byte) pairs of texts of any length, text by text."""
    filled = lengths > 0
    position = np.arange(len(data), dtype=np.int64) - np.repeat(starts, lengths)
    pairs = mix64((position * 256 + data).view(np.uint64))
    sums[filled] = np.add.reduceat(pairs, starts[filled])


@cache
def _mixed_pairs() -> Hashes:
    return mix64(np.arange(_SHORT_TEXT * 256, dtype=np.uint64)).reshape(_SHORT_TEXT, 256)


def list_bytes(array: pa.FixedSizeListArray) -> npt.NDArray[np.uint8]:
    """Give the bytes of arrays of one length, a row each; a missing element counts as 0."""
    size = array.type.list_size
    elements = array.values.slice(array.offset * size, len(array) * size)
    numbers = elements.fill_null(0).to_numpy(zero_copy_only=False)
    return np.ascontiguousarray(numbers).reshape(len(array), size).view(np.uint8)


def _hash_rows_of_bytes(rows: npt.NDArray[np.uint8]) -> Hashes:
    missing = -rows.shape[1] % 8
    if missing:
        rows = np.pad(rows, ((0, 0), (0, missing)))
    words = rows.view(np.uint64)
    position = mix64(np.arange(words.shape[1], dtype=np.uint64))
    return mix64(mix64(words ^ position).sum(axis=1, dtype=np.uint64))
