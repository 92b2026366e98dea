"""The second month: the directory moved, another release, a proxy, a umask that is open."""

import json
import os
import shutil
import sqlite3
import stat
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import httpx
import pytest
import yaml

from include.errors import GatehouseError, RoomError
from include.settings import PROJECT_ROOT, Settings
from include.stack import services
from include.stack.environment import (
    airflow_home,
    build_environment,
    follow_move,
    make_home,
    make_password,
    passwords_file,
    spare_loopback,
)
from include.stack.migrations import Database, migrate, mlflow_database
from include.stack.source_copies import adopt_source
from include.values.lock_files import hold_lock
from tests.builders import make_spec
from tests.mlflow_fixture import free_port


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(home=tmp_path / "home", airflow_port=free_port(), mlflow_port=free_port())


@pytest.fixture
def open_umask():
    before = os.umask(0)
    yield
    os.umask(before)


def modes_below(path: Path) -> set[int]:
    return {stat.S_IMODE(each.stat().st_mode) & 0o077 for each in (path, *path.rglob("*"))}


@pytest.mark.usefixtures("open_umask")
def test_whatever_is_written_before_the_first_start_is_its_owners_only(settings, tmp_path):
    rows = tmp_path / "loans.csv"
    rows.write_text("age\n1\n")
    adopt_source(settings, make_spec(), str(rows), print)
    with hold_lock(settings.home / "run" / "start.lock", "starting", print, timeout=1):
        build_environment(settings)
        make_home(settings)
        make_password(settings)
    assert modes_below(settings.home) == {0}


def test_the_password_is_made_up_once_and_found_by_airflow(settings):
    make_password(settings)
    first = passwords_file(settings).read_text()
    make_password(settings)
    assert passwords_file(settings).read_text() == first
    # Airflow prints those that it makes up itself, which are none when it finds this.
    assert set(json.loads(first)) == {"admin"}


def test_airflows_own_options_follow_the_directory(settings):
    path = airflow_home(settings) / "airflow.cfg"
    path.parent.mkdir(parents=True)
    path.write_text(
        "[core]\nfernet_key = kept\n[logging]\nbase_log_folder = /old/var/airflow/logs\n"
        "dag_processor_child_process_log_directory = /old/var/airflow/logs/dag_processor\n"
    )
    follow_move(settings)
    text = path.read_text()
    assert "/old" not in text
    assert f"base_log_folder = {airflow_home(settings)}/logs\n" in text
    assert "fernet_key = kept" in text


def test_every_place_that_airflow_would_choose_is_chosen(settings):
    from importlib.resources import files

    template = (files("airflow") / "config_templates/config.yml").read_text(encoding="utf-8")
    environment = build_environment(settings)
    for section, content in yaml.safe_load(template).items():
        for option, entry in content["options"].items():
            if "{AIRFLOW_HOME}" in str(entry["default"]):
                assert f"AIRFLOW__{section}__{option}".upper() in environment


def test_another_process_of_the_same_home_names_the_same_installation(settings):
    first = build_environment(settings)["GATEHOUSE_INSTALLATION"]
    assert build_environment(settings)["GATEHOUSE_INSTALLATION"] == first
    named = settings.model_copy(update={"installation": "ours"})
    assert build_environment(named)["GATEHOUSE_INSTALLATION"] == "ours"


@pytest.mark.parametrize("given", [{}, {"NO_PROXY": "x.org"}, {"no_proxy": "127.0.0.1"}])
def test_this_machines_addresses_are_never_asked_of_a_proxy(mlflow_server, monkeypatch, given):
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
    dead = {"HTTP_PROXY": f"http://127.0.0.1:{free_port()}", **given}
    for name, value in {**dead, "http_proxy": dead["HTTP_PROXY"]}.items():
        monkeypatch.setenv(name, value)
    for name, value in spare_loopback(os.environ).items():
        monkeypatch.setenv(name, value)
    assert httpx.get(f"{mlflow_server}/health").status_code == 200
    from include.tracking.connection import check_reachable

    check_reachable(mlflow_server)
    assert build_environment(Settings())["NO_PROXY"].endswith("127.0.0.1,localhost,::1")


def test_the_command_line_spares_loopback(monkeypatch, tmp_path):
    environment = {**os.environ, "HTTP_PROXY": "http://127.0.0.1:9", "GATEHOUSE_HOME": "/nowhere"}
    for name in ("NO_PROXY", "no_proxy"):
        environment.pop(name, None)
    code = (
        "import os, typer.testing, include.cli as cli\n"
        "cli.app.command('show')(lambda: print(os.environ['no_proxy']))\n"
        "print(typer.testing.CliRunner().invoke(cli.app, ['show']).output)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        env=environment,
        cwd=PROJECT_ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip() == "127.0.0.1,localhost,::1"


def make_database(settings: Settings, *, succeeds: bool) -> Database:
    path = settings.home / "small.db"
    path.parent.mkdir(parents=True, exist_ok=True)
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("CREATE TABLE runs (id INTEGER)")
    command = ("python", "-c", f"raise SystemExit({0 if succeeds else 'no such revision'!r})")
    return Database("mlflow", path, command, is_made_by_command=False)


def test_a_database_of_another_release_is_copied_and_migrated_once(settings):
    told: list[str] = []
    database = make_database(settings, succeeds=True)
    for _ in range(2):
        migrate(settings, database, os.environ, told.append)
    copy = settings.home / "backups" / "small-earlier.db"
    assert len(told) == 1
    assert str(copy) in told[0]
    with closing(sqlite3.connect(copy)) as connection:
        assert connection.execute("SELECT name FROM sqlite_master").fetchall() == [("runs",)]
    assert modes_below(settings.home / "backups") == {0}


@pytest.mark.usefixtures("open_umask")
def test_a_database_that_mlflow_has_yet_to_make_will_write_ahead(settings):
    make_home(settings)
    database, told = mlflow_database(settings), []
    migrate(settings, database, os.environ, told.append)
    with closing(sqlite3.connect(database.path)) as connection:
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    assert modes_below(database.path.parent) == {0}
    assert not told


def test_a_migration_that_fails_says_how_to_go_back_and_is_tried_again(settings):
    database = make_database(settings, succeeds=False)
    for _ in range(2):
        with pytest.raises(GatehouseError, match=r"(?s)put .*small-earlier.db in.*no such revis"):
            migrate(settings, database, os.environ, print)


# The schema of MLflow 2.10.
OLD_DATABASE = """
import sys
from alembic import command
from mlflow.store.db.utils import InitialBase, _get_alembic_config
from sqlalchemy import create_engine

InitialBase.metadata.create_all(create_engine(sys.argv[1]))
command.upgrade(_get_alembic_config(sys.argv[1]), "acf3f17fdcc7")
"""


@pytest.mark.slow  # it starts a server, and a journey starts one on a current schema
def test_an_older_schema_of_mlflow_is_upgraded_before_the_server_starts(settings):
    make_home(settings)
    subprocess.run(
        [sys.executable, "-c", OLD_DATABASE, f"sqlite:///{mlflow_database(settings).path}"],
        check=True,
    )
    try:
        services.start_mlflow(settings, print)
        search = f"{settings.mlflow}/api/2.0/mlflow/experiments/search?max_results=1"
        evil = httpx.get(search, headers={"Host": "10.evil.com:5000"})
        assert (httpx.get(search).status_code, evil.status_code) == (200, 403)
    finally:
        services.stop_stack(settings)
    assert (settings.home / "backups" / "mlflow-earlier.db").exists()


def test_a_source_that_cannot_be_copied_is_named(settings, tmp_path):
    rows = tmp_path / "loans.csv"
    rows.write_text("age\n1\n")
    # A file stands where the directory should be; root may write into any directory.
    make_home(settings)
    shutil.rmtree(settings.home / "data")
    (settings.home / "data").write_text("")
    with pytest.raises(RoomError, match=r"loans.csv must be readable.*Received: "):
        adopt_source(settings, make_spec(), str(rows), print)
