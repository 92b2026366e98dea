"""What a file looks like: one pass of DuckDB over its columns, whatever its size.

Every value is read as text first and then tried as a number, a time, a boolean; so a file is
profiled before anybody has said what its columns are.
"""

import itertools
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple

import duckdb

from include.errors import SourceError
from include.tables.duck import open_duckdb, quote_name, quote_text

MISSING: Final = ("", "NA", "N/A", "NaN", "nan", "null", "NULL", "None", "?")
TABLE: Final = "rows_as_text"
MOST_VALUES: Final = 100
COUNTED: Final = ("integers", "numbers", "booleans", "times", "emails", "phones")
EMAIL: Final = r"^[^@\s]+@[^@\s]+\.[A-Za-z]{2,}$"
PHONE: Final = r"^\+?[0-9][0-9 ()/.-]{6,18}[0-9]$"


class ColumnProfile(NamedTuple):
    """One column: counts of what its values could be, and examples of what they are."""

    name: str
    rows: int
    filled: int
    distinct: int
    integers: int
    numbers: int
    booleans: int
    times: int
    emails: int
    phones: int
    low: float | None
    high: float | None
    longest: int
    words: float
    is_rising: bool
    values: tuple[str, ...]

    @property
    def null_share(self) -> float:
        """Share of missing values."""
        return 1 - self.filled / self.rows if self.rows else 1.0


class FileProfile(NamedTuple):
    """A file: how it is read, and its columns."""

    path: Path
    format: str
    has_header: bool
    separator: str
    missing: tuple[str, ...]
    rows: int
    duplicates: int
    columns: tuple[ColumnProfile, ...]
    determining: tuple[str, ...]


def profile_file(path: Path, target: str) -> FileProfile:
    """Profile a CSV, TSV, JSON-lines or Parquet file.

    Args:
        path: The file.
        target: The column to predict: columns that determine it are found out.

    Raises:
        SourceError: The file is missing, empty or unreadable, or has no such column.
    """
    if not path.is_file() or path.stat().st_size == 0:
        raise SourceError(f"--from must name a file with rows. Received: {str(path)!r}.")
    with open_duckdb(memory_mb=1024) as duck:
        try:
            kind, has_header, separator = _open(duck, path)
        except duckdb.Error as error:
            raise SourceError(
                f"{path.name} must be readable as CSV, TSV, JSON lines or Parquet. "
                f"Received: {str(error).splitlines()[0]}."
            ) from error
        names = [str(row[0]) for row in duck.execute(f"DESCRIBE {TABLE}").fetchall()]
        if target not in names:
            raise SourceError(
                f"--target must name a column of {path.name}. Received: {target!r}; "
                f"columns: {names[:50]}."
            )
        columns = tuple(_profile_column(duck, name) for name in names)
        missing = _markers(duck, names)
        rows = columns[0].rows
        if rows == 0:
            raise SourceError(f"{path.name} must hold rows. Received: a header only.")
        return FileProfile(
            path=path,
            format=kind,
            has_header=has_header,
            separator=separator,
            missing=missing,
            rows=rows,
            duplicates=rows - _count(duck, f"SELECT DISTINCT * FROM {TABLE}"),
            columns=columns,
            determining=_find_determining(duck, columns, target),
        )


def _open(duck: duckdb.DuckDBPyConnection, path: Path) -> tuple[str, bool, str]:
    """Make the view of all values as trimmed text, with the usual markers of missing as NULL."""
    kind, name = _format_of(path), quote_text(str(path))
    has_header, separator = True, ","
    if kind == "csv":
        sniffed = duck.execute(f"SELECT HasHeader, Delimiter FROM sniff_csv({name})").fetchone()
        has_header, separator = (bool(sniffed[0]), str(sniffed[1])) if sniffed else (True, ",")
        scan = (
            f"read_csv({name}, all_varchar=true, header={str(has_header).lower()}, "
            f"delim={quote_text(separator)}, quote='\"', escape='\"', strict_mode=false, "
            "ignore_errors=true)"
        )
    else:
        scan = f"read_{'json_auto' if kind == 'jsonl' else 'parquet'}({name})"
    columns = duck.execute(f"DESCRIBE SELECT * FROM {scan}").fetchall()
    markers = ", ".join(quote_text(marker) for marker in MISSING)
    texts = (f"trim(CAST({quote_name(row[0])} AS VARCHAR))" for row in columns)
    pairs = zip(texts, columns, strict=True)
    duck.execute(f"CREATE VIEW with_markers AS SELECT * FROM {scan}")
    chosen = ", ".join(
        f"CASE WHEN {text} IN ({markers}) THEN NULL ELSE {text} END AS {quote_name(row[0])}"
        for text, row in pairs
    )
    # A table rather than a view: it spills to disk, and the file is parsed once, not per column.
    duck.execute(f"CREATE TABLE {TABLE} AS SELECT {chosen} FROM with_markers")
    return kind, has_header, separator


def _format_of(path: Path) -> str:
    name = path.name.lower().removesuffix(".gz")
    if name.endswith((".jsonl", ".ndjson")):
        return "jsonl"
    return "parquet" if name.endswith((".parquet", ".pq")) else "csv"


def _profile_column(duck: duckdb.DuckDBPyConnection, name: str) -> ColumnProfile:
    value = quote_name(name)
    number = f"TRY_CAST({value} AS DOUBLE)"
    query = f"""
        SELECT count(*), count({value}), approx_count_distinct({value}),
               count(*) FILTER (regexp_full_match({value}, '[+-]?[0-9]{{1,18}}')),
               count({number}) FILTER (isfinite({number})),
               count(*) FILTER (lower({value}) IN ('true','false','yes','no','t','f','y','n')),
               count(TRY_CAST({value} AS TIMESTAMP)),
               count(*) FILTER (regexp_matches({value}, {quote_text(EMAIL)})),
               count(*) FILTER (regexp_matches({value}, {quote_text(PHONE)})),
               min({number}) FILTER (isfinite({number})),
               max({number}) FILTER (isfinite({number})),
               coalesce(max(length({value})), 0),
               coalesce(avg(length({value}) - length(replace({value}, ' ', '')) + 1), 0)
        FROM {TABLE}"""
    counts: Sequence[Any] = duck.execute(query).fetchone() or ()
    distinct = int(counts[2])
    values: tuple[str, ...] = ()
    if distinct <= 2 * MOST_VALUES:
        found = duck.execute(
            f"SELECT DISTINCT {value} FROM {TABLE} WHERE {value} IS NOT NULL ORDER BY 1"
        ).fetchall()
        values, distinct = tuple(str(row[0]) for row in found), len(found)
    whole = dict(zip(COUNTED, (int(count) for count in counts[3:9]), strict=True))
    return ColumnProfile(
        name=name,
        rows=int(counts[0]),
        filled=int(counts[1]),
        distinct=distinct,
        **whole,
        low=counts[9],
        high=counts[10],
        longest=int(counts[11]),
        words=float(counts[12]),
        is_rising=_is_rising(duck, value, int(counts[6]) + int(counts[4])),
        values=values,
    )


def _is_rising(duck: duckdb.DuckDBPyConnection, value: str, convertible: int) -> bool:
    """Tell whether the first rows of a column only rise, as counters and clocks do."""
    if not convertible:
        return False
    rows = duck.execute(f"SELECT {value} FROM {TABLE} LIMIT 2000").fetchall()
    texts = [row[0] for row in rows if row[0] is not None]
    try:
        numbers: list[Any] = [float(text) for text in texts]
    except ValueError:
        numbers = texts
    return len(numbers) > 2 and all(a < b for a, b in itertools.pairwise(numbers))


def _markers(duck: duckdb.DuckDBPyConnection, names: list[str]) -> tuple[str, ...]:
    """Find which of the usual markers of a missing value the file uses."""
    used = []
    for marker in MISSING[1:]:
        text = quote_text(marker)
        tests = (f"trim(CAST({quote_name(name)} AS VARCHAR)) = {text}" for name in names)
        if _count(duck, f"SELECT 1 FROM with_markers WHERE {' OR '.join(tests)} LIMIT 1"):
            used.append(marker)
    return ("", *used)


def _find_determining(
    duck: duckdb.DuckDBPyConnection, columns: tuple[ColumnProfile, ...], target: str
) -> tuple[str, ...]:
    """Name the columns whose every value goes with one value of the target."""
    target_distinct = next(column.distinct for column in columns if column.name == target)
    found = []
    for column in columns:
        is_candidate = column.name != target and column.distinct >= max(target_distinct, 2)
        if not is_candidate or column.distinct > column.filled / 2:
            continue
        split = _count(
            duck,
            f"SELECT {quote_name(column.name)} FROM {TABLE} "
            f"WHERE {quote_name(column.name)} IS NOT NULL AND {quote_name(target)} IS NOT NULL "
            f"GROUP BY 1 HAVING count(DISTINCT {quote_name(target)}) > 1 LIMIT 1",
        )
        if split == 0 and target_distinct > 1:
            found.append(column.name)
    return tuple(found)


def _count(duck: duckdb.DuckDBPyConnection, query: str) -> int:
    row = duck.execute(f"SELECT count(*) FROM ({query})").fetchone()
    return int(row[0]) if row else 0
