"""Queries as sources: what PostgreSQL and SQLite give, and which connections can be read."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from uuid import uuid4

import pandas as pd
import pytest
import sqlalchemy as sa

from include.errors import GatehouseError, InfrastructureError, SourceError
from include.records import IngestRecord
from include.sources.sql import to_sqlalchemy_url
from include.tables.store import read_frame
from tests.table_builders import put, snapshot

ROWS = "n,x,c\n1,0.1,a\n2,,b\n,3.5,\n4,1e-7,50% off\n"
# One of the workers starts a server, if it comes to that.
on_postgres = pytest.mark.xdist_group("postgres")
QUERY = {"kind": "sql", "connection": "shop", "query": "SELECT * FROM {} ORDER BY place"}


@pytest.fixture
def shop(tmp_path: Path, postgres_url: str) -> Iterator[str]:
    """Give the name of a PostgreSQL table that holds ROWS."""
    name = f"gatehouse_{uuid4().hex}"
    engine = sa.create_engine(postgres_url, poolclass=sa.NullPool)
    path = put(tmp_path, "a.csv", ROWS)
    pd.read_csv(path).astype({"n": "Int64"}).to_sql(name, engine, index_label="place")
    yield name
    with engine.begin() as connection:
        connection.execute(sa.text(f"DROP TABLE {name}"))
    engine.dispose()


def source(table: str, **changes: object) -> dict[str, object]:
    return {**QUERY, "query": QUERY["query"].format(table), **changes}


@on_postgres
@pytest.mark.parametrize("batch_rows", [1, 50_000])
def test_a_postgres_table_is_the_table_of_its_csv(
    shop: str, postgres_url: str, tmp_path: Path, batch_rows: int
) -> None:
    there = source(shop, batch_rows=batch_rows)
    record = snapshot(tmp_path, there, connect=lambda _: postgres_url)
    assert record.raw.key == snapshot(tmp_path, {"kind": "file", "uri": "a.csv"}).raw.key
    assert record.dropped_columns == ("place",)
    assert record.source == "query on connection shop"


@on_postgres
def test_percent_signs_and_colons_are_no_parameters(
    shop: str, postgres_url: str, tmp_path: Path
) -> None:
    query = f"SELECT n, x::float8, c FROM {shop} WHERE c LIKE '50%' AND c <> ':c'"
    record = snapshot(tmp_path, {**QUERY, "query": query}, connect=lambda _: postgres_url)
    assert read_frame(record.raw)["n"].tolist() == [4]


@on_postgres
def test_a_query_cannot_write(shop: str, postgres_url: str, tmp_path: Path) -> None:
    query = f"WITH gone AS (DELETE FROM {shop} RETURNING n) SELECT n, n AS x, n AS c FROM gone"
    with pytest.raises(SourceError, match="read-only|DECLARE CURSOR"):
        snapshot(tmp_path, {**QUERY, "query": query}, connect=lambda _: postgres_url)


@on_postgres
def test_numerics_dates_and_reals_from_postgres(postgres_url: str, tmp_path: Path) -> None:
    query = (
        "SELECT 7::smallint AS n, 0.1::real AS x, 'a' AS c, 12.50::numeric AS price, "
        "'2024-01-31'::date AS day, true AS flag, ARRAY[1.5, 2.5] AS pair"
    )
    columns = [
        {"name": "x", "kind": "number"},
        {"name": "price", "kind": "number"},
        {"name": "n", "kind": "category"},
        {"name": "day", "kind": "datetime"},
        {"name": "flag", "kind": "boolean"},
        {"name": "c", "kind": "category"},
    ]
    record = snapshot(
        tmp_path, {**QUERY, "query": query}, columns=columns, connect=lambda _: postgres_url
    )
    row = read_frame(record.raw).iloc[0]
    assert (row["x"], row["price"], row["n"]) == (0.1, 12.5, "7")
    assert (str(row["day"])[:10], bool(row["flag"])) == ("2024-01-31", True)
    assert record.dropped_columns == ("pair",)


def test_an_sqlite_query_streams(tmp_path: Path) -> None:
    database = tmp_path / "shop.db"
    with closing(sqlite3.connect(database)) as connection, connection:
        connection.execute("CREATE TABLE t (place, n, x, c)")
        rows = [(place, place, place / 2, "ab"[place % 2]) for place in range(25)]
        connection.executemany("INSERT INTO t VALUES (?, ?, ?, ?)", rows)
    record = snapshot(
        tmp_path, source("t", batch_rows=10), connect=lambda _: f"sqlite:///{database}"
    )
    assert read_frame(record.raw)["n"].tolist() == list(range(25))


def test_a_query_is_read_again_once_its_fingerprint_changed(tmp_path: Path) -> None:
    database = tmp_path / "shop.db"
    with closing(sqlite3.connect(database)) as connection, connection:
        connection.execute("CREATE TABLE shop (n, x, c, changed)")
        connection.execute("INSERT INTO shop VALUES (1, 0.5, 'a', 1)")
    asked = {
        **QUERY,
        "query": "SELECT n, x, c FROM shop",
        "fingerprint": "SELECT count(*), max(changed) FROM shop",
    }

    def take() -> IngestRecord:
        return snapshot(tmp_path, asked, connect=lambda _: f"sqlite:///{database}")

    assert [take().raw.is_reused, take().raw.is_reused] == [False, True]
    with closing(sqlite3.connect(database)) as connection, connection:
        connection.execute("UPDATE shop SET x = 2.5, changed = 2")
    record = take()
    assert not record.raw.is_reused
    assert read_frame(record.raw)["x"].tolist() == [2.5]


@pytest.mark.parametrize(
    ("fingerprint", "message"),
    [
        ("SELECT 1 WHERE 1 = 0", "expected one row of source.fingerprint. Received: none"),
        ("VALUES (1), (2)", "expected one row of source.fingerprint. Received: more"),
        ("DROP TABLE shop", "source.fingerprint must read"),
    ],
)
def test_a_fingerprint_is_one_row_that_is_read(
    tmp_path: Path, fingerprint: str, message: str
) -> None:
    asked = {**QUERY, "query": "SELECT 1 AS n, 2 AS x, 'a' AS c", "fingerprint": fingerprint}
    with pytest.raises(SourceError, match=message):
        snapshot(tmp_path, asked, connect=lambda _: "sqlite://")


@pytest.mark.parametrize("query", ["DROP TABLE x", "DELETE FROM x", "; SELECT 1"])
def test_only_reading_statements_are_run(tmp_path: Path, query: str) -> None:
    with pytest.raises(SourceError, match="must read"):
        snapshot(tmp_path, {**QUERY, "query": query}, connect=lambda _: "sqlite://")


def test_a_wrong_query_is_named(tmp_path: Path) -> None:
    with pytest.raises((SourceError, InfrastructureError), match="no such table"):
        snapshot(tmp_path, source("missing"), connect=lambda _: "sqlite://")


def test_a_database_that_is_away_can_be_tried_again(tmp_path: Path) -> None:
    url = "postgresql+psycopg2://me:canary@127.0.0.1:9/test"
    with pytest.raises(InfrastructureError, match="connection shop") as caught:
        snapshot(tmp_path, source("t"), connect=lambda _: url)
    assert "canary" not in str(caught.value)


@pytest.mark.parametrize(
    ("connection", "url"),
    [
        ("postgres://me:p%40ss@db:5432/shop", "postgresql+psycopg2://me:p%40ss@db:5432/shop"),
        ("postgresql+psycopg2://db/shop", "postgresql+psycopg2://db/shop"),
        ("postgres://db/shop?__extra__=%7B%7D", "postgresql+psycopg2://db/shop"),
        (
            '{"conn_type": "postgres", "login": "me", "password": "p@", "host": "db", '
            '"port": 5432, "schema": "shop"}',
            "postgresql+psycopg2://me:p%40@db:5432/shop",
        ),
    ],
    ids=["uri", "dialect", "extra", "json"],
)
def test_connections_as_airflow_writes_them(connection: str, url: str) -> None:
    assert to_sqlalchemy_url(connection) == url


@pytest.mark.parametrize("connection", ["canary", "{canary", '{"login": "canary"}', "ftp://canary"])
def test_a_connection_that_cannot_be_read_is_not_shown(connection: str) -> None:
    with pytest.raises(GatehouseError, match="Correct the connection") as caught:
        to_sqlalchemy_url(connection)
    assert "canary" not in str(caught.value)
