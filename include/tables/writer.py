"""Writing one table: rows arrive in batches of any size and leave as Parquet files.

The writer fills a directory that nobody else sees; `store.py` makes it visible.
"""

import json
import os
import shutil
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, TypeAlias

import pandas as pd
import pyarrow as pa
from upath import UPath

from include.records import TableRef
from include.tables.content_digest import ContentDigest
from include.tables.digests import digest_key
from include.tables.layout import (
    MANIFEST,
    TableId,
    check_file_name,
    check_id,
    is_local,
    open_root,
)
from include.tables.part_files import PartWriter, sync_file
from include.tables.readers import read_manifest
from include.values.frames import to_table
from include.values.overlap import Follower

Rows: TypeAlias = pa.Table | pa.RecordBatch | pd.DataFrame
MANIFEST_FORMAT: Final = 1
# What a manifest says of the rows alone.
ROWS_IN_MANIFEST: Final = (
    "content",
    "rows",
    "columns",
    "size_bytes",
    "parts",
    "nulls",
    "schema",
    "files",
)


class TableWriter:
    """Collects the rows and files of one table."""

    def __init__(
        self,
        directory: Path,
        table: TableId,
        made_from: Mapping[str, Any],
        schema: pa.Schema | None = None,
        *,
        packs_arrays: bool = False,
    ) -> None:
        self.directory = directory
        self.table = table
        self._made_from = dict(made_from)
        self._schema = schema
        self._packs_arrays = packs_arrays
        self._parts: dict[str, PartWriter] = {}
        self._extra: dict[str, int] = {}
        self._extra_digests: dict[str, str] = {}
        self._content = ContentDigest()
        self._digesting, self._writing = Follower(), Follower()
        self._adopted: dict[str, Any] | None = None
        self._ref: TableRef | None = None

    @property
    def ref(self) -> TableRef:
        """The finished table.

        Raises:
            RuntimeError: The `with` block has not ended yet.
        """
        if self._ref is None:
            raise RuntimeError("a table has no reference before its `with` block has ended")
        return self._ref

    @property
    def rows(self) -> int:
        """Rows appended so far."""
        return sum(part.rows for part in self._parts.values())

    @property
    def schema(self) -> pa.Schema:
        """Types of the rows: those given, or those of the first batch."""
        first = next(iter(self._parts.values()), None)
        return first.schema if first is not None else self._schema or pa.schema([])

    def append(self, data: Rows, part: str = "") -> None:
        """Add rows.

        Args:
            data: Rows with the same columns, in the same order, as all others of the part.
            part: The part they belong to; a table has either named parts or none.
        """
        known = self._parts.get(part)
        is_plain = known is not None and isinstance(data, pa.Table) and data.schema == known.schema
        rows = data if is_plain else to_arrow(data)
        if part not in self._parts:
            if part:
                check_file_name(part)
            schema = self._schema or rows.schema
            self._parts[part] = PartWriter(
                self.directory, part, schema, packs_arrays=self._packs_arrays
            )
        rows = self._parts[part].fit(rows)
        self._digesting.do(self._content.update, rows, part)
        self._writing.do(self._parts[part].write, rows)

    def adopt(self, source: TableRef) -> None:
        """Take over all rows of a finished table, instead of appending any.

        Its files never change, so on a local disk they are linked rather than copied.
        """
        self._adopted = read_manifest(source)
        root = open_root(source.uri)
        for file in self._adopted["files"]:
            _link_or_copy(root / file["name"], self.directory / file["name"])

    def add_file(self, name: str, data: bytes) -> None:
        """Add a file beside the rows, such as `preprocessor.json`."""
        check_file_name(name)
        (self.directory / name).write_bytes(data)
        self._extra[name] = len(data)
        self._extra_digests[name] = digest_key(data)

    def finish(self) -> dict[str, Any]:
        """Close the files and return the manifest; without a key, the content becomes it."""
        rows = self._describe_rows() if self._adopted is None else self._adopted
        if not self.table.key:
            self.table = self.table._replace(key=rows["content"])
        check_id(*self.table)
        return {
            "format": MANIFEST_FORMAT,
            **self.table._asdict(),
            **{name: rows[name] for name in ROWS_IN_MANIFEST},
            "extra": self._extra,
            "extra_content": digest_key(self._extra_digests),
            "made_from": self._made_from,
            "made_at": datetime.now(UTC).isoformat(timespec="seconds"),
        }

    def _describe_rows(self) -> dict[str, Any]:
        if not self._parts and self._schema is not None:
            self.append(self._schema.empty_table())
        for follower in (self._digesting, self._writing):
            follower.wait()
            follower.close()
        for part in self._parts.values():
            part.close()
        files = [file for part in self._parts.values() for file in part.files]
        schemas = {name: part.schema for name, part in self._parts.items()}
        first = next(iter(schemas.values()), pa.schema([]))
        return {
            "content": self._content.hexdigest(),
            "rows": self.rows,
            "columns": len(first),
            "size_bytes": sum(file["size_bytes"] for file in files),
            "parts": {name: part.rows for name, part in self._parts.items() if name},
            "nulls": _sum_counts([part.nulls for part in self._parts.values()]),
            "schema": {field.name: str(field.type) for field in first},
            "files": files,
        }

    def close(self) -> None:
        """Let go of threads and open files; their directory may be about to be removed."""
        self._digesting.close()
        self._writing.close()
        for part in self._parts.values():
            part.abandon()

    def set_ref(self, ref: TableRef) -> None:
        """Tell the writer what its table became."""
        self._ref = ref


def to_arrow(data: Rows) -> pa.Table:
    """Convert rows to an Arrow table with plain types: no dictionaries, no large strings."""
    if isinstance(data, pd.DataFrame):
        rows = to_table(data, list(data.columns))
    elif isinstance(data, pa.RecordBatch):
        rows = pa.Table.from_batches([data])
    else:
        rows = data
    schema = pa.schema([pa.field(field.name, _plain_type(field.type)) for field in rows.schema])
    return rows.cast(schema) if rows.schema != schema else rows.replace_schema_metadata(None)


def sync_directory(directory: Path) -> None:
    """Bring all files of a directory, and its listing, to the disk."""
    for path in [*directory.iterdir(), directory]:
        sync_file(path)


def write_manifest(directory: Path, manifest: Mapping[str, Any]) -> None:
    """Write the file that makes a directory a table."""
    (directory / MANIFEST).write_text(json.dumps(manifest, indent=1, default=str), "utf-8")


def _link_or_copy(source: UPath, target: Path) -> None:
    if is_local(source):
        try:
            os.link(str(source), target)
        except OSError:
            # Another file system, or one without links.
            shutil.copyfile(str(source), target)
        return
    with source.open("rb") as remote, target.open("wb") as local:
        shutil.copyfileobj(remote, local, 4 * 1024**2)


def _plain_type(kind: pa.DataType) -> pa.DataType:
    if pa.types.is_dictionary(kind):
        return _plain_type(kind.value_type)
    if pa.types.is_large_string(kind) or pa.types.is_string_view(kind):
        return pa.string()
    return kind


def _sum_counts(counts: list[dict[str, int]]) -> dict[str, int]:
    total: dict[str, int] = {}
    for part in counts:
        for name, number in part.items():
            total[name] = total.get(name, 0) + number
    return total
