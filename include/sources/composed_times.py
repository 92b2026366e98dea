"""Points in time that a source spreads over columns such as year, month, day and hour.

The source is wrapped: it seems to have the time as one column of ISO texts, which is then cast
like any other, so that a day that does not exist is rejected with its line like any other cell.
"""

from collections.abc import Iterable, Iterator
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc

from include.sources.batches import Batch, OpenedSource
from include.specs import Column
from include.specs.columns import DatetimeColumn
from include.values.reading import Reading
from include.values.texts import clean_text

# What stands before each part, and how many digits it has: 2010-01-31 09:05:00.
SHAPE: Final = (("", 4), ("-", 2), ("-", 2), (" ", 2), (":", 2), (":", 2))
UNNAMED: Final = ("", "01", "01", "00", "00", "00")


def compose_times(source: OpenedSource, contract: Iterable[Column]) -> OpenedSource:
    """Give a source the times of the contract that it holds in parts.

    Args:
        source: The source as opened; returned as it is if the contract has no such time, or the
            source lacks one of its parts.
        contract: All columns of the spec.
    """
    composed = {
        column.name: column.from_parts
        for column in _composed(contract)
        if set(column.from_parts) <= set(source.columns)
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
                columns = [batch.rows.column(part) for part in names]
                rows = rows.append_column(name, join_parts(columns, source.reading))
            yield batch._replace(rows=rows.select(list(wanted)))

    columns = tuple(dict.fromkeys([*source.columns, *composed]))
    return source._replace(columns=columns, read=read)


def names_in_source(contract: Iterable[Column]) -> tuple[str, ...]:
    """Name the columns that a source without a header is expected to have, in order."""
    columns = tuple(contract)
    composed = {column.name for column in _composed(columns)}
    return tuple(column.name for column in columns if column.name not in composed)


def join_parts(parts: Iterable[pa.ChunkedArray], reading: Reading) -> pa.Array:
    """Write parts of a time as ISO texts; null where a part is missing.

    Example:
        >>> parts = [pa.chunked_array([[number]]) for number in (2010, 1, 31, 9)]
        >>> join_parts(parts, Reading())[0].as_py()
        '2010-01-31 09:00:00'
    """
    texts = [_as_digits(part, reading) for part in parts]
    count = len(texts[0])
    texts += [pa.repeat(UNNAMED[place], count) for place in range(len(texts), len(SHAPE))]
    joined = pa.repeat("", count)
    for (mark, width), text in zip(SHAPE, texts, strict=True):
        padded = pc.utf8_lpad(text, width, padding="0")
        joined = pc.binary_join_element_wise(joined, padded, mark)
    return joined


def _as_digits(part: pa.ChunkedArray, reading: Reading) -> pa.Array:
    """Write whole numbers as digits; what is no whole number stays and fails as a date later."""
    array = part.combine_chunks()
    if isinstance(array, pa.ChunkedArray):
        array = pa.concat_arrays(array.chunks) if array.chunks else pa.array([], part.type)
    if pa.types.is_floating(array.type):
        array = pc.if_else(pc.is_finite(array), array, None)
    texts = array.cast(pa.string())
    return pc.replace_substring_regex(clean_text(texts, reading), r"^(\d+)\.0*$", r"\1")


def _composed(contract: Iterable[Column]) -> Iterator[DatetimeColumn]:
    for column in contract:
        if isinstance(column, DatetimeColumn) and column.from_parts:
            yield column
