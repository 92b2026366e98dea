"""The PostgreSQL of the tests: which server is used, and that an own one starts and goes."""

import socket

import pytest
import sqlalchemy as sa

from tests.postgres_fixture import PostgresServer, accepts, find_programs


def test_a_port_at_which_nothing_speaks_postgresql_is_no_server():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        url = f"postgresql+psycopg2://postgres@127.0.0.1:{listener.getsockname()[1]}/test"
        assert not accepts(url)


def test_an_own_server_starts_without_the_machines_own_and_leaves_nothing_behind():
    programs = find_programs()
    if programs is None:
        pytest.skip("initdb and pg_ctl are not installed")
    server = PostgresServer(programs)
    try:
        server.start()
        assert accepts(server.url)
        engine = sa.create_engine(server.url, poolclass=sa.NullPool)
        with engine.begin() as connection:
            connection.execute(sa.text("CREATE ROLE shut LOGIN CONNECTION LIMIT 0"))
        assert not accepts(server.url.replace("postgres@", "shut@"))
    finally:
        server.stop()
    assert not accepts(server.url)
    assert not server.directory.exists()
