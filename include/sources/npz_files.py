"""Arrays in an `.npz` archive, streamed row by row; nothing in it is ever unpickled.

The layout is that of `keras.datasets`: x_train, y_train, x_test, y_test; or one array per column.
"""

import math
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO, Final, NamedTuple

import numpy as np
import pyarrow as pa
from upath import UPath

from include.errors import SchemaError, SourceError
from include.sources.batches import BATCH_ROWS, Batch, whole_batch
from include.specs.sources import FileOptions
from include.values.showing import shorten

PARTS: Final = ("train", "test")
BATCH_BYTES: Final = 32 * 1024**2


class ArrayHeader(NamedTuple):
    """Shape and type of an array in the archive."""

    shape: tuple[int, ...]
    is_fortran: bool
    dtype: np.dtype


def list_array_columns(
    path: UPath, options: FileOptions
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the columns that an archive's arrays make, and the parts it divides into.

    Raises:
        SourceError: The file is missing or no archive of arrays.
    """
    with _open(path) as archive:
        names = {name.removesuffix(".npy") for name in archive.namelist()}
    stems = {name.removesuffix("_train") for name in names if name.endswith("_train")}
    divided = {stem for stem in stems if f"{stem}_test" in names}
    parts = PARTS if divided else ()
    found = divided or names
    by_stem = {stem: column for column, stem in options.keys.items()}
    return tuple(by_stem.get(stem, stem) for stem in sorted(found)), parts


def read_array_batches(
    path: UPath, options: FileOptions, wanted: tuple[str, ...], part: str
) -> Iterator[Batch]:
    """Read the rows of one part of an archive.

    Raises:
        SchemaError: Arrays differ in length.
        SourceError: An array holds Python objects, or the archive is damaged.
    """
    ending = f"_{part}" if part else ""
    stems = {name: f"{options.keys.get(name, name)}{ending}" for name in wanted}
    with _open(path) as archive:
        headers = {name: _read_header(archive, stem) for name, stem in stems.items()}
        rows = _count_rows(headers, stems)
        row_bytes = sum(_row_bytes(header) for header in headers.values())
        step = max(1, min(BATCH_ROWS, BATCH_BYTES // max(1, row_bytes)))
        columns = [_iter_rows(archive, stems[name], headers[name], step) for name in wanted]
        for start in range(0, rows, step):
            arrays = [_to_arrow(next(column)) for column in columns]
            batch = whole_batch(pa.table(arrays, names=list(wanted)), start + 1, file=path.name)
            yield batch._replace(part=part)


def _count_rows(headers: dict[str, ArrayHeader], stems: dict[str, str]) -> int:
    lengths = {stems[name]: header.shape[0] for name, header in headers.items() if header.shape}
    if len(lengths) != len(headers) or len(set(lengths.values())) > 1:
        raise SchemaError(
            f"expected arrays of one length. Received: {lengths}. Write the archive again."
        )
    return next(iter(lengths.values()), 0)


def _row_bytes(header: ArrayHeader) -> int:
    return math.prod(header.shape[1:]) * header.dtype.itemsize


def _read_header(archive: zipfile.ZipFile, stem: str) -> ArrayHeader:
    with archive.open(f"{stem}.npy") as file:
        header = _parse_header(file)
    if header.dtype.hasobject:
        raise SourceError(
            "expected arrays of numbers or texts. "
            f"Received: {shorten(stem)}, which holds pickled Python objects; these are never "
            "loaded. Convert it with astype before saving."
        )
    return header


def _parse_header(file: IO[bytes]) -> ArrayHeader:
    version = np.lib.format.read_magic(file)
    read = {
        (1, 0): np.lib.format.read_array_header_1_0,
        (2, 0): np.lib.format.read_array_header_2_0,
    }.get(version)
    if read is None:
        raise ValueError(f"array format {version}")
    return ArrayHeader(*read(file))


def _iter_rows(
    archive: zipfile.ZipFile, stem: str, header: ArrayHeader, step: int
) -> Iterator[np.ndarray]:
    with archive.open(f"{stem}.npy") as file:
        _parse_header(file)
        if header.is_fortran and len(header.shape) > 1:
            # Column order cannot be read by rows: this one array is loaded whole.
            data = file.read()
            whole = np.frombuffer(data, header.dtype).reshape(header.shape, order="F")
            for start in range(0, len(whole), step):
                yield np.ascontiguousarray(whole[start : start + step])
            return
        left, row_bytes = header.shape[0], _row_bytes(header)
        while left > 0:
            count = min(step, left)
            rows = np.frombuffer(_read_exactly(file, count * row_bytes), header.dtype)
            yield rows.reshape(count, *header.shape[1:])
            left -= count


def _read_exactly(file: IO[bytes], size: int) -> bytes:
    data = file.read(size)
    if len(data) != size:
        raise ValueError(f"{size - len(data)} bytes are missing")
    return data


def _to_arrow(rows: np.ndarray) -> pa.Array:
    if rows.dtype.byteorder == ">":
        rows = rows.astype(rows.dtype.newbyteorder("="))
    if rows.dtype.kind in "SU":
        return pa.array(rows.astype(str).tolist(), pa.string())
    if rows.ndim == 1:
        return pa.array(rows)
    size = math.prod(rows.shape[1:])
    return pa.FixedSizeListArray.from_arrays(pa.array(rows.ravel()), size)


@contextmanager
def _open(path: UPath) -> Iterator[zipfile.ZipFile]:
    name = shorten(path.name)
    try:
        with path.open("rb") as raw, zipfile.ZipFile(raw) as archive:
            yield archive
    except FileNotFoundError as error:
        raise SourceError(
            f"expected a source file. Received: {name}, which is missing. Check source.uri."
        ) from error
    except (zipfile.BadZipFile, EOFError, ValueError, OSError) as error:
        raise SourceError(
            f"expected a whole .npz archive of arrays. Received: {name} ({str(error)[:200]}). "
            "Copy or write the file again."
        ) from error
