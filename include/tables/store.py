"""The table store: tables appear whole or not at all, and are found again by their key.

On a local disk a table is written into a hidden sibling directory, synced, and renamed. In an
object store, which cannot rename, it is uploaded with the manifest last; without a manifest there
is no table. What dead writers left behind is removed by the next writer.
"""

import logging
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import pyarrow as pa
from upath import UPath

from include.records import TableRef
from include.tables.digests import digest_key
from include.tables.layout import (
    TableId,
    check_id,
    open_root,
    pipeline_path,
    table_path,
)
from include.tables.publishing import (
    find_damage,
    load_manifest,
    make_temporary,
    note_use,
    publish,
)
from include.tables.readers import (
    iter_batches,
    iter_frames,
    parquet_files,
    read_file,
    read_frame,
    read_manifest,
    read_table,
)
from include.tables.writer import TableWriter, write_manifest

__all__ = [
    "TableStore",
    "digest_key",
    "iter_batches",
    "iter_frames",
    "parquet_files",
    "read_file",
    "read_frame",
    "read_manifest",
    "read_table",
]
logger = logging.getLogger(__name__)


class TableStore:
    """All tables below one root.

    Example:
        >>> import pandas as pd
        >>> from tempfile import TemporaryDirectory
        >>> with TemporaryDirectory() as root:
        ...     store = TableStore(root)
        ...     with store.write("raw", "demo", "0123456789abcdef", made_from={}) as writer:
        ...         writer.append(pd.DataFrame({"x": [1, 2]}))
        ...     writer.ref.rows, store.find("raw", "demo", "0123456789abcdef").is_reused
        (2, True)
    """

    def __init__(self, root: str) -> None:
        self._root = open_root(root)

    @property
    def root(self) -> UPath:
        """The data root."""
        return self._root

    def find(self, kind: str, pipeline: str, key: str) -> TableRef | None:
        """Return the table of a key, or None if there is none or its files are damaged."""
        check_id(kind, pipeline, key)
        path = table_path(self._root, TableId(kind, pipeline, key))
        manifest = load_manifest(path)
        if manifest is None:
            return None
        damage = find_damage(path, manifest)
        if damage:
            logger.warning("table %s/%s/%s is not reused: %s", kind, pipeline, key, damage)
            return None
        note_use(path)
        return _reference(path, manifest, is_reused=True)

    @contextmanager
    def write(
        self,
        kind: str,
        pipeline: str,
        key: str | None,
        *,
        made_from: Mapping[str, Any],
        schema: pa.Schema | None = None,
        packs_arrays: bool = False,
    ) -> Iterator[TableWriter]:
        """Write a table; it becomes visible when the `with` block ends without an exception.

        A table of the same key and the same rows that is already there stays as it is; one with
        other rows, or with damaged files, is replaced.

        Args:
            kind: raw, checked, quarantine, features, references or predictions.
            pipeline: Name of the pipeline.
            key: Digest of what the table depends on; None to take the digest of its rows.
            made_from: What it was made from, for people who read the manifest.
            schema: Types of the rows; those of the first batch unless given.
            packs_arrays: Whether arrays lie there as bytes, for this store's readers only.
        """
        check_id(kind, pipeline, key)
        parent = pipeline_path(self._root, kind, pipeline)
        directory = make_temporary(parent)
        table = TableId(kind, pipeline, key or "")
        writer = TableWriter(directory, table, made_from, schema, packs_arrays=packs_arrays)
        try:
            yield writer
            manifest = writer.finish()
            write_manifest(directory, manifest)
            final = table_path(self._root, writer.table)
            publish(directory, final, manifest)
            writer.set_ref(_reference(final, manifest, is_reused=False))
        finally:
            writer.close()
            shutil.rmtree(directory, ignore_errors=True)


def _reference(path: UPath, manifest: Mapping[str, Any], *, is_reused: bool) -> TableRef:
    return TableRef(
        uri=str(path),
        key=manifest["key"],
        rows=manifest["rows"],
        size_bytes=manifest["size_bytes"],
        columns=manifest["columns"],
        parts=manifest["parts"],
        is_reused=is_reused,
    )
