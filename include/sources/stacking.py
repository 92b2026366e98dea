"""The rows of one source, or of several stacked one after the other."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from include.sources.batches import OpenedSource, limit_batches
from include.sources.column_match import check_columns_present, list_dropped
from include.sources.opening import SourcePlaces
from include.sources.row_casting import CastRows, RowCaster
from include.specs import Column
from include.values.overlap import read_ahead
from include.values.showing import shorten


@dataclass(frozen=True)
class ReadingPlan:
    """What is read, and how it is protected.

    Attributes:
        contract: All columns of the spec, in order.
        columns: Those that are stored.
        places: Where sources lie.
        hash_key: Secret key of `private: hash`.
        row_limit: Most rows to read.
        optional: Stored columns that a source may lack, such as the target when scoring.
    """

    contract: tuple[Column, ...]
    columns: tuple[Column, ...]
    places: SourcePlaces
    hash_key: str = ""
    row_limit: int | None = None
    optional: frozenset[str] = frozenset()

    @property
    def names(self) -> tuple[str, ...]:
        """Names of all contract columns, in order."""
        return tuple(column.name for column in self.contract)

    @property
    def has_private(self) -> bool:
        """Whether any column is personal data."""
        return any(column.private for column in self.contract)


def must_have(columns: Iterable[Column], found: Iterable[str], *, is_open: bool) -> tuple[str, ...]:
    """Name the columns that a source may not lack altogether.

    Where rows may lack a column, so may all of them, if the contract lets values be missing; but
    a source with none of the columns is another one.

    Args:
        columns: Columns to read.
        found: Names that the source has.
        is_open: Whether its rows may lack any column.
    """
    names = {column.name: column.nulls for column in columns}
    if not is_open or not set(names).intersection(found):
        return tuple(names)
    return tuple(name for name, nulls in names.items() if not nulls)


def note_lacked(names: Iterable[str], leaf: OpenedSource) -> list[str]:
    """Tell which columns no row of a source has; a closed source was checked to have all."""
    lacked = [name for name in names if name not in leaf.columns]
    return [f"{leaf.name}: no row has {shorten(name)}, taken as missing" for name in lacked]


class StackedRows:
    """Reads one source or a union; counts are complete once all rows have been taken."""

    def __init__(self, plan: ReadingPlan, leaves: tuple[OpenedSource, ...]) -> None:
        self._plan, self._leaves = plan, leaves
        self._columns = tuple(
            column
            for column in plan.columns
            if column.name not in plan.optional
            or all(column.name in leaf.columns for leaf in leaves)
        )
        self._wanted = tuple(column.name for column in self._columns)
        for leaf in leaves:
            check_columns_present(
                must_have(self._columns, leaf.columns, is_open=leaf.has_open_rows),
                leaf.columns,
                leaf.name,
                hides_names=plan.has_private,
            )
        self._caster = RowCaster(
            self._columns, hash_key=plan.hash_key, has_private=plan.has_private
        )
        self.dropped = list_dropped(
            tuple(dict.fromkeys(name for leaf in leaves for name in leaf.columns)), plan.names
        )
        self.notes = [note for leaf in leaves for note in note_lacked(self._wanted, leaf)]

    @property
    def source_rows(self) -> int:
        """Rows read so far, rejected ones included."""
        return self._caster.next_row

    @property
    def rejected_rows(self) -> int:
        """Rows rejected so far."""
        return self._caster.rejected_rows

    @property
    def first_reason(self) -> str:
        """Why the first rejected row was rejected."""
        return self._caster.first_reason

    def __iter__(self) -> Iterator[CastRows]:
        part = "train" if any(leaf.parts for leaf in self._leaves) else None
        counts: list[str] = []
        for leaf in self._leaves:
            before = self._caster.next_row
            left = None if self._plan.row_limit is None else self._plan.row_limit - before
            if left != 0:
                batches = read_ahead(limit_batches(leaf.read(self._wanted), left))
                yield from self._caster.cast_batches(batches, leaf.reading, part=part)
            counts.append(f"{leaf.name} ({self._caster.next_row - before} rows)")
        self._caster.check_columns_fit()
        if len(self._leaves) > 1:
            self.notes.append(f"union: {' + '.join(counts)} = {self._caster.next_row} rows")
