"""However a DAG run ends, its MLflow run ends the same way."""

from pathlib import Path

import pytest

from include.errors import TrackingUnavailableError
from include.settings import load_settings
from include.steps.close_run import close_run
from include.tracking.runs import find_run, open_run
from include.tracking.spool import MetricPoint, MetricSpool
from tests.builders import make_run
from tests.mlflow_fixture import free_port


@pytest.fixture(autouse=True)
def _environment(mlflow_server: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GATEHOUSE_MLFLOW_URL", mlflow_server)
    monkeypatch.setenv("GATEHOUSE_HOME", str(tmp_path))


@pytest.mark.parametrize("state", ["FINISHED", "FAILED", "KILLED"])
def test_the_run_ends_as_told_and_again(state):
    run = make_run(run_id=f"manual__close_{state}")
    log = open_run(load_settings(), run)

    for _ in range(2):
        close_run(run, state)

    info = log.client.get_run(log.run_id).info
    assert info.status == state
    assert info.end_time is not None


def test_metrics_that_wait_on_disk_are_sent_first(tmp_path):
    run = make_run(run_id="manual__close_spool")
    log = open_run(load_settings(), run)
    spool = MetricSpool(tmp_path / "spool", run.run_key)
    spool.append([MetricPoint("loss", 0.5, 1_700_000_000_000, 3)])

    close_run(run, "FAILED")

    assert log.client.get_run(log.run_id).data.metrics == {"loss": 0.5}
    assert spool.is_empty


def test_a_dag_run_that_never_tracked_has_nothing_to_close():
    run = make_run(run_id="manual__never", pipeline="never_seen")

    close_run(run, "FAILED")

    assert find_run(load_settings(), run) is None


def test_a_server_that_is_away_is_named(monkeypatch):
    monkeypatch.setenv("GATEHOUSE_MLFLOW_URL", f"http://127.0.0.1:{free_port()}")

    with pytest.raises(TrackingUnavailableError, match="must answer at"):
        close_run(make_run(), "FINISHED")
