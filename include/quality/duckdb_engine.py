"""Expectations as SQL: Great Expectations on DuckDB over Parquet files.

Two small subclasses through public extension points are all that this takes: an execution engine
that keeps one connection, since Great Expectations otherwise fetches from a closed one, and a
data source that names this engine. The rest is its ordinary SQL path.
"""

import atexit
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from sqlalchemy.dialects.postgresql.base import PGDialect

from include.quality.gx import SqlAlchemyExecutionEngine, SQLDatasource, open_context
from include.values.duck import bound_duckdb


def _let_go_of_dialect() -> None:
    """Empty the modules of DuckDB's SQLAlchemy dialect.

    Together with SQLAlchemy's mapper and jsonschema, which Great Expectations imports and which
    keeps functions where Python's garbage collector does not see them, the dialect would outlive
    the interpreter, and DuckDB with it, which says so in some forty lines.
    """
    for name, module in list(sys.modules.items()):
        if name.partition(".")[0] in {"duckdb_engine"}:
            vars(module).clear()


# By then all that is registered later has been called, and no connection is open.
atexit.register(_let_go_of_dialect)


class DuckDBExecutionEngine(SqlAlchemyExecutionEngine):
    """Great Expectations' SQL engine with one lasting connection."""

    _connection: Any

    @contextmanager
    def get_connection(self) -> Iterator[Any]:
        """Give the connection, and free it from its transaction if a query fails."""
        if self._connection is None:
            self._connection = self.engine.connect()
        try:
            yield self._connection
        except Exception:
            self._connection.rollback()
            raise

    def close(self) -> None:
        """Close the connection."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None
        super().close()


class _DuckDBDatasource(SQLDatasource):
    """A SQL data source of this engine.

    The underscore keeps it out of Great Expectations' table of data sources, which takes no name
    twice: a task that imports a changed project anew defines this class a second time.
    """

    @property
    def execution_engine_type(self) -> Any:
        """The engine that keeps its connection."""
        return DuckDBExecutionEngine


@contextmanager
def open_datasource(*, memory_mb: int, threads: int) -> Iterator[Any]:
    """Open a data source on a database in a temporary directory, where DuckDB also spills.

    Args:
        memory_mb: Memory that DuckDB may hold before it spills, in megabytes.
        threads: Worker threads.
    """
    with TemporaryDirectory(prefix="gatehouse-quality-") as directory:
        config = bound_duckdb(directory, memory_mb=memory_mb, threads=threads)
        source = open_context().data_sources.add_sql(
            _DuckDBDatasource(
                name="parquet",
                connection_string=f"duckdb:///{Path(directory) / 'gate.duckdb'}",
                create_temp_table=False,
                kwargs={"connect_args": {"config": config}},
            )
        )
        try:
            yield source
        finally:
            source.get_execution_engine().close()
            source.get_engine().dispose()
            _forget_queries()


def _forget_queries() -> None:
    """Empty the caches of SQLAlchemy's PostgreSQL dialect, from which DuckDB's is derived.

    They would hold the dialect of every database that was ever open, with what it knows of types.
    """
    for method in vars(PGDialect).values():
        clear = getattr(method, "cache_clear", None)
        if clear is not None:
            clear()
