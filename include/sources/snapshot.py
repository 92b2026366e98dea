"""A source becomes a raw table: found again if nothing changed, read and stored if it did.

The table's key is the digest of its rows, so the same rows from a CSV file, from fifty Parquet
files or from a database are one table. A pointer from the source's fingerprint (its bytes, how
they are read, the contract's types, this code) to that key saves reading an unchanged source.
"""

from contextlib import ExitStack

from include.errors import SourceError
from include.records import IngestRecord
from include.sources.batches import OpenedSource
from include.sources.composed_times import compose_times, names_in_source
from include.sources.csv_parsing import list_number_types
from include.sources.joining import JoinedRows
from include.sources.opening import FoundSource, find_source, list_leaves, open_source
from include.sources.pointers import (
    digest_of_leaves,
    find_snapshot,
    fingerprint,
    write_pointer,
)
from include.sources.privacy import check_hash_key
from include.sources.row_casting import REJECTED_SCHEMA
from include.sources.stacking import ReadingPlan, StackedRows
from include.specs.sources import JoinSource, Source
from include.tables.store import TableStore
from include.tables.writer import TableWriter


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
    with plan.places.downloads:
        found = [find_source(leaf, plan.places, needs_rows=force) for leaf in list_leaves(source)]
        known = None if force else find_snapshot(store, pipeline, fingerprint(source, plan, found))
        if known is not None:
            return known
        limit = None if isinstance(source, JoinSource) else plan.row_limit
        leaves = tuple(_open(leaf, plan, limit) for leaf in found)
        record = _read(store, pipeline, source, plan, leaves)
    digest = digest_of_leaves(leaves)
    record = record.model_copy(update={"source_digest": digest or record.raw.key})
    write_pointer(store, pipeline, fingerprint(source, plan, leaves), record)
    return record


def _open(found: FoundSource, plan: ReadingPlan, row_limit: int | None) -> OpenedSource:
    opened = open_source(
        found,
        names_in_source(plan.contract),
        places=plan.places,
        row_limit=row_limit,
        types=list_number_types(plan.contract),
        has_private=plan.has_private,
    )
    return compose_times(opened, plan.contract)


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
