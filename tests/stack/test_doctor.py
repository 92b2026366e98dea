"""`gatehouse doctor`: what it says of the local stack, and how it exits."""

import json
import socket

import pytest
from typer.testing import CliRunner

from include.cli import app
from tests.mlflow_fixture import free_port

pytestmark = pytest.mark.xdist_group("airflow")


def test_a_taken_port_and_a_server_that_is_down_are_told_and_fail_it(tmp_path, monkeypatch):
    pipelines = tmp_path / "pipelines"
    pipelines.mkdir()
    (pipelines / "wrong.yaml").write_text("name: wrong\n", encoding="utf-8")
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        monkeypatch.setenv("GATEHOUSE_HOME", str(tmp_path / "home"))
        monkeypatch.setenv("GATEHOUSE_PIPELINES_DIR", str(pipelines))
        monkeypatch.setenv("GATEHOUSE_AIRFLOW_PORT", str(listener.getsockname()[1]))
        monkeypatch.setenv("GATEHOUSE_MLFLOW_PORT", str(free_port()))
        monkeypatch.delenv("GATEHOUSE_MLFLOW_URL", raising=False)
        answer = CliRunner().invoke(app, ["doctor", "--json"])
    found = {each["check"]: each for each in map(json.loads, answer.stdout.splitlines())}
    assert answer.exit_code == 1
    assert {name for name, each in found.items() if not each["is_well"]} >= {
        *("ports", "mlflow", "clock", "dag files")
    }
    assert "GATEHOUSE_AIRFLOW_PORT" in found["ports"]["found"]
    assert "wrong.yaml: source: Field required" in found["dag files"]["found"]
    assert found["versions"]["is_well"]
    assert found["xcom"]["is_well"]
    assert found["writing"]["is_well"]
