"""Predictions back into a database: all of an input in one transaction, row by row an upsert."""

from collections.abc import Iterator, Sequence
from typing import Any, Final

import pyarrow as pa
import sqlalchemy as sa
from sqlalchemy.dialects import mysql, postgresql, sqlite

from include.errors import InfrastructureError, SourceError
from include.records import TableRef
from include.tables.store import iter_batches

BATCH_ROWS: Final = 1_000
# A key of MySQL needs a length.
KEY_LENGTH: Final = 500


def upsert(url: str, table: str, tables: Sequence[TableRef], *, key: Sequence[str]) -> None:
    """Write predictions to a table of a database; rows of the same key are replaced.

    Args:
        url: SQLAlchemy URL of the database.
        table: Name of the table; it is made unless it is there.
        tables: The predictions.
        key: Columns that name a row.

    Raises:
        InfrastructureError: The database does not answer.
        SourceError: It refuses the rows, or the table has other columns.
    """
    engine = sa.create_engine(url, poolclass=sa.NullPool)
    try:
        with engine.begin() as connection:
            target: sa.Table | None = None
            for rows in (rows for one in tables for rows in iter_batches(one)):
                if target is None:
                    target = _describe(table, rows.schema, key)
                    target.create(connection, checkfirst=True)
                    statement = _build_upsert(engine.dialect.name, target, key)
                for batch in _cut(rows):
                    connection.execute(statement, batch)
    except sa.exc.OperationalError as error:
        raise InfrastructureError(
            f"expected the database of {table} to take predictions. Received: "
            f"{type(error.orig).__name__}. Check that it is up and may be written to."
        ) from None
    except sa.exc.SQLAlchemyError as error:
        # What the database says quotes the row.
        kind = type(getattr(error, "orig", None) or error).__name__
        raise SourceError(
            f"expected a table {table} with the columns of predictions. Received: {kind}. Compare "
            "its columns and key with those of the predictions, or name another table."
        ) from None
    finally:
        engine.dispose()


def _build_upsert(dialect: str, target: sa.Table, key: Sequence[str]) -> Any:
    names = [column.name for column in target.columns if column.name not in key]
    if dialect in {"postgresql", "sqlite"}:
        insert: Any = (postgresql if dialect == "postgresql" else sqlite).insert(target)
        changed = {name: insert.excluded[name] for name in names}
        return insert.on_conflict_do_update(index_elements=list(key), set_=changed)
    if dialect in {"mysql", "mariadb"}:
        own = mysql.insert(target)
        return own.on_duplicate_key_update({name: own.inserted[name] for name in names})
    raise SourceError(
        "predictions go to PostgreSQL, SQLite or MySQL, which can replace a row by its key. "
        f"Received: {dialect}. Write files, and load them there."
    )


def _describe(table: str, schema: pa.Schema, key: Sequence[str]) -> sa.Table:
    columns = [
        sa.Column(
            field.name, _type_of(field.type, field.name in key), primary_key=field.name in key
        )
        for field in schema
    ]
    return sa.Table(table, sa.MetaData(), *columns)


def _type_of(kind: pa.DataType, is_key: bool) -> Any:
    if pa.types.is_boolean(kind):
        return sa.Boolean
    if pa.types.is_integer(kind):
        return sa.BigInteger
    if pa.types.is_floating(kind):
        return sa.Double
    if pa.types.is_timestamp(kind):
        return sa.DateTime(timezone=True)
    return sa.String(KEY_LENGTH) if is_key else sa.Text


def _cut(rows: pa.Table) -> Iterator[list[dict[str, Any]]]:
    for batch in rows.to_batches(BATCH_ROWS):
        yield batch.to_pylist()
