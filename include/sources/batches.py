"""What every reader of a source gives: rows in order, and the rows it could not read."""

from collections.abc import Callable, Generator, Iterator
from typing import NamedTuple

import numpy as np
import pyarrow as pa

from include.values.reading import Reading

BATCH_ROWS = 65_536
TEXT_LIMIT = 500


class Reject(NamedTuple):
    """A row, or one cell of it, that could not be read."""

    position: int
    line: int
    column: str
    rule: str
    reason: str
    text: str


class Batch(NamedTuple):
    """The next rows of a source, with the names and types that the source has.

    Positions count all records of the batch, those that were rejected too, so that a row keeps
    its place in the source. Lines count from 1 in the file; where a source has no lines, they
    are the number of the row in it.
    """

    rows: pa.Table
    positions: np.ndarray
    lines: np.ndarray
    records: int
    rejects: tuple[Reject, ...] = ()
    file: str = ""
    part: str = ""
    texts: Callable[[int], str] | None = None


class OpenedSource(NamedTuple):
    """A source whose columns are known and whose rows have not been read yet.

    `read` takes the columns wanted and gives the batches. With `has_open_rows` a row may lack any
    column, as a JSON object may; what it lacks is missing. Name and digest are those it was found
    with.
    """

    columns: tuple[str, ...]
    read: Callable[[tuple[str, ...]], Iterator[Batch]]
    reading: Reading
    parts: tuple[str, ...] = ()
    has_open_rows: bool = False
    name: str = ""
    digest: str | None = None


def whole_batch(rows: pa.Table, first_line: int, *, file: str = "", part: str = "") -> Batch:
    """Build the batch of a source whose every record is a readable row."""
    count = rows.num_rows
    return Batch(
        rows=rows,
        positions=np.arange(count, dtype=np.int64),
        lines=np.arange(first_line, first_line + count, dtype=np.int64),
        records=count,
        file=file,
        part=part,
    )


def limit_batches(batches: Iterator[Batch], limit: int | None) -> Generator[Batch, None, None]:
    """Stop after so many records, cutting the last batch."""
    left = limit
    for batch in batches:
        if left is None or batch.records <= left:
            yield batch
        else:
            yield cut_batch(batch, left)
        if left is not None:
            left -= min(left, batch.records)
            if left == 0:
                return


def cut_batch(batch: Batch, records: int) -> Batch:
    """Keep the first records of a batch."""
    rows = int(np.searchsorted(batch.positions, records))
    return batch._replace(
        rows=batch.rows.slice(0, rows),
        positions=batch.positions[:rows],
        lines=batch.lines[:rows],
        records=records,
        rejects=tuple(reject for reject in batch.rejects if reject.position < records),
    )
