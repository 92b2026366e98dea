"""A source becomes a raw table: found again if nothing changed, read and stored if it did.

The table's key is the digest of its rows, so the same rows from a CSV file, from fifty Parquet
files or from a database are one table. A pointer from the source's fingerprint (its bytes, how
they are read, the contract's types, this code) to that key saves reading an unchanged source.
"""

import logging
from contextlib import ExitStack
from typing import Any, Final

from include.errors import SourceError
from include.records import IngestRecord, TableRef
from include.specs.sources import JoinSource, Source
from include.tables.batches import OpenedSource
from include.tables.casting import REJECTED_SCHEMA
from include.tables.composed_times import compose_times, names_in_source
from include.tables.digests import code_digest, digest_key
from include.tables.joining import JoinedRows
from include.tables.layout import pointer_path
from include.tables.privacy import check_hash_key
from include.tables.run_files import write_atomically
from include.tables.sources import list_leaves, open_source
from include.tables.stacking import ReadingPlan, StackedRows
from include.tables.store import TableStore
from include.tables.writer import TableWriter

logger = logging.getLogger(__name__)
# What of a column decides the stored values; limits and fills may change without a new table.
STORED_BY: Final = {"name", "kind", "private", "format", "from_parts", "shape", "values"}


def take_snapshot(
    store: TableStore, pipeline: str, source: Source, plan: ReadingPlan, *, force: bool = False
) -> IngestRecord:
    """Store a source's rows as a raw table, or return the one they already are.

    Args:
        store: Where tables lie.
        pipeline: Name of the pipeline.
        source: The source.
        plan: What is read of it.
        force: Read and store again even if the source is unchanged.

    Raises:
        SourceError: The source is missing, empty, unreadable, or has no row that can be read.
        SchemaError: Its columns or types are not those of the contract.
        GatehouseError: A column is to be hashed and there is no key.
    """
    check_hash_key(plan.columns, plan.hash_key)
    leaves = tuple(
        compose_times(
            open_source(
                leaf,
                names_in_source(plan.contract),
                places=plan.places,
                row_limit=None if isinstance(source, JoinSource) else plan.row_limit,
            ),
            plan.contract,
        )
        for leaf in list_leaves(source)
    )
    digest = _source_digest(leaves)
    fingerprint = None if digest is None else _fingerprint(source, plan, digest)
    if fingerprint is not None and not force:
        found = _find_snapshot(store, pipeline, fingerprint)
        if found is not None:
            logger.info(
                "reused table raw/%s/%s…: source unchanged (sha256 %s…)",
                pipeline,
                found.raw.key[:12],
                found.source_digest[:12],
            )
            return found
    record = _read(store, pipeline, source, plan, leaves)
    record = record.model_copy(update={"source_digest": digest or record.raw.key})
    if fingerprint is not None:
        path = pointer_path(store.root, pipeline, fingerprint)
        write_atomically(path, record.model_dump_json(indent=1).encode())
    return record


def _read(
    store: TableStore,
    pipeline: str,
    source: Source,
    plan: ReadingPlan,
    leaves: tuple[OpenedSource, ...],
) -> IngestRecord:
    name = " + ".join(leaf.name for leaf in leaves)
    reading: StackedRows | JoinedRows
    if isinstance(source, JoinSource):
        reading = JoinedRows(plan, source, leaves)
    else:
        reading = StackedRows(plan, leaves)
    made_from = {"source": name[:1_000], "columns": [column.name for column in plan.columns]}
    rejected: TableWriter | None = None
    with ExitStack() as stack:
        raw = stack.enter_context(store.write("raw", pipeline, None, made_from=made_from))
        for rows, misfits in reading:
            if rows.num_columns:
                raw.append(rows)
            if misfits is not None:
                if rejected is None:
                    rejected = stack.enter_context(
                        store.write(
                            "quarantine",
                            pipeline,
                            None,
                            made_from=made_from,
                            schema=REJECTED_SCHEMA,
                        )
                    )
                rejected.append(misfits)
        _check_has_rows(raw.rows, reading, name)
    return IngestRecord(
        raw=raw.ref,
        source=name[:500],
        source_digest="",
        rejected=None if rejected is None else rejected.ref,
        rejected_rows=reading.rejected_rows,
        dropped_columns=reading.dropped,
        notes=tuple(note[:500] for note in reading.notes[:10]),
    )


def _check_has_rows(rows: int, reading: StackedRows | JoinedRows, name: str) -> None:
    if rows:
        return
    if reading.rejected_rows:
        raise SourceError(
            f"expected rows that can be read. Received: {name[:200]}, where none of "
            f"{reading.source_rows} rows could; first, {reading.first_reason}. Check "
            "source.separator, source.header and source.quote."
        )
    raise SourceError(
        f"expected rows. Received: {name[:200]}, which has a header or columns but no data "
        "rows. Check what writes it."
    )


def _source_digest(leaves: tuple[OpenedSource, ...]) -> str | None:
    digests = [leaf.digest for leaf in leaves]
    if any(digest is None for digest in digests):
        return None
    return digests[0] if len(digests) == 1 else digest_key(digests)


def _fingerprint(source: Source, plan: ReadingPlan, digest: str) -> str:
    columns = [column.model_dump(mode="json", include=STORED_BY) for column in plan.contract]
    return digest_key(
        digest,
        _reading_options(source.model_dump(mode="json")),
        columns,
        {"row_limit": plan.row_limit, "optional": plan.optional},
        # Tells whether the key changed without telling the key.
        digest_key("hash key", plan.hash_key),
        code_digest("include.tables", "include.specs.columns"),
    )


def _reading_options(source: dict[str, Any]) -> dict[str, Any]:
    """Leave out where the bytes come from: their digest stands for that."""
    places = ("uri", "test_uri", "timeout_seconds", "max_bytes")
    options = {name: value for name, value in source.items() if name not in places}
    if "sources" in options:
        options["sources"] = [_reading_options(one) for one in options["sources"]]
    # Which files hold test rows, and the separator of .tsv, depend on more than the bytes.
    options["endings"] = [str(source.get(name) or "").rpartition(".")[2] for name in places[:2]]
    return options


def _find_snapshot(store: TableStore, pipeline: str, fingerprint: str) -> IngestRecord | None:
    path = pointer_path(store.root, pipeline, fingerprint)
    try:
        record = IngestRecord.model_validate_json(path.read_bytes())
    except (FileNotFoundError, ValueError):
        return None
    raw = store.find("raw", pipeline, record.raw.key)
    rejected: TableRef | None = None
    if record.rejected is not None:
        rejected = store.find("quarantine", pipeline, record.rejected.key)
    if raw is None or (record.rejected is not None and rejected is None):
        return None
    return record.model_copy(update={"raw": raw, "rejected": rejected})
