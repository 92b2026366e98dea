"""Points in time that a source spreads over columns such as year, month, day and hour.

The source is wrapped: it seems to have the time as one column of ISO texts, which is then cast
like any other, so that a day that does not exist is rejected with its line like any other cell.
"""

from collections.abc import Iterable, Iterator

from include.sources.batches import Batch, OpenedSource
from include.specs import Column
from include.specs.columns import DatetimeColumn
from include.values.times import join_parts


def compose_times(source: OpenedSource, contract: Iterable[Column]) -> OpenedSource:
    """Give a source the times of the contract that it holds in parts.

    Args:
        source: The source as opened; returned as it is if the contract has no such time, or the
            source lacks one of its parts, or holds the time itself.
        contract: All columns of the spec.
    """
    composed = {
        column.name: column.from_parts
        for column in _composed(contract)
        if set(column.from_parts) <= set(source.columns) and column.name not in source.columns
    }
    if not composed:
        return source

    def read(wanted: tuple[str, ...]) -> Iterator[Batch]:
        made = {name: parts for name, parts in composed.items() if name in wanted}
        parts = [part for names in made.values() for part in names]
        plain = [name for name in wanted if name not in made]
        for batch in source.read(tuple(dict.fromkeys([*plain, *parts]))):
            rows = batch.rows.select(plain)
            for name, names in made.items():
                columns = [batch.rows.column(part).combine_chunks() for part in names]
                rows = rows.append_column(name, join_parts(columns, source.reading))
            yield batch._replace(rows=rows.select(list(wanted)))

    columns = tuple(dict.fromkeys([*source.columns, *composed]))
    return source._replace(columns=columns, read=read)


def names_in_source(contract: Iterable[Column]) -> tuple[str, ...]:
    """Name the columns that a source without a header is expected to have, in order."""
    columns = tuple(contract)
    composed = {column.name for column in _composed(columns)}
    return tuple(column.name for column in columns if column.name not in composed)


def _composed(contract: Iterable[Column]) -> Iterator[DatetimeColumn]:
    for column in contract:
        if isinstance(column, DatetimeColumn) and column.from_parts:
            yield column
