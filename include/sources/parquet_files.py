"""Parquet files, row group by row group."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import pyarrow as pa
import pyarrow.parquet as pq
from upath import UPath

from include.errors import SourceError
from include.sources.batches import BATCH_ROWS, Batch, whole_batch
from include.specs.sources import FileOptions
from include.values.showing import shorten

BATCH_BYTES: Final = 32 * 1024**2


def read_parquet_columns(path: UPath, _: FileOptions, __: tuple[str, ...]) -> tuple[str, ...]:
    """Return the names of a Parquet file's columns.

    Raises:
        SourceError: The file is missing or not Parquet.
    """
    with _open(path) as file:
        return tuple(file.schema_arrow.names)


def read_parquet_batches(
    path: UPath, _: FileOptions, __: tuple[str, ...], wanted: tuple[str, ...]
) -> Iterator[Batch]:
    """Read the rows of a Parquet file in bounded batches; lines are row numbers from 1."""
    line = 1
    with _open(path) as file:
        metadata = file.metadata
        size = sum(metadata.row_group(one).total_byte_size for one in range(file.num_row_groups))
        per_row = max(1, size // max(1, metadata.num_rows))
        batch_rows = max(1, min(2 * BATCH_ROWS, BATCH_BYTES // per_row))
        for batch in file.iter_batches(batch_rows, columns=list(wanted)):
            rows = pa.Table.from_batches([batch]).select(list(wanted))
            yield whole_batch(rows, line, file=path.name)
            line += rows.num_rows


@contextmanager
def _open(path: UPath) -> Iterator[pq.ParquetFile]:
    try:
        with path.open("rb") as raw, pq.ParquetFile(raw, pre_buffer=False) as file:
            yield file
    except FileNotFoundError as error:
        raise SourceError(
            f"expected a source file. Received: {shorten(path.name)}, which is missing. "
            "Check source.uri."
        ) from error
    except (pa.ArrowInvalid, pa.ArrowIOError, OSError) as error:
        raise SourceError(
            f"expected a whole Parquet file. Received: {shorten(path.name)} "
            f"({str(error)[:200]}). Write the file again, or set source.format."
        ) from error
