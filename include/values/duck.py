"""DuckDB in memory, held to bounds: SQL over Parquet files larger than memory."""

from collections.abc import Iterator
from contextlib import contextmanager
from tempfile import TemporaryDirectory
from typing import Any

import duckdb


def bound_duckdb(directory: str, *, memory_mb: int, threads: int) -> dict[str, str]:
    """Return the settings of a database that spills to a directory and never goes online."""
    return {
        "memory_limit": f"{memory_mb}MB",
        "threads": str(threads),
        "temp_directory": directory,
        # Extensions would be downloaded: what is not built in must not be used.
        "autoinstall_known_extensions": "false",
        "autoload_known_extensions": "false",
    }


@contextmanager
def open_duckdb(*, memory_mb: int = 512, threads: int = 2) -> Iterator[duckdb.DuckDBPyConnection]:
    """Open an in-memory database that spills to a temporary directory and never goes online.

    Args:
        memory_mb: Memory it may hold before it spills, in megabytes.
        threads: Worker threads.

    Example:
        >>> with open_duckdb() as duck:
        ...     duck.execute("SELECT 6 * 7").fetchall()
        [(42,)]
    """
    with TemporaryDirectory(prefix="gatehouse-duckdb-") as directory:
        config = bound_duckdb(directory, memory_mb=memory_mb, threads=threads)
        with duckdb.connect(":memory:", config=config) as connection:
            connection.execute("SET TimeZone = 'UTC'")
            yield connection


def fetch_row(duck: duckdb.DuckDBPyConnection, query: str) -> tuple[Any, ...]:
    """Return the only row of a query, and leave the connection free for the next.

    Example:
        >>> with open_duckdb() as duck:
        ...     fetch_row(duck, "SELECT 6 * 7, 'a'")
        (42, 'a')
    """
    return tuple(duck.execute(query).fetchall()[0])


def parquet_scan(files: list[str]) -> str:
    """Return the SQL that reads Parquet files, with their names quoted.

    Example:
        >>> parquet_scan(["/data/it's.parquet"])
        "read_parquet(['/data/it''s.parquet'])"
    """
    return f"read_parquet([{', '.join(quote_text(file) for file in files)}])"


def quote_name(name: str) -> str:
    """Quote a column name for SQL.

    Example:
        >>> quote_name('a"b')
        '"a""b"'
    """
    return '"' + name.replace('"', '""') + '"'


def quote_text(text: str) -> str:
    """Quote a text for SQL.

    Example:
        >>> quote_text("it's")
        "'it''s'"
    """
    return "'" + text.replace("'", "''") + "'"
