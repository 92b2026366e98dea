"""`gatehouse maintain`: what it asks of Airflow, and what it does where there is none."""

import os
import sqlite3
import threading
import time
from contextlib import closing

import pytest
from mlflow import MlflowClient
from typer.testing import CliRunner

from include.cli import app
from include.settings import Settings
from include.stack.airflow_api import AirflowApi
from include.stack.maintenance import forget_deleted, state_finder, trim_history
from tests.mlflow_fixture import MlflowServer
from tests.stack.small_airflow import SmallAirflow


@pytest.fixture
def airflow():
    with SmallAirflow() as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def test_a_run_that_airflow_does_not_know_is_gone_and_one_that_waits_is_running(airflow, tmp_path):
    airflow.runs = {name: {"state": name} for name in ("queued", "running", "success", "failed")}
    with AirflowApi(airflow.settings(tmp_path)) as api:
        find = state_finder(api)
        found = [find("train__loans", name) for name in (*airflow.runs, "deleted")]
    assert found == ["running", "running", "success", "failed", "gone"]


def test_without_a_database_of_airflow_there_is_no_history_to_trim(tmp_path):
    assert trim_history(Settings(home=tmp_path), dry_run=False).startswith("no local Airflow")


def test_what_was_deleted_long_ago_is_forgotten_and_what_was_lately_can_be_restored(tmp_path):
    server = MlflowServer(tmp_path / "mlflow")
    server.start()
    settings = Settings(home=tmp_path, mlflow_port=server.port, keep_days=1)
    client = MlflowClient(server.url)
    long_ago, lately = (client.create_run("0").info.run_id for _ in range(2))
    for run_id in (long_ago, lately):
        client.log_metric(run_id, "loss", 0.5)
        client.log_text(run_id, "text", "note.txt")
        client.delete_run(run_id)
    with closing(sqlite3.connect(tmp_path / "mlflow" / "mlflow.db")) as database:
        before = (time.time() - 2 * 86_400) * 1_000
        change = "UPDATE runs SET deleted_time = ? WHERE run_uuid = ?"
        database.execute(change, (before, long_ago))
        database.commit()
        assert "would forget" in forget_deleted(settings, dry_run=True)
        assert forget_deleted(settings, dry_run=False).endswith("deleted more than 1d ago")
        kept = database.execute("SELECT run_uuid FROM metrics").fetchall()
    assert kept == [(lately,)]
    assert not list((tmp_path / "mlflow").rglob(f"{long_ago}/**/note.txt"))
    client.restore_run(lately)
    assert [each.path for each in client.list_artifacts(lately)] == ["note.txt"]
    server.stop()


def test_what_another_mlflow_holds_is_left_to_it(tmp_path):
    settings = Settings(home=tmp_path, mlflow_url="http://127.0.0.1:9")
    assert forget_deleted(settings, dry_run=False).startswith("no local MLflow")


def test_what_would_go_is_listed_with_its_bytes_and_stays(mlflow_server, tmp_path, monkeypatch):
    monkeypatch.setenv("GATEHOUSE_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("GATEHOUSE_INSTALLATION", str(tmp_path))
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    scratch = tmp_path / "home" / "data" / "tables" / "raw" / "loans" / ".tmp-here-1-1-ab"
    scratch.mkdir(parents=True)
    (scratch / "rows").write_bytes(b"12345")
    os.utime(scratch, (1, 1))
    answer = CliRunner().invoke(app, ["maintain", "--dry-run"], env={"COLUMNS": "200"})
    assert answer.exit_code == 0, answer.output
    assert f"5 temporary: {scratch}" in answer.output
    assert "5 bytes would go: {'temporary': 1}" in answer.output
    assert scratch.exists()
