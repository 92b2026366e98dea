"""`gatehouse maintain`: what it asks of Airflow, and what it does where there is none."""

import os
import threading

import pytest
from typer.testing import CliRunner

from include.cli import app
from include.settings import Settings
from include.stack.airflow_api import AirflowApi
from include.stack.maintenance import state_finder, trim_history
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
