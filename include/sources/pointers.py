"""Pointers from a source's fingerprint to the raw table it became, which save reading it again."""

import logging
from collections.abc import Sequence
from typing import Any, Final

from include.records import IngestRecord, TableRef
from include.sources.batches import OpenedSource
from include.sources.opening import FoundSource
from include.sources.stacking import ReadingPlan
from include.specs.sources import Source
from include.tables.code import code_digest
from include.tables.digests import digest_key
from include.tables.layout import pointer_path
from include.tables.run_files import write_atomically
from include.tables.store import TableStore

logger = logging.getLogger(__name__)
# What of a column decides the stored values; limits and fills may change without a new table.
STORED_BY: Final = {"name", "kind", "private", "format", "from_parts", "shape", "values"}


def digest_of_leaves(leaves: Sequence[FoundSource | OpenedSource]) -> str | None:
    """Digest the bytes of plain sources together; None if one of them has no digest."""
    digests = [leaf.digest for leaf in leaves]
    if any(digest is None for digest in digests):
        return None
    return digests[0] if len(digests) == 1 else digest_key(digests)


def fingerprint(
    source: Source, plan: ReadingPlan, leaves: Sequence[FoundSource | OpenedSource]
) -> str | None:
    """Digest all that decides which rows a source becomes.

    Args:
        source: The source, for how it is read.
        plan: What is read of it.
        leaves: Its plain sources, for their bytes.

    Returns:
        The digest; None if the bytes cannot be told without reading them.
    """
    digest = digest_of_leaves(leaves)
    if digest is None:
        return None
    columns = [column.model_dump(mode="json", include=STORED_BY) for column in plan.contract]
    return digest_key(
        digest,
        _reading_options(source.model_dump(mode="json")),
        columns,
        {"row_limit": plan.row_limit, "optional": plan.optional},
        # Tells whether the key changed without telling the key.
        digest_key("hash key", plan.hash_key),
        code_digest("include.sources.snapshot"),
    )


def find_snapshot(store: TableStore, pipeline: str, fingerprint: str | None) -> IngestRecord | None:
    """Return what a source became when it was read before, if its tables are still there."""
    found = None if fingerprint is None else _follow(store, pipeline, fingerprint)
    if found is not None:
        logger.info(
            "reused table raw/%s/%s…: source unchanged (digest %s…)",
            pipeline,
            found.raw.key[:12],
            found.source_digest[:12],
        )
    return found


def write_pointer(
    store: TableStore, pipeline: str, fingerprint: str | None, record: IngestRecord
) -> None:
    """Note what a source has become; one without a fingerprint is read again each time."""
    if fingerprint is not None:
        path = pointer_path(store.root, pipeline, fingerprint)
        write_atomically(path, record.model_dump_json(indent=1).encode())


def _reading_options(source: dict[str, Any]) -> dict[str, Any]:
    """Leave out where the bytes come from: their digest stands for that."""
    places = ("uri", "test_uri", "timeout_seconds", "max_bytes")
    options = {name: value for name, value in source.items() if name not in places}
    if "sources" in options:
        options["sources"] = [_reading_options(one) for one in options["sources"]]
    # Which files hold test rows, and the separator of .tsv, depend on more than the bytes.
    options["endings"] = [str(source.get(name) or "").rpartition(".")[2] for name in places[:2]]
    return options


def _follow(store: TableStore, pipeline: str, fingerprint: str) -> IngestRecord | None:
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
