"""The result of a query, streamed through a server-side cursor in batches."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Final

import pyarrow as pa
import sqlalchemy as sa

from include.errors import GatehouseError, InfrastructureError, SourceError
from include.sources.batches import Batch, OpenedSource, whole_batch
from include.specs.sources import SqlSource
from include.tables.digests import digest_key
from include.values.reading import reading_of
from include.values.showing import shorten
from include.values.texts import array_from_python

# What Airflow calls a connection's type, and SQLAlchemy its dialect.
DIALECTS: Final = {
    "postgres": "postgresql+psycopg2",
    "postgresql": "postgresql+psycopg2",
    "sqlite": "sqlite",
    "mysql": "mysql",
    "mssql": "mssql",
}


def open_sql(
    source: SqlSource, connect: Callable[[str], str], *, has_private: bool = False
) -> OpenedSource:
    """Open a query: learn its columns, read nothing yet.

    Args:
        source: Connection id and query.
        connect: Gives the SQLAlchemy URL of a connection id; the URL is never logged.
        has_private: Whether values are personal data, so that a database that complains of one
            is not quoted.

    Raises:
        SourceError: The query is wrong, or is none that reads.
        InfrastructureError: The database cannot be reached.
    """
    _check_reads("query", source.query)
    url = connect(source.connection)
    with _result(source, url, source.query, has_private=has_private) as result:
        columns = tuple(result.keys())
    return OpenedSource(
        columns=columns,
        read=lambda wanted: _read(source, url, wanted, has_private),
        reading=reading_of(source),
    )


def digest_sql(source: SqlSource, connect: Callable[[str], str]) -> str | None:
    """Digest what the fingerprint query gives; None for a source without one.

    It is asked before the rows are read, so rows that change meanwhile are read again next time.

    Raises:
        SourceError: The query is wrong, or gives anything but one row.
        InfrastructureError: The database cannot be reached.
    """
    if source.fingerprint is None:
        return None
    _check_reads("fingerprint", source.fingerprint)
    url = connect(source.connection)
    with _result(source, url, source.fingerprint, has_private=True) as result:
        rows = result.fetchmany(2)
    if len(rows) != 1:
        raise SourceError(
            f"expected one row of source.fingerprint. Received: {'none' if not rows else 'more'}. "
            "Ask for aggregates, such as count(*) and max(updated_at)."
        )
    return digest_key([str(value) for value in rows[0]])


def to_sqlalchemy_url(connection: str) -> str:
    """Turn an Airflow connection, as URI or JSON, into a SQLAlchemy URL.

    Raises:
        GatehouseError: It is neither, or of a type that no installed driver reads.

    Example:
        >>> to_sqlalchemy_url("postgres://me:pw@db:5432/shop?sslmode=require")
        'postgresql+psycopg2://me:pw@db:5432/shop?sslmode=require'
    """
    try:
        url = (
            _url_of_json(connection)
            if connection.lstrip().startswith("{")
            else (sa.make_url(connection))
        )
    except (sa.exc.ArgumentError, KeyError, ValueError, TypeError) as error:
        raise GatehouseError(
            "a connection must be a URI (postgres://user@host/db) or Airflow's JSON. "
            "Received: something else, not shown. Correct the connection in Airflow."
        ) from error
    dialect = url.drivername if "+" in url.drivername else DIALECTS.get(url.drivername)
    if dialect is None:
        raise GatehouseError(
            f"a connection's type must be one of {sorted(DIALECTS)}, or dialect+driver. "
            f"Received: {shorten(url.drivername)}. Correct the connection in Airflow."
        )
    query = {name: value for name, value in url.query.items() if name != "__extra__"}
    clean = url.set(drivername=dialect, query=query)
    return str(clean.render_as_string(hide_password=False))


def _url_of_json(connection: str) -> sa.URL:
    fields: dict[str, Any] = json.loads(connection)
    return sa.URL.create(
        drivername=str(fields["conn_type"]),
        username=fields.get("login"),
        password=fields.get("password"),
        host=fields.get("host"),
        port=int(fields["port"]) if fields.get("port") else None,
        database=fields.get("schema"),
    )


def _check_reads(name: str, query: str) -> None:
    first = query.lstrip("( \n\t").split(None, 1)
    if not first or first[0].lower() not in {"select", "with", "values", "table"}:
        raise SourceError(
            f"source.{name} must read: SELECT or WITH. "
            f"Received: {shorten(query, 60)}. Write it as a query, or make a view."
        )


def _read(
    source: SqlSource, url: str, wanted: tuple[str, ...], has_private: bool
) -> Iterator[Batch]:
    line = 1
    with _result(source, url, source.query, has_private=has_private) as result:
        places = [list(result.keys()).index(name) for name in wanted]
        for rows in result.partitions(source.batch_rows):
            columns = list(zip(*rows, strict=True))
            arrays = [array_from_python(list(columns[place])) for place in places]
            yield whole_batch(pa.table(arrays, names=list(wanted)), line, file=source.connection)
            line += len(rows)


@contextmanager
def _result(
    source: SqlSource, url: str, query: str, *, has_private: bool
) -> Iterator[sa.CursorResult[Any]]:
    """Run a query in a read-only transaction where the database has such."""
    engine = sa.create_engine(url, poolclass=sa.NullPool)
    options: dict[str, Any] = {
        "stream_results": True,
        "yield_per": source.batch_rows,
        "no_parameters": True,
    }
    if engine.dialect.name == "postgresql":
        options["postgresql_readonly"] = True
    try:
        with engine.connect() as connection:
            prepared = connection.execution_options(**options)
            yield prepared.exec_driver_sql(query)
    except sa.exc.OperationalError as error:
        raise InfrastructureError(
            f"expected connection {source.connection} to answer. Received: {_reason(error)}. "
            "Check that the database is up."
        ) from error
    except sa.exc.DataError as error:
        # The database quotes the value, and so does the traceback of its error.
        reason = "a value that it cannot convert" if has_private else _reason(error)
        raise SourceError(
            f"expected a query that connection {source.connection} can run. Received: {reason}. "
            "Correct the source's query."
        ) from (None if has_private else error)
    except sa.exc.SQLAlchemyError as error:
        raise SourceError(
            f"expected a query that connection {source.connection} can run. "
            f"Received: {_reason(error)}. Correct the source's query."
        ) from error
    finally:
        engine.dispose()


def _reason(error: sa.exc.SQLAlchemyError) -> str:
    """Return what the database said, without the statement and its values."""
    original = getattr(error, "orig", None) or error
    return " ".join(str(original).split())[:300]
