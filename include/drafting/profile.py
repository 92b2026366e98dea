"""What a file looks like: DuckDB over a copy with all values as text, whatever the file's size.

The copy comes through ingest's reader (`text_copy.py`), so that what is counted here are the
values that ingest will see: read as `readings.py` found, without the rows that do not fit.
"""

import itertools
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple

import duckdb
import numpy as np
import pyarrow as pa

from include.drafting.counting import MEASURES, NUMBERS, TEXTS, count_values
from include.drafting.file_form import FileForm
from include.drafting.marks import ALL_MARKS
from include.drafting.readings import (
    CHUNK,
    REPEATED,
    ColumnReading,
    Misfits,
    read_columns,
    show_misfits,
)
from include.drafting.text_copy import LINE, CopiedColumn, TextCopy
from include.drafting.tracking import ArrayForm, TimeForm
from include.specs.columns import BooleanColumn, Column, DatetimeColumn, NumberColumn
from include.values.casts import cast_column
from include.values.duck import fetch_row, parquet_scan, quote_name, quote_text
from include.values.reading import Reading

TABLE: Final = "texts"
UNFIT: Final = "unfit_lines"
MANY_COLUMNS: Final = 100
MOST_VALUES: Final = 100
FIRST_ROWS: Final = 2_000
# From here on the estimated number of distinct values is counted exactly.
NEARLY_UNIQUE: Final = 0.8
# A number is no measurement if so many spans of all others lie between it and them.
FAR: Final = 3.0
FEWEST_FAR: Final = 0.002
Tell = Callable[[str], None]


class ColumnProfile(NamedTuple):
    """One column: counts of what its values could be, and examples of what they are."""

    name: str
    key: str
    rows: int
    filled: int
    distinct: int
    low: float | None
    high: float | None
    mean: float | None
    shortest: int
    words: float
    integers: int
    numbers: int
    zeros: int
    long: int
    whole_floats: int
    booleans: int
    emails: int
    phones: int
    dialled: int
    addresses: int
    titles: int
    capitals: int
    lettered: int
    clocks: int
    is_distinct_exact: bool
    is_rising: bool
    values: Mapping[str, int]
    time: TimeForm | None
    array: ArrayForm | None
    is_nested: bool
    reading: ColumnReading
    misfits: Misfits | None

    @property
    def null_share(self) -> float:
        """Share of missing values."""
        return 1 - self.filled / self.rows if self.rows else 1.0

    @property
    def is_unique(self) -> bool:
        """Whether no value occurs twice, as far as every row was counted."""
        return self.is_distinct_exact and self.distinct == self.filled

    @property
    def is_boolean(self) -> bool:
        """Whether every value is one of two opposites."""
        lower = {value.lower() for value in self.values}
        is_pair = len(lower) == 2 and self.booleans == self.filled
        return is_pair or set(self.values) == {"0", "1"}

    @property
    def is_numeric(self) -> bool:
        """Whether every value is a number."""
        return self.numbers == self.filled > 0


class FileProfile(NamedTuple):
    """A file: how it is read, and its columns."""

    form: FileForm
    missing: tuple[str, ...]
    rows: int
    duplicates: int
    columns: tuple[ColumnProfile, ...]
    has_valid_days: bool
    copy: TextCopy
    unfit: tuple[int, ...]
    count_distinct: Callable[..., int]

    @property
    def file_name(self) -> str:
        """Name of the file, without its place."""
        return Path(self.form.source.uri).name

    @property
    def lost_share(self) -> float:
        """Share of rows that cannot be read or do not fit."""
        lost = self.copy.rejected + len(self.unfit)
        return lost / max(1, self.copy.rows + self.copy.rejected)


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
    misfits = {
        column.key: _find_misfits(copy, column, readings[column.key])
        for column in copy.columns
        if readings[column.key].misfits
    }
    lines = sorted({line for each in misfits.values() for line in each.lines})
    duck.register(UNFIT, pa.table({"unfit": pa.array(lines, pa.int64())}))
    table = f"{scan} WHERE {LINE} NOT IN (SELECT unfit FROM {UNFIT})" if lines else scan
    profiler = _Profiler(duck, table, copy.columns, misfits)
    columns = profiler.profile(readings, copy.columns, tell)
    for _ in range(2):
        far = _find_far(duck, table, columns)
        readings.update(far)
        again = [column for column in copy.columns if column.key in far]
        fresh = {one.key: one for one in profiler.profile(readings, again, tell)}
        columns = tuple(fresh.get(column.key, column) for column in columns)
    keys = ", ".join(quote_name(column.key) for column in copy.columns)
    used = {mark for reading in readings.values() for mark in reading.missing}
    expressions = {column.name: express(column.key, readings[column.key]) for column in columns}

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


def express(key: str, reading: ColumnReading) -> str:
    """Write in SQL what a column's text is: null where missing, a plain number where it is one."""
    value = quote_name(key)
    options = reading.options
    plain = value
    for mark in (options.get("unit"), options.get("thousands")):
        if mark:
            plain = f"replace({plain}, {quote_text(mark)}, '')"
    if options.get("decimal"):
        plain = f"replace({plain}, {quote_text(options['decimal'])}, '.')"
    plain = f"replace({plain}, ' ', '')" if options else plain
    if not reading.missing:
        return plain
    marks = ", ".join(quote_text(mark) for mark in reading.missing)
    return f"CASE WHEN {value} IN ({marks}) THEN NULL ELSE {plain} END"


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
        profiles: list[ColumnProfile] = []
        for start in range(0, len(columns), CHUNK):
            chunk = columns[start : start + CHUNK]
            values = [express(column.key, readings[column.key]) for column in chunk]
            counts = self._select(values, [*NUMBERS.values()], len(MEASURES) + len(NUMBERS))
            is_text = [row[1] > row[len(MEASURES) + 1] for row in counts]
            asked = [value for value, text in zip(values, is_text, strict=True) if text]
            more = iter(self._select(asked, [*TEXTS.values()], len(MEASURES) + len(TEXTS)))
            for column, value, row, text in zip(chunk, values, counts, is_text, strict=True):
                texts = next(more)[len(MEASURES) :] if text else [0] * len(TEXTS)
                profiles.append(self._finish(column, readings[column.key], value, [*row, *texts]))
            if start + CHUNK < len(columns) or start:
                tell(f"{len(profiles)} of {self._count} columns profiled")
        return tuple(profiles)

    def _select(self, values: list[str], conditions: list[str], width: int) -> list[list[Any]]:
        if not values:
            return []
        selected = ", ".join(count_values(values, conditions))
        row = fetch_row(self._duck, f"SELECT {selected} FROM {self._table}")
        return [list(row[place : place + width]) for place in range(0, len(row), width)]

    def _finish(
        self, column: CopiedColumn, reading: ColumnReading, value: str, counts: list[Any]
    ) -> ColumnProfile:
        rows, filled, distinct, low, high, mean, shortest, words, *whole = counts
        named = dict(zip((*NUMBERS, *TEXTS), whole, strict=True))
        values: dict[str, int] = {}
        # Fractions measure something: whether no value occurs twice is asked of names only.
        is_fraction = named["numbers"] == filled > named["integers"] + named["long"]
        is_near = distinct > NEARLY_UNIQUE * filled and not is_fraction
        is_exact = distinct <= 2 * MOST_VALUES or is_near
        there = f"SELECT {value} AS v FROM {self._table}"
        if distinct <= 2 * MOST_VALUES:
            values = dict(
                self._duck.execute(
                    f"SELECT v, count(*) FROM ({there}) WHERE v IS NOT NULL GROUP BY 1 ORDER BY 1"
                ).fetchall()
            )
            distinct = len(values)
        elif is_exact:
            distinct = _count(self._duck, f"SELECT DISTINCT v FROM ({there}) WHERE v IS NOT NULL")
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
            is_rising=is_number and distinct == filled and self._is_rising(there),
            values=values,
            time=column.time,
            array=column.array,
            is_nested=column.is_nested,
            reading=reading,
            misfits=self._misfits.get(column.key),
        )

    def _is_rising(self, there: str) -> bool:
        """Tell whether the first numbers of a column only rise, as counters do."""
        found = self._duck.execute(
            f"SELECT TRY_CAST(v AS DOUBLE) FROM ({there}) LIMIT {FIRST_ROWS}"
        )
        numbers = [row[0] for row in found.fetchall() if row[0] is not None]
        return len(numbers) > 2 and all(a < b for a, b in itertools.pairwise(numbers))


def _find_misfits(copy: TextCopy, column: CopiedColumn, reading: ColumnReading) -> Misfits:
    """Name the cells that ingest's cast will not take."""
    contract: Column
    if reading.misfits == "time":
        form = column.time.format if column.time else None
        contract = DatetimeColumn(name="any", kind="datetime", format=form)
    elif reading.misfits == "boolean":
        contract = BooleanColumn(name="any", kind="boolean")
    else:
        contract = NumberColumn(name="any", kind="number", **reading.options)
    marks = Reading(missing=("", *reading.missing))
    found: list[tuple[int, str]] = []
    for texts, lines in copy.iter_column(column.key):
        _, bad = cast_column(contract, texts, marks)
        if bad is not None:
            found += [(int(lines[row]), texts[int(row)].as_py()) for row in np.flatnonzero(bad)]
    return show_misfits(found)


def _find_far(
    duck: duckdb.DuckDBPyConnection, table: str, columns: Sequence[ColumnProfile]
) -> dict[str, ColumnReading]:
    """Take a number for missing that lies far from all others and stands there many times."""
    asked = [
        one for one in columns if one.is_numeric and one.distinct > 2 * REPEATED and not one.long
    ]
    readings = {}
    for start in range(0, len(asked), CHUNK):
        chunk = asked[start : start + CHUNK]
        parts = []
        for column in chunk:
            number = f"TRY_CAST({express(column.key, column.reading)} AS DOUBLE)"
            raw = quote_name(column.key)
            for end, step, other in ((column.low, ">", "min"), (column.high, "<", "max")):
                parts.append(f"{other}({number}) FILTER ({number} {step} {end!r}::DOUBLE)")
                parts.append(f"count(*) FILTER ({number} = {end!r}::DOUBLE)")
                parts.append(f"min({raw}) FILTER ({number} = {end!r}::DOUBLE)")
        row = fetch_row(duck, f"SELECT {', '.join(parts)} FROM {table}")
        for place, column in enumerate(chunk):
            low, high = row[6 * place : 6 * place + 3], row[6 * place + 3 : 6 * place + 6]
            far = {
                str(text): count
                for end, rest, (after, count, text) in (
                    (column.low, column.high, low),
                    (column.high, column.low, high),
                )
                if count >= max(REPEATED, FEWEST_FAR * column.filled)
                and _is_far(end or 0.0, after, rest or 0.0)
            }
            if far:
                reading = column.reading
                readings[column.key] = reading._replace(
                    missing={**reading.missing, **far}, doubtful={**reading.doubtful, **far}
                )
    return readings


def _is_far(value: float, after: float, end: float) -> bool:
    """Tell whether a number is many spans of all others away; nines are written for missing."""
    is_nines = set(f"{abs(value):g}") == {"9"} and abs(value) > 90
    spans = 1.0 if is_nines else FAR
    return value != 0 and abs(after - value) > spans * abs(end - after) > 0


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
