"""A copy of a source with every value as text, so that it can be asked what its columns are.

The rows come through ingest's reader, batch by batch, and lie in one Parquet file whose columns
are numbered: names that differ by case only are one name to SQL. While they pass, the parsers of
ingest are tried on them: which columns are times, in which format, and which are arrays.
"""

import json
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from include.drafting.file_form import FileForm
from include.drafting.names import CODE_ID
from include.drafting.tracking import (
    COUNTED_DAYS,
    ArrayForm,
    ArrayTracker,
    TextCounts,
    TimeForm,
    TimeTracker,
)
from include.errors import SourceError
from include.sources.batches import Batch, OpenedSource, whole_batch
from include.sources.downloads import Downloads
from include.sources.opening import SourcePlaces, find_source, open_source
from include.specs.columns import TextColumn
from include.specs.names import RESERVED_COLUMNS
from include.values.casts import cast_column
from include.values.reading import Reading
from include.values.showing import shorten

RULES: Final = Reading(missing=("",))
LINE: Final = "line"
MAX_NAME_LENGTH: Final = 200
MAX_REJECTED: Final = 0.1
BATCH_ROWS: Final = 65_536
# Bytes that the parsers are given at once: of wide tables a batch has few rows.
LOOKED_AT: Final = 64 * 2**20
NOWHERE: Final = SourcePlaces(sources="", downloads=Downloads("", is_private=True), connect=str)
ANY_TEXT: Final = TextColumn(name="any", kind="text")


class CopiedColumn(NamedTuple):
    """One column of the copy: its name in the source, its key in the copy, what parsers say."""

    name: str
    key: str
    time: TimeForm | None
    array: ArrayForm | None
    is_nested: bool
    counts: TextCounts


class TextCopy(NamedTuple):
    """The copy, and what of the source is not in it."""

    path: Path
    rows: int
    columns: tuple[CopiedColumn, ...]
    left_out: tuple[str, ...]
    rejected: int
    first_reason: str

    @property
    def rejected_share(self) -> float:
        """Share of the source's rows that could not be read."""
        return self.rejected / max(1, self.rows + self.rejected)

    def iter_columns(
        self, keys: Sequence[str], unfit: Sequence[int] = ()
    ) -> Iterator[pa.RecordBatch]:
        """Give the texts of columns batch by batch, with the lines of the source.

        Args:
            keys: The columns' keys.
            unfit: Lines of rows that are left out.
        """
        with pq.ParquetFile(self.path) as file:
            for batch in file.iter_batches(BATCH_ROWS, columns=[*keys, LINE]):
                is_unfit = pc.is_in(batch.column(LINE), value_set=pa.array(unfit, pa.int64()))
                yield batch.filter(pc.invert(is_unfit)) if unfit else batch

    def open(self, marks: tuple[str, ...], unfit: tuple[int, ...]) -> OpenedSource:
        """Open the copy as a source of rows.

        Args:
            marks: Texts that mean a missing value.
            unfit: Lines of rows that will go to quarantine.
        """
        keys = {column.name: column.key for column in self.columns}

        def read(wanted: tuple[str, ...]) -> Iterator[Batch]:
            line = 1
            for batch in self.iter_columns([*dict.fromkeys(keys[name] for name in wanted)], unfit):
                rows = pa.Table.from_batches([batch])
                yield whole_batch(_rename(rows, keys, wanted), line)
                line += rows.num_rows

        return OpenedSource(tuple(keys), read, Reading(missing=marks))


def copy_as_text(
    form: FileForm, directory: Path, tell: Callable[[int], None] = lambda _: None
) -> TextCopy:
    """Read a file through ingest's reader into one Parquet file of texts.

    Args:
        form: How the file is written.
        directory: Where the copy goes.
        tell: Is told how many rows were read so far.

    Raises:
        SourceError: The file has no rows, or too many that cannot be read.
        SchemaError: Two columns have the same name.
    """
    opened = open_source(find_source(form.source, NOWHERE), form.columns, places=NOWHERE)
    names = tuple(name for name in opened.columns if _is_usable(name))
    columns = [_ColumnCopy(name, f"c{number}") for number, name in enumerate(names)]
    texts_of = [(column.key, pa.string()) for column in columns]
    schema = pa.schema([*texts_of, (LINE, pa.int64())])
    path = directory / "texts.parquet"
    rows, rejected, reason = 0, 0, ""
    held: list[pa.Table] = []
    with pq.ParquetWriter(path, schema, compression="zstd") as writer:
        for batch in opened.read(names):
            rows += batch.rows.num_rows
            rejected += len(batch.rejects)
            if batch.rejects and not reason:
                reason = f"line {batch.rejects[0].line}: {batch.rejects[0].reason}"
            texts = [column.write(batch.rows.column(column.name)) for column in columns]
            texts.append(pa.array(batch.lines, pa.int64()))
            held.append(pa.table(texts, schema=schema))
            if sum(one.nbytes for one in held) >= LOOKED_AT:
                writer.write_table(_look_at(held, columns))
            tell(rows)
        if held:
            writer.write_table(_look_at(held, columns))
    copy = TextCopy(
        path=path,
        rows=rows,
        columns=tuple(column.finish() for column in columns),
        left_out=_explain_left_out(opened.columns),
        rejected=rejected,
        first_reason=reason,
    )
    _check_rows(Path(form.source.uri).name, copy)
    return copy


def _look_at(held: list[pa.Table], columns: "list[_ColumnCopy]") -> pa.Table:
    """Let the parsers look at what was held, which is let go of."""
    texts = pa.concat_tables(held).combine_chunks()
    held.clear()
    for column in columns:
        for chunk in texts.column(column.key).chunks:
            column.observe(chunk)
    return texts


class _ColumnCopy:
    """Writes one column as texts and lets the parsers look at it."""

    def __init__(self, name: str, key: str) -> None:
        self.name, self.key = name, key
        self._times, self._arrays, self._counts = TimeTracker(), ArrayTracker(), TextCounts()
        self._is_nested = False

    def write(self, values: pa.ChunkedArray) -> pa.Array:
        whole = pa.concat_arrays(values.chunks) if values.num_chunks else pa.array([], values.type)
        return self._write(whole)

    def observe(self, texts: pa.Array) -> None:
        self._counts.observe(texts)
        self._times.observe(texts)
        self._arrays.observe(texts)

    def finish(self) -> CopiedColumn:
        array = self._arrays.form
        times = self._times.form
        if times and times.format in COUNTED_DAYS and CODE_ID.search(self.name):
            times = None
        return CopiedColumn(self.name, self.key, times, array, self._is_nested, self._counts)

    def _write(self, values: pa.Array) -> pa.Array:
        if not pa.types.is_nested(values.type):
            try:
                return cast_column(ANY_TEXT, values, RULES).values
            except pa.ArrowNotImplementedError:
                pass
        self._is_nested = True
        rows = values.to_pylist()
        return pa.array([None if row is None else _as_json(row) for row in rows], pa.string())


def _as_json(value: Any) -> str:
    return json.dumps(value, default=str)


def _rename(rows: pa.Table, keys: dict[str, str], wanted: tuple[str, ...]) -> pa.Table:
    if not wanted:
        # Without a column a batch would have no rows either.
        return rows
    return pa.table([rows.column(keys[name]) for name in wanted], names=list(wanted))


def _is_usable(name: str) -> bool:
    return bool(name) and len(name) <= MAX_NAME_LENGTH and name not in RESERVED_COLUMNS


def _explain_left_out(names: tuple[str, ...]) -> tuple[str, ...]:
    unnamed = sum(not name for name in names)
    reasons = [f"columns without a name ({unnamed})"] if unnamed else []
    for name in names:
        if name in RESERVED_COLUMNS:
            reasons.append(f"{name!r}, a name that tables need themselves")
        elif len(name) > MAX_NAME_LENGTH:
            reasons.append(f"{shorten(name, 30)}, a name longer than {MAX_NAME_LENGTH}")
    return tuple(reasons)


def _check_rows(name: str, copy: TextCopy) -> None:
    if copy.rows == 0 and not copy.rejected:
        raise SourceError(
            f"{name} must hold rows. Received: a header only. Name a file with data in it."
        )
    if copy.rejected_share > MAX_REJECTED:
        raise SourceError(
            f"expected rows that can be read in {name}. Received: {copy.rejected} of "
            f"{copy.rows + copy.rejected} that cannot; first, {copy.first_reason}. Correct the "
            "file, or write it again as CSV with quotes around texts."
        )
