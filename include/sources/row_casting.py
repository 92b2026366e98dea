"""Batches of a source become rows at rest: cast, protected, numbered; misfits are set aside."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final, NamedTuple

import numpy as np
import pyarrow as pa

from include.errors import SchemaError
from include.sources.batches import TEXT_LIMIT, Batch, Reject
from include.sources.privacy import protect
from include.specs import Column
from include.specs.names import PART, ROW_ID
from include.values.casts import cast_column, type_words
from include.values.frames import one_array
from include.values.overlap import map_in_threads
from include.values.reading import Reading
from include.values.showing import shorten, show_value

HOPELESS: Final = 10_000
EXAMPLES: Final = 5
REJECTED_SCHEMA: Final = pa.schema(
    [
        (ROW_ID, pa.int64()),
        ("file", pa.string()),
        ("line", pa.int64()),
        ("column", pa.string()),
        ("rule", pa.string()),
        ("reason", pa.string()),
        ("row", pa.string()),
    ]
)


class CastRows(NamedTuple):
    """Rows at rest, and the rejected ones (None: none)."""

    rows: pa.Table
    rejected: pa.Table | None


@dataclass
class _Tally:
    """What became of one column's cells so far."""

    good: int = 0
    bad: int = 0
    examples: list[str] = field(default_factory=list)


class RowCaster:
    """Casts the batches of a source one after the other and numbers the rows.

    Args:
        columns: Columns to keep, in the order of the table.
        hash_key: Secret key of private columns.
        has_private: Whether the contract has any private column, so that no text of a rejected
            row is kept or shown: it may be another column's.
        first_row: Number of the first row.
    """

    def __init__(
        self,
        columns: Sequence[Column],
        *,
        hash_key: str = "",
        has_private: bool = False,
        first_row: int = 0,
    ) -> None:
        self._columns = columns
        self._hash_key = hash_key
        self._has_private = has_private
        self._tallies = {column.name: _Tally() for column in columns}
        self.next_row = first_row
        self.rejected_rows = 0
        self.first_reason = ""

    def cast_batches(
        self, batches: Iterable[Batch], reading: Reading, *, part: str | None = None
    ) -> Iterator[CastRows]:
        """Cast all batches of one source.

        Args:
            batches: The batches, in order.
            reading: How the source's texts are read.
            part: None for a table without parts; else the part of batches that name none.

        Raises:
            SchemaError: No value of some column fits its kind.
        """
        for batch in batches:
            yield self._cast(batch, reading, part)

    def check_columns_fit(self) -> None:
        """Refuse a column of which not one value could be cast.

        Raises:
            SchemaError: There is such a column.
        """
        for column in self._columns:
            tally = self._tallies[column.name]
            if tally.bad and not tally.good:
                raise _misfit(column, tally)

    def _cast(self, batch: Batch, reading: Reading, part: str | None) -> CastRows:
        count = batch.rows.num_rows
        is_bad = np.zeros(count, dtype=bool)
        arrays: list[pa.Array] = []
        rejects = list(batch.rejects)
        sources = [one_array(batch.rows.column(column.name)) for column in self._columns]
        casts = map_in_threads(
            lambda column, source: cast_column(column, source, reading), self._columns, sources
        )
        for column, source, (values, bad) in zip(self._columns, sources, casts, strict=True):
            self._tallies[column.name].good += count - values.null_count
            if bad is not None:
                is_bad |= bad
                rejects += self._reject_cells(column, batch, source, bad)
            arrays.append(protect(column, values, self._hash_key))
        names = [column.name for column in self._columns]
        arrays.append(pa.array(batch.positions + self.next_row))
        names.append(ROW_ID)
        if part is not None:
            arrays.append(pa.repeat(batch.part or part, count))
            names.append(PART)
        rows = pa.table(arrays, names=names)
        rejected = self._build_rejected(rejects, batch.file) if rejects else None
        self.next_row += batch.records
        return CastRows(rows.filter(pa.array(~is_bad)) if is_bad.any() else rows, rejected)

    def _reject_cells(
        self, column: Column, batch: Batch, source: pa.Array, bad: np.ndarray
    ) -> Iterator[Reject]:
        tally = self._tallies[column.name]
        words = type_words(column)
        for row in np.flatnonzero(bad):
            value = self._show(source[int(row)], column)
            tally.bad += 1
            if len(tally.examples) < EXAMPLES and value not in tally.examples:
                tally.examples.append(value)
            if tally.bad >= HOPELESS and not tally.good:
                raise _misfit(column, tally)
            yield Reject(
                position=int(batch.positions[row]),
                line=int(batch.lines[row]),
                column=column.name,
                rule="does_not_cast",
                reason=f"expected {words}, received {value}",
                text="" if self._has_private else _row_text(batch, int(row)),
            )

    def _show(self, value: pa.Scalar, column: Column) -> str:
        if not value.is_valid:
            return "nothing"
        if column.private:
            return "a value that is private"
        return show_value(value.as_py(), has_private=self._has_private)

    def _build_rejected(self, rejects: list[Reject], file: str) -> pa.Table:
        rejects.sort(key=lambda reject: reject.position)
        if not self.first_reason:
            self.first_reason = f"line {rejects[0].line}: {rejects[0].reason}"
        self.rejected_rows += len({reject.position for reject in rejects})
        hidden = None if self._has_private else TEXT_LIMIT
        columns = {
            ROW_ID: [reject.position + self.next_row for reject in rejects],
            "file": [file] * len(rejects),
            "line": [reject.line for reject in rejects],
            "column": [reject.column for reject in rejects],
            "rule": [reject.rule for reject in rejects],
            "reason": [reject.reason for reject in rejects],
            "row": [reject.text[:hidden] if hidden else "" for reject in rejects],
        }
        return pa.table(columns, schema=REJECTED_SCHEMA)


def _row_text(batch: Batch, row: int) -> str:
    if batch.texts is not None:
        return batch.texts(row)[:TEXT_LIMIT]
    return str(batch.rows.slice(row, 1).to_pylist()[0])[:TEXT_LIMIT]


def _misfit(column: Column, tally: _Tally) -> SchemaError:
    examples = "values that are private" if column.private else ", ".join(tally.examples)
    return SchemaError(
        f"column {shorten(column.name)}: expected {type_words(column)} in every row. "
        f"Received: {examples}; not one of {tally.bad} values fits. Change the column's kind, "
        "source.missing or source.separator, or correct the source."
    )
