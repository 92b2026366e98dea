"""The tables that `validate` leaves: the rows that go on, and those in quarantine."""

import json
from collections.abc import Iterator
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from include.records import IngestRecord, TableRef
from include.sources.batches import TEXT_LIMIT
from include.sources.row_casting import REJECTED_SCHEMA
from include.specs.names import ROW_ID
from include.tables.store import iter_batches
from include.tables.writer import TableWriter


def write_kept_rows(raw: TableRef, moved: pa.Table, writer: TableWriter) -> None:
    """Write the rows that were not moved; without any, the raw files themselves are taken over."""
    if not len(moved):
        writer.adopt(raw)
        return
    for rows in iter_batches(raw):
        writer.append(rows.filter(pc.invert(_is_moved(rows, moved))))


def write_quarantine(ingested: IngestRecord, moved: pa.Table, writer: TableWriter) -> None:
    """Write the rows that could not be read, then those that a rule moved, each with its reason."""
    if ingested.rejected is not None:
        for rows in iter_batches(ingested.rejected):
            writer.append(rows)
    if len(moved):
        for rows in iter_batches(ingested.raw):
            writer.append(_describe_moved(rows.filter(_is_moved(rows, moved)), moved))


def _is_moved(rows: pa.Table, moved: pa.Table) -> pa.ChunkedArray:
    return pc.is_in(rows[ROW_ID], value_set=moved[ROW_ID].combine_chunks())


def _describe_moved(rows: pa.Table, moved: pa.Table) -> pa.Table:
    """Write rows in the form of those that could not be read; they have no line but their id."""
    places = pc.index_in(rows[ROW_ID], value_set=moved[ROW_ID].combine_chunks())
    reasons = moved.take(places)
    columns = {
        ROW_ID: rows[ROW_ID],
        "file": pa.array([""] * len(rows), pa.string()),
        "line": rows[ROW_ID],
        "column": reasons["column"],
        "rule": reasons["rule"],
        "reason": reasons["reason"],
        "row": pa.array(_write_texts(rows), pa.string()),
    }
    return pa.table({name: columns[name] for name in REJECTED_SCHEMA.names}, REJECTED_SCHEMA)


def _write_texts(rows: pa.Table) -> Iterator[str]:
    """Write rows as JSON, without tensors; private columns hold nothing readable at rest."""
    names = [field.name for field in rows.schema if not pa.types.is_nested(field.type)]
    for row in rows.select(names).to_pylist():
        yield json.dumps(row, default=_plain, ensure_ascii=False)[:TEXT_LIMIT]


def _plain(value: Any) -> str:
    return str(value)
