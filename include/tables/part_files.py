"""The Parquet files of one part of a table: row groups and files of bounded size."""

import os
from pathlib import Path
from typing import Any, Final

import pyarrow as pa
import pyarrow.parquet as pq

from include.errors import SchemaError
from include.tables.layout import data_file_name
from include.tables.packing import pack, pack_schema
from include.values.overlap import Follower
from include.values.texts import are_repeated

# A row group is what a reader must hold at once: bounded by rows and, for wide rows, by bytes.
GROUP_ROWS: Final = 65_536
GROUP_BYTES: Final = 32 * 1024**2
FILE_ROWS: Final = 2_000_000
SAMPLE_ROWS: Final = 10_000
# After this much a file is brought to the disk while more is made, and memory given back.
SYNC_BYTES: Final = 64 * 1024**2
# The codec that reads fastest, where it leaves at most this share of the bytes.
CODEC: Final = "lz4"
MAX_SHRUNK: Final = 2 / 3


class PartWriter:
    """Writes one part into as many files as it needs."""

    def __init__(
        self, directory: Path, part: str, schema: pa.Schema, *, packs_arrays: bool = False
    ) -> None:
        self.part = part
        self.schema = schema
        self._stored = pack_schema(schema) if packs_arrays else schema
        self.rows = 0
        self.nulls = dict.fromkeys(schema.names, 0)
        self.files: list[dict[str, Any]] = []
        self._directory = directory
        self._file: pq.ParquetWriter | None = None
        self._waiting: list[pa.Table] = []
        self._since_sync = 0
        self._syncing = Follower()

    def fit(self, rows: pa.Table) -> pa.Table:
        """Count rows that are about to be written, and give them the types of the part."""
        rows = _fit_schema(rows, self.schema)
        for name, column in zip(rows.column_names, rows.columns, strict=True):
            self.nulls[name] += column.null_count
        self.rows += rows.num_rows
        return rows

    def write(self, rows: pa.Table) -> None:
        """Write rows that fit, once they fill a row group."""
        self._waiting.append(pack(rows, self._stored))
        rows = sum(len(table) for table in self._waiting)
        if rows >= GROUP_ROWS or sum(table.nbytes for table in self._waiting) >= GROUP_BYTES:
            self._flush()

    def close(self) -> None:
        """Write what waits and end the last file; a part without rows gets an empty one."""
        self._flush()
        if not self.files:
            self._open(self._stored.empty_table())
        self._end_file()
        self._syncing.wait()
        self._syncing.close()

    def abandon(self) -> None:
        """Close the open file, whatever it holds."""
        self._syncing.close()
        if self._file is not None:
            self._file.close()
            self._file = None

    def _flush(self) -> None:
        if not self._waiting:
            return
        rows = pa.concat_tables(self._waiting)
        self._waiting = []
        file = self._file or self._open(rows)
        per_row = max(1, rows.nbytes // max(1, len(rows)))
        file.write_table(rows, row_group_size=max(1, min(GROUP_ROWS, GROUP_BYTES // per_row)))
        self.files[-1]["rows"] += len(rows)
        self._since_sync += rows.nbytes
        if self._since_sync >= SYNC_BYTES:
            self._syncing.do(sync_file, self._directory / self.files[-1]["name"])
            self._since_sync = 0
            # Memory that is kept for the next batches falls into pieces, and would grow with rows.
            pa.default_memory_pool().release_unused()
        if self.files[-1]["rows"] >= FILE_ROWS:
            self._end_file()

    def _open(self, first: pa.Table) -> pq.ParquetWriter:
        name = data_file_name(self.part, len(self.files))
        self.files.append({"name": name, "part": self.part, "rows": 0, "size_bytes": 0})
        texts = [field.name for field in self._stored if pa.types.is_string(field.type)]
        repeated = [name for name in texts if are_repeated(first.column(name))]
        # Of the elements of arrays nobody asks for the smallest and the largest.
        self._file = pq.ParquetWriter(
            self._directory / name,
            self._stored,
            compression=_choose_codecs(first.slice(0, SAMPLE_ROWS), repeated),
            use_dictionary=repeated,
            write_statistics=[f.name for f in self._stored if not _is_array(f.type)],
        )
        return self._file

    def _end_file(self) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None
            file = self.files[-1]
            file["size_bytes"] = (self._directory / file["name"]).stat().st_size


def sync_file(path: Path) -> None:
    """Bring what was written of a file, or the listing of a directory, to the disk."""
    number = os.open(path, os.O_RDONLY)
    try:
        os.fsync(number)
    finally:
        os.close(number)


def _is_array(kind: pa.DataType) -> bool:
    return bool(pa.types.is_nested(kind) or pa.types.is_fixed_size_binary(kind))


def _choose_codecs(sample: pa.Table, repeated: list[str]) -> dict[str, str]:
    """Compress what shrinks: with the digits of measured numbers a codec is busy for little."""
    sink = pa.BufferOutputStream()
    pq.write_table(sample, sink, compression=CODEC, use_dictionary=repeated)
    group = pq.read_metadata(pa.BufferReader(sink.getvalue())).row_group(0)
    columns = [group.column(number) for number in range(group.num_columns)]
    return {
        each.path_in_schema: CODEC
        if each.total_compressed_size <= MAX_SHRUNK * each.total_uncompressed_size
        else "none"
        for each in columns
    }


def _fit_schema(rows: pa.Table, schema: pa.Schema) -> pa.Table:
    if rows.schema == schema:
        return rows
    if rows.column_names != schema.names:
        raise SchemaError(
            f"all rows of a part need the columns {schema.names[:20]} in this order. "
            f"Received: {rows.column_names[:20]}."
        )
    try:
        return rows.cast(schema)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
        raise SchemaError(
            f"all rows of a part need the same types. Received: {str(error)[:300]}."
        ) from error
