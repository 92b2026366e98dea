"""Several sources joined by key to the first one, whose rows are never multiplied.

Each source is cast by the contract and staged as Parquet in a temporary directory; DuckDB joins
the files in bounded memory. There columns are called by numbers, for to DuckDB `Age` is `age`.
"""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

import duckdb
import pyarrow as pa

from include.errors import SchemaError, SpecError
from include.sources.batches import BATCH_ROWS, OpenedSource, limit_batches
from include.sources.column_match import check_columns_present, list_dropped
from include.sources.row_casting import CastRows, RowCaster
from include.sources.stacking import ReadingPlan, must_have
from include.specs import Column
from include.specs.columns import IdColumn
from include.specs.names import PART, ROW_ID
from include.specs.sources import JoinSource
from include.tables.layout import TableId
from include.tables.writer import TableWriter
from include.values.duck import open_duckdb, parquet_scan
from include.values.overlap import read_ahead
from include.values.showing import shorten, show_value


class _Staged(NamedTuple):
    """A source at rest in the temporary directory."""

    name: str
    scan: str
    own: tuple[str, ...]
    rows: int
    schema: pa.Schema


class JoinedRows:
    """Reads a join; counts are complete once all rows have been taken."""

    def __init__(
        self, plan: ReadingPlan, source: JoinSource, leaves: tuple[OpenedSource, ...]
    ) -> None:
        self._plan, self._source, self._leaves = plan, source, leaves
        self._keys = tuple(_key_column(plan, name) for name in source.on)
        for leaf in leaves:
            check_columns_present(source.on, leaf.columns, leaf.name, hides_names=plan.has_private)
        found = tuple(dict.fromkeys(name for leaf in leaves for name in leaf.columns))
        needed = [column for column in plan.columns if column.name not in plan.optional]
        is_open = any(leaf.has_open_rows for leaf in leaves)
        check_columns_present(
            must_have(needed, found, is_open=is_open),
            found,
            "the joined sources",
            hides_names=plan.has_private,
        )
        self._owned = self._divide_columns()
        owned = {column.name for columns in self._owned for column in columns}
        self._output = tuple(column.name for column in plan.columns if column.name in owned)
        names = dict.fromkeys((*source.on, *self._output))
        self._aliases = {name: f"c{number}" for number, name in enumerate(names)}
        self.dropped = list_dropped(found, (*plan.names, *source.on))
        self.notes = [
            f"join: no row has {shorten(name)}, taken as missing"
            for name in self._output
            if name not in found
        ]
        self.source_rows = 0
        self.rejected_rows = 0
        self.first_reason = ""

    def __iter__(self) -> Iterator[CastRows]:
        with TemporaryDirectory(prefix="gatehouse-join-") as directory:
            staged: list[_Staged] = []
            for number, leaf in enumerate(self._leaves):
                place = Path(directory) / str(number)
                place.mkdir()
                yield from self._stage(staged, leaf, self._owned[number], place)
            with open_duckdb() as duck:
                yield from self._join(duck, staged)

    def _divide_columns(self) -> list[tuple[Column, ...]]:
        """Give every contract column to the first source that has it."""
        free = {column.name: column for column in self._plan.columns}
        divided = []
        for leaf in self._leaves:
            own = [free.pop(name) for name in list(free) if name in leaf.columns]
            divided.append(tuple(own))
        # What no row has: a source whose rows may lack columns gives it as missing.
        lacked = tuple(column for name, column in free.items() if name not in self._plan.optional)
        for place, leaf in enumerate(self._leaves):
            if leaf.has_open_rows:
                divided[place] += lacked
                break
        return divided

    def _stage(
        self, staged: list[_Staged], leaf: OpenedSource, own: tuple[Column, ...], place: Path
    ) -> Iterator[CastRows]:
        is_first = not staged
        names = {column.name for column in own}
        columns = (*own, *(key for key in self._keys if key.name not in names))
        caster = RowCaster(
            columns, hash_key=self._plan.hash_key, has_private=self._plan.has_private
        )
        limit = self._plan.row_limit if is_first else None
        wanted = tuple(column.name for column in columns)
        batches = read_ahead(limit_batches(leaf.read(wanted), limit))
        part = "train" if is_first and leaf.parts else None
        with closing(TableWriter(place, TableId("raw", "join", "staged000"), {})) as writer:
            for cast in caster.cast_batches(batches, leaf.reading, part=part):
                writer.append(_rename(cast.rows, self._aliases))
                if cast.rejected is not None:
                    yield CastRows(cast.rows.slice(0, 0).select([]), cast.rejected)
            caster.check_columns_fit()
            manifest = writer.finish()
        self.rejected_rows += caster.rejected_rows
        self.first_reason = self.first_reason or caster.first_reason
        if is_first:
            self.source_rows = caster.next_row
        aliases = {self._aliases[name] for name in names - set(self._source.on)}
        staged.append(_describe(leaf, manifest, writer.schema, place, aliases))

    def _join(self, duck: duckdb.DuckDBPyConnection, staged: list[_Staged]) -> Iterator[CastRows]:
        first = staged[0]
        for other in staged[1:]:
            self._check_not_multiplying(duck, first, other)
        schema = self._output_schema(staged)
        reader = duck.sql(self._query(staged, schema)).to_arrow_reader(BATCH_ROWS)
        names = {alias: name for name, alias in self._aliases.items()}
        after = 0
        for batch in reader:
            rows = pa.Table.from_batches([batch])
            after += rows.num_rows
            yield CastRows(_rename(rows.cast(schema), names), None)
        self.notes.append(
            f"join ({self._source.how}) on {', '.join(self._source.on)}: "
            f"{first.rows} rows before, {after} after"
        )

    def _check_not_multiplying(
        self, duck: duckdb.DuckDBPyConnection, first: _Staged, other: _Staged
    ) -> None:
        keys = ", ".join(self._aliases[name] for name in self._source.on)
        # Without names of their own DuckDB takes the two scans for one and finds no column.
        ours, theirs = f"{first.scan} AS ours", f"{other.scan} AS theirs"
        partners = f"SELECT {keys} FROM {theirs} SEMI JOIN {ours} USING ({keys})"
        twice = duck.execute(
            f"SELECT {keys}, count(*) FROM ({partners}) GROUP BY ALL HAVING count(*) > 1 "
            "ORDER BY ALL LIMIT 5"
        ).fetchall()
        query = f"SELECT count(*) FROM {ours} SEMI JOIN {theirs} USING ({keys})"
        ((matched,),) = duck.execute(query).fetchall()
        if twice:
            shown = "; ".join(self._show_key(row[:-1]) for row in twice)
            if any(key.private for key in self._keys):
                shown = "keys that are private"
            raise SchemaError(
                f"expected at most one row per key {list(self._source.on)} in "
                f"{shorten(other.name, 200)}, or the join multiplies rows. Received several for: "
                f"{shown}. Remove the copies, or aggregate that source first."
            )
        self.notes.append(
            f"join: {other.name} has {other.rows} rows; {matched} of {first.rows} rows of "
            f"{first.name} found a partner"
        )

    def _show_key(self, values: tuple[object, ...]) -> str:
        has_private = self._plan.has_private
        return ", ".join(show_value(value, has_private=has_private) for value in values)

    def _query(self, staged: list[_Staged], schema: pa.Schema) -> str:
        owner = {name: f"s{place}" for place, one in enumerate(staged) for name in one.own}
        columns = ", ".join(f"{owner.get(name, 's0')}.{name}" for name in schema.names)
        keys = [self._aliases[name] for name in self._source.on]
        kind = self._source.how.upper()
        query = f"SELECT {columns} FROM {staged[0].scan} AS s0"
        for place, one in enumerate(staged[1:], 1):
            pairs = (f"s0.{key} = s{place}.{key}" for key in keys)
            query += f" {kind} JOIN {one.scan} AS s{place} ON {' AND '.join(pairs)}"
        return f"{query} ORDER BY s0.{ROW_ID}"

    def _output_schema(self, staged: list[_Staged]) -> pa.Schema:
        types = {field.name: field.type for one in reversed(staged) for field in one.schema}
        tail = [ROW_ID, *([PART] if PART in staged[0].schema.names else [])]
        output = (self._aliases[name] for name in self._output)
        return pa.schema([(name, types[name]) for name in (*output, *tail)])


def _key_column(plan: ReadingPlan, name: str) -> Column:
    column = next((one for one in plan.contract if one.name == name), None)
    if column is None or column.kind == "ignore":
        # It is compared and then left out; a private one is not even staged as it is.
        is_private = column is not None and column.private is not None
        return IdColumn(name=name, kind="id", private="hash" if is_private else None)
    if column.private in {"mask", "drop"} or column.kind == "tensor":
        raise SpecError(
            "source.on must name columns whose values differ from row to row and are kept or "
            f"hashed. Received: {name!r}, private: {column.private}, kind: {column.kind}. "
            "Use `private: hash`, or join before the data arrive here."
        )
    return column


def _rename(rows: pa.Table, names: dict[str, str]) -> pa.Table:
    return rows.rename_columns([names.get(name, name) for name in rows.column_names])


def _describe(
    leaf: OpenedSource, manifest: dict[str, Any], schema: pa.Schema, place: Path, own: set[str]
) -> _Staged:
    files = [str(place / file["name"]) for file in manifest["files"]]
    return _Staged(
        name=leaf.name,
        scan=parquet_scan(files),
        own=tuple(own),
        rows=manifest["rows"],
        schema=schema,
    )
