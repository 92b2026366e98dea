"""Reading tables at rest: as Arrow, as pandas frames, or batch by batch in bounded memory."""

import json
import sys
from collections.abc import Generator, Iterator, Sequence
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from include.errors import DataError
from include.records import TableRef
from include.tables.layout import MANIFEST, is_local, open_root
from include.tables.packing import unpack
from include.values.frames import to_frame
from include.values.overlap import read_ahead


def read_manifest(ref: TableRef) -> dict[str, Any]:
    """Read what a table says of itself.

    Raises:
        DataError: The table is gone or unreadable.
    """
    path = open_root(ref.uri) / MANIFEST
    try:
        manifest: dict[str, Any] = json.loads(path.read_bytes())
    except (OSError, ValueError) as error:
        raise DataError(
            f"expected a table with a {MANIFEST}. Received: {ref.uri} ({error}). "
            "Run the step that makes it again."
        ) from error
    return manifest


def parquet_files(ref: TableRef, part: str = "") -> list[str]:
    """Return the places of a table's Parquet files in row order.

    Args:
        ref: The table.
        part: One part; all of them unless given.
    """
    root = ref.uri.rstrip("/")
    return [f"{root}/{file['name']}" for file in _files(read_manifest(ref), part)]


def read_file(ref: TableRef, name: str) -> bytes:
    """Read a file that the table's step added, such as `preprocessor.json`."""
    return bytes((open_root(ref.uri) / name).read_bytes())


def read_table(ref: TableRef, columns: Sequence[str] | None = None, part: str = "") -> pa.Table:
    """Read a table, or one part of it, into Arrow memory.

    Args:
        ref: The table.
        columns: Columns in the order wanted; all unless given.
        part: One part; all of them unless given, which needs parts of the same columns.
    """
    tables = []
    for place in parquet_files(ref, part):
        with _open(place) as file:
            tables.append(unpack(file.read(columns=_listed(columns))))
    if not tables:
        raise _unknown_part(ref, part)
    table = pa.concat_tables(tables)
    return table.select(list(columns)) if columns is not None else table


def iter_batches(
    ref: TableRef,
    columns: Sequence[str] | None = None,
    part: str = "",
    *,
    batch_rows: int = 65_536,
) -> Iterator[pa.Table]:
    """Read a table batch by batch in row order.

    Yields:
        Arrow tables of at most `batch_rows` rows; none for an empty table.
    """
    return read_ahead(_iter_batches(ref, columns, part, batch_rows))


def _iter_batches(
    ref: TableRef,
    columns: Sequence[str] | None,
    part: str,
    batch_rows: int,
    stretch: tuple[int, int] | None = None,
) -> Generator[pa.Table, None, None]:
    start, stop = stretch or (0, sys.maxsize)
    position = 0
    for place in parquet_files(ref, part):
        with _open(place) as file:
            sizes = [file.metadata.row_group(n).num_rows for n in range(file.num_row_groups)]
            begins = [position + sum(sizes[:n]) for n in range(len(sizes))]
            wanted = [n for n, at in enumerate(begins) if at < stop and at + sizes[n] > start]
            position += sum(sizes)
            if not wanted:
                continue
            at = begins[wanted[0]]
            for batch in file.iter_batches(batch_rows, wanted, columns=_listed(columns)):
                kept = batch.slice(max(0, start - at), max(0, stop - max(start, at)))
                at += len(batch)
                if len(kept):
                    rows = unpack(pa.Table.from_batches([kept]))
                    yield rows.select(list(columns)) if columns is not None else rows


def read_frame(ref: TableRef, columns: Sequence[str] | None = None, part: str = "") -> pd.DataFrame:
    """Read a table, or one part of it, as a pandas frame."""
    return to_frame(read_table(ref, columns, part), _columns_with_nulls(ref))


def iter_frames(
    ref: TableRef,
    columns: Sequence[str] | None = None,
    part: str = "",
    batch_rows: int = 65_536,
    stretch: tuple[int, int] | None = None,
) -> Iterator[pd.DataFrame]:
    """Read a table as pandas frames, batch by batch in row order.

    A column has the same dtype in every batch: Int64 or boolean where any batch has nulls.

    Args:
        ref: The table.
        columns: Columns in the order wanted; all unless given.
        part: One part; all of them unless given.
        batch_rows: Most rows of a batch.
        stretch: First row and the row behind the last; all rows unless given.
    """
    with_nulls = _columns_with_nulls(ref)
    batches = _iter_batches(ref, columns, part, batch_rows, stretch)
    for rows in read_ahead(batches):
        yield to_frame(rows, with_nulls)


def _files(manifest: dict[str, Any], part: str) -> list[dict[str, Any]]:
    return [file for file in manifest["files"] if not part or file["part"] == part]


def _columns_with_nulls(ref: TableRef) -> frozenset[str]:
    return frozenset(name for name, count in read_manifest(ref)["nulls"].items() if count)


def _open(place: str) -> pq.ParquetFile:
    path = open_root(place)
    source = place.removeprefix("file://") if is_local(path) else path.open("rb")
    # Read ahead as a whole, a file would be in memory once more.
    return pq.ParquetFile(source, pre_buffer=False)


def _listed(columns: Sequence[str] | None) -> list[str] | None:
    return None if columns is None else list(columns)


def _unknown_part(ref: TableRef, part: str) -> DataError:
    return DataError(
        f"expected one of the parts {sorted(ref.parts)}. Received: part={part!r} of {ref.uri}."
    )
