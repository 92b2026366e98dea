"""The tables that `validate` leaves: the rows that go on, and those in quarantine."""

import json
import logging
from collections.abc import Iterator
from typing import Any, NamedTuple

import pyarrow as pa
import pyarrow.compute as pc

from include.quality.gate import is_blocked, run_gate
from include.quality.rules import Suite
from include.records import IngestRecord, QualityReport, TableRef
from include.records.names import QUALITY
from include.sources.batches import TEXT_LIMIT
from include.sources.row_casting import REJECTED_SCHEMA
from include.specs import PipelineSpec
from include.specs.names import ROW_ID
from include.tables.local_files import open_local_files
from include.tables.store import TableStore, iter_batches, read_file
from include.tables.writer import TableWriter

logger = logging.getLogger(__name__)


class Checked(NamedTuple):
    """What came of the check; `table` is None if nothing may go on."""

    report: QualityReport
    table: TableRef | None
    quarantine: TableRef | None


def check_table(
    spec: PipelineSpec,
    store: TableStore,
    key: str,
    ingested: IngestRecord,
    *,
    suite: Suite = "training",
    force: bool = False,
) -> Checked:
    """Check a raw table, or find what an earlier check of the same key left.

    Args:
        spec: The pipeline.
        store: Where tables lie.
        key: Digest of all that the outcome depends on.
        ingested: The raw table, and the rows that could not be read.
        suite: training, or scoring, which moves every row that breaks a rule to quarantine.
        force: Check again.
    """
    checked = None if force else _find(store, spec.name, key)
    if checked is not None:
        reason = "the raw table, the contract, its rules and the code are the same"
        logger.info("reusing checked table %s: %s", key, reason)
        return checked
    why = "checking again was asked for" if force else "no table has this key yet"
    logger.info("checking table %s: %s", key, why)
    return _check(spec, store, key, ingested, suite=suite)


def _find(store: TableStore, pipeline: str, key: str) -> Checked | None:
    table = store.find("checked", pipeline, key)
    if table is None:
        return None
    report = QualityReport.model_validate_json(read_file(table, QUALITY))
    quarantine = store.find("quarantine", pipeline, key) if report.quarantined else None
    if report.quarantined and quarantine is None:
        return None
    return Checked(report, table, quarantine)


def _check(
    spec: PipelineSpec, store: TableStore, key: str, ingested: IngestRecord, *, suite: Suite
) -> Checked:
    with open_local_files(ingested.raw) as files:
        rejected, is_scoring = ingested.rejected_rows, suite == "scoring"
        result = run_gate(spec, files, suite=suite, rejected=rejected, moves_all=is_scoring)
    made_from = {"raw": ingested.raw.uri}
    quarantine = None
    if result.report.quarantined:
        with store.write("quarantine", spec.name, key, made_from=made_from) as writer:
            write_quarantine(ingested, result.moved, writer)
        quarantine = writer.ref
    if is_blocked(result.report):
        return Checked(result.report, None, quarantine)
    with store.write("checked", spec.name, key, made_from=made_from) as writer:
        write_kept_rows(ingested.raw, result.moved, writer)
        writer.add_file(QUALITY, result.report.model_dump_json().encode())
    return Checked(result.report, writer.ref, quarantine)


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
