"""What a file looks like: DuckDB over a copy with all values as text, whatever the file's size.

The copy comes through ingest's reader (`text_copy.py`), so that what is counted here are the
values that ingest will see.
"""

import itertools
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple

import duckdb

from include.drafting.counting import COUNTED, NUMERIC, count_values
from include.drafting.file_form import FileForm
from include.drafting.marks import ALL_MARKS, ONLY_AMONG_NUMBERS, SURE
from include.drafting.text_copy import CopiedColumn, TextCopy
from include.drafting.tracking import ArrayForm, TimeForm
from include.values.duck import open_duckdb, parquet_scan, quote_name, quote_text

RAW: Final = "texts_with_marks"
TABLE: Final = "texts"
MOST_VALUES: Final = 100
FIRST_ROWS: Final = 2_000
# From here on the estimated number of distinct values is counted exactly.
NEARLY_UNIQUE: Final = 0.8


class ColumnProfile(NamedTuple):
    """One column: counts of what its values could be, and examples of what they are."""

    name: str
    key: str
    rows: int
    filled: int
    distinct: int
    integers: int
    numbers: int
    booleans: int
    emails: int
    phones: int
    dialled: int
    addresses: int
    titles: int
    capitals: int
    lettered: int
    commas: int
    thousands: int
    units: int
    low: float | None
    high: float | None
    shortest: int
    words: float
    is_distinct_exact: bool
    is_rising: bool
    values: tuple[str, ...]
    time: TimeForm | None
    array: ArrayForm | None
    is_nested: bool

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
        return is_pair or self.values == ("0", "1")


class FileProfile(NamedTuple):
    """A file: how it is read, and its columns."""

    form: FileForm
    missing: tuple[str, ...]
    rows: int
    duplicates: int
    columns: tuple[ColumnProfile, ...]
    determining: tuple[str, ...]
    has_valid_days: bool
    left_out: tuple[str, ...]
    rejected: int
    rejected_share: float
    first_reason: str

    @property
    def file_name(self) -> str:
        """Name of the file, without its place."""
        return Path(self.form.source.uri).name


def profile_copy(form: FileForm, copy: TextCopy, target: str) -> FileProfile:
    """Profile a file by its copy.

    Args:
        form: How the file is written.
        copy: Its values as texts.
        target: The column to predict: columns that determine it are found out.
    """
    with open_duckdb(memory_mb=1024) as duck:
        duck.execute(f"CREATE VIEW {RAW} AS SELECT * FROM {parquet_scan([str(copy.path)])}")
        missing = _find_marks(duck, copy.columns)
        _create_table(duck, copy.columns, missing)
        columns = tuple(_profile_column(duck, column) for column in copy.columns)
        return FileProfile(
            form=form,
            missing=("", *missing),
            rows=copy.rows,
            duplicates=copy.rows - _count(duck, f"SELECT DISTINCT * FROM {TABLE}"),
            columns=columns,
            determining=_find_determining(duck, columns, target),
            has_valid_days=_has_valid_days(duck, columns),
            left_out=copy.left_out,
            rejected=copy.rejected,
            rejected_share=copy.rejected_share,
            first_reason=copy.first_reason,
        )


def _find_marks(
    duck: duckdb.DuckDBPyConnection, columns: Sequence[CopiedColumn]
) -> tuple[str, ...]:
    """Find which of the usual marks of a missing value the file uses."""
    listed = ", ".join(quote_text(mark) for mark in ALL_MARKS)
    used: set[str] = set()
    for column in columns:
        key = quote_name(column.key)
        query = f"SELECT DISTINCT {key} FROM {RAW} WHERE {key} IN ({listed})"
        found = {str(row[0]) for row in duck.execute(query).fetchall()}
        used |= found & set(SURE)
        if found - set(SURE) and (column.time or _is_numeric(duck, key, listed)):
            used |= found & set(ONLY_AMONG_NUMBERS)
    return tuple(mark for mark in ALL_MARKS if mark in used)


def _is_numeric(duck: duckdb.DuckDBPyConnection, key: str, marks: str) -> bool:
    """Tell whether all values that are no marks are numbers, and there are some."""
    row = duck.execute(
        f"SELECT count(*), count(*) FILTER (regexp_matches({key}, {quote_text(NUMERIC)})) "
        f"FROM {RAW} WHERE {key} NOT IN ({marks})"
    ).fetchone()
    return row is not None and row[0] == row[1] > 0


def _create_table(
    duck: duckdb.DuckDBPyConnection, columns: Sequence[CopiedColumn], missing: tuple[str, ...]
) -> None:
    keys = [quote_name(column.key) for column in columns]
    chosen = keys
    if missing:
        marks = ", ".join(quote_text(mark) for mark in missing)
        chosen = [f"CASE WHEN {key} IN ({marks}) THEN NULL ELSE {key} END AS {key}" for key in keys]
    duck.execute(f"CREATE VIEW {TABLE} AS SELECT {', '.join(chosen)} FROM {RAW}")


def _profile_column(duck: duckdb.DuckDBPyConnection, column: CopiedColumn) -> ColumnProfile:
    value = quote_name(column.key)
    counts: Sequence[Any] = duck.execute(count_values(value, TABLE)).fetchone() or ()
    filled, distinct = int(counts[1]), int(counts[2])
    values: tuple[str, ...] = ()
    is_exact = distinct <= 2 * MOST_VALUES or distinct > NEARLY_UNIQUE * filled
    if distinct <= 2 * MOST_VALUES:
        found = duck.execute(
            f"SELECT DISTINCT {value} FROM {TABLE} WHERE {value} IS NOT NULL ORDER BY 1"
        ).fetchall()
        values, distinct = tuple(str(row[0]) for row in found), len(found)
    elif is_exact:
        distinct = _count(duck, f"SELECT DISTINCT {value} FROM {TABLE} WHERE {value} IS NOT NULL")
    whole = dict(zip(COUNTED, (int(count) for count in counts[3 : 3 + len(COUNTED)]), strict=True))
    low, high, shortest, words = counts[3 + len(COUNTED) :]
    return ColumnProfile(
        name=column.name,
        key=column.key,
        rows=int(counts[0]),
        filled=filled,
        distinct=distinct,
        **whole,
        low=low,
        high=high,
        shortest=int(shortest),
        words=float(words),
        is_distinct_exact=is_exact,
        is_rising=whole["numbers"] == filled > 0 and _is_rising(duck, value),
        values=values,
        time=column.time,
        array=column.array,
        is_nested=column.is_nested,
    )


def _is_rising(duck: duckdb.DuckDBPyConnection, value: str) -> bool:
    """Tell whether the first numbers of a column only rise, as counters do."""
    query = f"SELECT TRY_CAST({value} AS DOUBLE) FROM {TABLE} LIMIT {FIRST_ROWS}"
    numbers = [row[0] for row in duck.execute(query).fetchall() if row[0] is not None]
    return len(numbers) > 2 and all(a < b for a, b in itertools.pairwise(numbers))


def _find_determining(
    duck: duckdb.DuckDBPyConnection, columns: tuple[ColumnProfile, ...], target: str
) -> tuple[str, ...]:
    """Name the columns whose every value goes with one value of the target."""
    aim = next(column for column in columns if column.name == target)
    found = []
    for column in columns:
        is_candidate = column.name != target and column.distinct >= max(aim.distinct, 2)
        if not is_candidate or column.distinct > column.filled / 2 or aim.distinct <= 1:
            continue
        value, goal = quote_name(column.key), quote_name(aim.key)
        split = _count(
            duck,
            f"SELECT {value} FROM {TABLE} WHERE {value} IS NOT NULL AND {goal} IS NOT NULL "
            f"GROUP BY 1 HAVING count(DISTINCT {goal}) > 1 LIMIT 1",
        )
        if split == 0:
            found.append(column.name)
    return tuple(found)


def _has_valid_days(duck: duckdb.DuckDBPyConnection, columns: tuple[ColumnProfile, ...]) -> bool:
    """Tell whether columns named year, month and day make a date in every row."""
    keys = {column.name.lower(): quote_name(column.key) for column in columns}
    if not {"year", "month", "day"} <= set(keys):
        return False
    parts = (f"TRY_CAST({keys[part]} AS INTEGER)" for part in ("year", "month", "day"))
    written = f"printf('%04d-%02d-%02d', {', '.join(parts)})"
    wrong = f"SELECT 1 FROM {TABLE} WHERE TRY_CAST({written} AS DATE) IS NULL LIMIT 1"
    return _count(duck, wrong) == 0


def _count(duck: duckdb.DuckDBPyConnection, query: str) -> int:
    row = duck.execute(f"SELECT count(*) FROM ({query})").fetchone()
    return int(row[0]) if row else 0
