"""What a file looks like: DuckDB over a copy with all values as text, whatever the file's size.

The copy comes through ingest's reader (`text_copy.py`), so that what is counted here are the
values that ingest will see: read as `readings.py` found, without the rows that do not fit.
"""

import itertools
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import Any, Final

import duckdb
import pyarrow as pa

from include.drafting.counting import (
    MEASURES,
    NUMBERS,
    TEXTS,
    ask_of_numbers,
    count_texts,
    count_values,
    list_texts,
)
from include.drafting.file_form import FileForm
from include.drafting.marks import ALL_MARKS
from include.drafting.profile import ColumnProfile, FileProfile
from include.drafting.readings import CHUNK, ColumnReading, Misfits, express, read_columns
from include.drafting.text_copy import LINE, CopiedColumn, TextCopy
from include.drafting.unfit import find_far, find_misfits
from include.values.duck import fetch_row, parquet_scan, quote_name
from include.values.overlap import map_ahead

TABLE: Final = "texts"
UNFIT: Final = "unfit_lines"
WRITTEN: Final = "written"
MANY_COLUMNS: Final = 100
MAX_VALUES: Final = 100
FIRST_ROWS: Final = 2_000
# From here on the estimated number of distinct values is counted exactly.
NEARLY_UNIQUE: Final = 0.8
# What is not asked of numbers and times: each is one word.
NO_TEXTS: Final = (1.0, *[0] * len(TEXTS))
Tell = Callable[[str], None]


def profile_copy(
    duck: duckdb.DuckDBPyConnection, form: FileForm, copy: TextCopy, target: str, tell: Tell
) -> FileProfile:
    """Profile a file by its copy.

    Args:
        duck: Where it is counted.
        form: How the file is written.
        copy: Its values as texts.
        target: The column to predict.
        tell: Is told how far it is.
    """
    scan = parquet_scan([str(copy.path)])
    if len(copy.columns) > MANY_COLUMNS:
        # Every query would read the file's description of all columns again.
        duck.execute(f"CREATE TABLE {TABLE} AS SELECT * FROM {scan}")
        scan = TABLE
    readings = read_columns(duck, scan, copy.columns, target)
    misfits = {}
    for column in copy.columns:
        if readings[column.key].misfits:
            misfits[column.key], readings[column.key] = find_misfits(
                copy, column, readings[column.key]
            )
    lines = sorted({line for each in misfits.values() for line in each.lines})
    # Further connections see no registered table, only one that is the database's own.
    duck.register("lines", pa.table({"unfit": pa.array(lines, pa.int64())}))
    duck.execute(f"CREATE TABLE {UNFIT} AS SELECT * FROM lines")
    table = f"{scan} WHERE {LINE} NOT IN (SELECT unfit FROM {UNFIT})" if lines else scan
    profiler = _Profiler(duck, table, copy.columns, misfits)
    columns = profiler.profile(readings, copy.columns, tell)
    far = find_far(copy, columns, lines)
    readings.update(far)
    again = [column for column in copy.columns if column.key in far]
    fresh = {one.key: one for one in profiler.profile(readings, again, tell)}
    columns = tuple(fresh.get(column.key, column) for column in columns)
    keys = ", ".join(quote_name(column.key) for column in copy.columns)
    used = {mark for reading in readings.values() for mark in reading.missing}
    expressions = {column.name: express(column.key, readings[column.key]) for column in columns}

    @cache
    def count_distinct(*names: str) -> int:
        chosen = ", ".join(expressions[name] for name in names)
        return _count(duck, f"SELECT DISTINCT {chosen} FROM {table}")

    return FileProfile(
        form=form,
        missing=("", *(mark for mark in ALL_MARKS if mark in used)),
        rows=copy.rows - len(lines),
        duplicates=copy.rows - len(lines) - _count(duck, f"SELECT DISTINCT {keys} FROM {table}"),
        columns=columns,
        has_valid_days=_has_valid_days(duck, columns, table, expressions),
        copy=copy,
        unfit=tuple(lines),
        count_distinct=count_distinct,
    )


class _Profiler:
    """Counts columns, many in one query."""

    def __init__(
        self,
        duck: duckdb.DuckDBPyConnection,
        table: str,
        columns: Sequence[CopiedColumn],
        misfits: Mapping[str, Misfits],
    ) -> None:
        self._duck, self._table, self._misfits = duck, table, misfits
        self._count = len(columns)

    def profile(
        self, readings: Mapping[str, ColumnReading], columns: Sequence[CopiedColumn], tell: Tell
    ) -> tuple[ColumnProfile, ...]:
        def profile_chunk(chunk: Sequence[CopiedColumn]) -> list[ColumnProfile]:
            with self._duck.cursor() as duck:
                return self._profile_chunk(duck, readings, chunk)

        profiles: list[ColumnProfile] = []
        for found in map_ahead(profile_chunk, _chunks(columns, CHUNK)):
            profiles += found
            if len(columns) > CHUNK:
                tell(f"{len(profiles)} of {self._count} columns profiled")
        return tuple(profiles)

    def _profile_chunk(
        self,
        duck: duckdb.DuckDBPyConnection,
        readings: Mapping[str, ColumnReading],
        chunk: Sequence[CopiedColumn],
    ) -> list[ColumnProfile]:
        values = [express(column.key, readings[column.key]) for column in chunk]
        numbers = [_choose_conditions(column, readings[column.key]) for column in chunk]
        row = fetch_row(duck, count_values(values, numbers, self._table))
        counts = _chunks(row, len(MEASURES) + len(NUMBERS))
        few = [row[2] <= 2 * MAX_VALUES for row in counts]
        listed = iter(
            self._list_values(duck, [v for v, one in zip(values, few, strict=True) if one])
        )
        is_text = [
            row[1] > row[len(MEASURES) + 1] and not column.time
            for column, row in zip(chunk, counts, strict=True)
        ]
        asked = [value for value, text in zip(values, is_text, strict=True) if text]
        texts = iter(_ask_of_texts(duck, asked, self._table))
        profiles = []
        for place, column in enumerate(chunk):
            found = next(listed) if few[place] else None
            row = (*counts[place], *(next(texts) if is_text[place] else NO_TEXTS))
            profiles.append(
                self._finish(duck, column, readings[column.key], values[place], row, found)
            )
        return profiles

    def _list_values(
        self, duck: duckdb.DuckDBPyConnection, values: list[str]
    ) -> list[dict[str, int]]:
        """Count the rows of each value of columns that have few."""
        if not values:
            return []
        selected = ", ".join(f"histogram({value})" for value in values)
        found = fetch_row(duck, f"SELECT {selected} FROM {self._table}")
        return [{text: int(one[text]) for text in sorted(one or {})} for one in found]

    def _finish(
        self,
        duck: duckdb.DuckDBPyConnection,
        column: CopiedColumn,
        reading: ColumnReading,
        value: str,
        counts: Sequence[Any],
        values: dict[str, int] | None,
    ) -> ColumnProfile:
        rows, filled, distinct, low, high, mean, shortest, *whole = counts
        words = whole.pop(len(NUMBERS))
        named = dict(zip((*NUMBERS, *TEXTS), whole, strict=True))
        # Fractions measure something: whether no value occurs twice is asked of names only.
        is_fraction = named["numbers"] == filled > named["integers"] + named["long"]
        is_near = distinct > NEARLY_UNIQUE * filled and not is_fraction
        is_exact = values is not None or is_near
        there = f"SELECT {value} AS v FROM {self._table}"
        if values is not None:
            distinct = len(values)
        elif is_exact:
            distinct = _count(duck, f"SELECT DISTINCT v FROM ({there}) WHERE v IS NOT NULL")
        is_number = named["numbers"] == filled > 0
        return ColumnProfile(
            name=column.name,
            key=column.key,
            rows=rows,
            filled=filled,
            distinct=distinct,
            low=low,
            high=high,
            mean=mean,
            shortest=int(shortest),
            words=float(words),
            **named,
            is_distinct_exact=is_exact,
            is_rising=is_number and is_exact and distinct == filled and _is_rising(duck, there),
            values=values or {},
            time=column.time,
            array=column.array,
            is_nested=column.is_nested,
            reading=reading,
            misfits=self._misfits.get(column.key),
        )


def _ask_of_texts(
    duck: duckdb.DuckDBPyConnection, values: Sequence[str], table: str
) -> list[tuple[Any, ...]]:
    if not values:
        return []
    duck.execute(f"CREATE OR REPLACE TEMP TABLE {WRITTEN} AS {list_texts(values, table)}")
    found = duck.execute(count_texts(WRITTEN)).fetchall()
    return [tuple(row) for row in found]


def _chunks(items: Sequence[Any], size: int) -> list[Sequence[Any]]:
    return [items[start : start + size] for start in range(0, len(items), size)]


def _is_rising(duck: duckdb.DuckDBPyConnection, there: str) -> bool:
    """Tell whether the first numbers of a column only rise, as counters do."""
    found = duck.execute(f"SELECT TRY_CAST(v AS DOUBLE) FROM ({there}) LIMIT {FIRST_ROWS}")
    numbers = [row[0] for row in found.fetchall() if row[0] is not None]
    return len(numbers) > 2 and all(a < b for a, b in itertools.pairwise(numbers))


def _choose_conditions(column: CopiedColumn, reading: ColumnReading) -> dict[str, str]:
    counts = column.counts
    is_plain = counts.numbers == counts.filled - sum(counts.marks.values())
    if not is_plain or reading.options or reading.misfits:
        return NUMBERS
    return ask_of_numbers(
        has_integers=counts.integers > 0, has_fractions=counts.numbers > counts.integers
    )


def _has_valid_days(
    duck: duckdb.DuckDBPyConnection,
    columns: tuple[ColumnProfile, ...],
    table: str,
    expressions: Mapping[str, str],
) -> bool:
    """Tell whether columns named year, month and day make a date in every row."""
    values = {column.name.lower(): expressions[column.name] for column in columns}
    if not {"year", "month", "day"} <= set(values):
        return False
    parts = ", ".join(f"TRY_CAST({values[part]} AS INTEGER)" for part in ("year", "month", "day"))
    written = f"SELECT printf('%04d-%02d-%02d', {parts}) AS day FROM {table}"
    return (
        _count(duck, f"SELECT 1 FROM ({written}) WHERE TRY_CAST(day AS DATE) IS NULL LIMIT 1") == 0
    )


def _count(duck: duckdb.DuckDBPyConnection, query: str) -> int:
    return int(fetch_row(duck, f"SELECT count(*) FROM ({query})")[0])
