"""An MLflow server that goes away while a step writes to it."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from include.errors import TrackingUnavailableError
from include.settings import Settings
from include.tracking import run_log
from include.tracking.runs import find_run, open_run
from tests.builders import make_run
from tests.network_door import NetworkDoor


@pytest.fixture
def door(mlflow_server: str) -> Iterator[NetworkDoor]:
    """The way to the server: these tests shut it."""
    door = NetworkDoor(mlflow_server)
    door.open()
    yield door
    door.shut()


@pytest.fixture
def settings(door: NetworkDoor, tmp_path: Path) -> Settings:
    return Settings(mlflow_url=door.url, home=tmp_path)


def test_epochs_logged_while_the_server_is_away_arrive_later(door, settings, monkeypatch, caplog):
    run = make_run(run_id="manual__outage")
    log = open_run(settings, run)
    log.log_metrics({"loss": 1.0}, step=1)

    door.shut()
    log.log_metrics({"loss": 1 / 2}, step=2)
    # Those after the first that failed do not even ask: the server would take a while each time.
    monkeypatch.setattr(log, "client", None)
    monkeypatch.setattr(run_log, "is_reachable", None)
    for epoch in (3, 4):
        log.log_metrics({"loss": 1 / epoch}, step=epoch)
    monkeypatch.undo()
    assert "metrics wait in" in caplog.text
    with pytest.raises(TrackingUnavailableError, match="must answer at"):
        log.log_text("x", "report.html")

    door.open()
    monkeypatch.setattr(log, "_next_try", 0.0)
    log.log_metrics({"loss": 0.2}, step=5)

    history = log.client.get_metric_history(log.run_id, "loss")
    assert [(point.step, point.value) for point in sorted(history, key=lambda p: p.step)] == [
        (1, 1.0),
        (2, 1 / 2),
        (3, 1 / 3),
        (4, 1 / 4),
        (5, 0.2),
    ]
    assert not list((settings.home / "spool").iterdir())


def test_another_process_sends_what_waits_and_sending_twice_is_harmless(
    door, settings, monkeypatch
):
    run = make_run(run_id="manual__crash")
    log = open_run(settings, run)
    door.shut()
    log.log_metrics({"loss": 0.5, "accuracy": 0.9}, step=1)
    door.open()
    waiting = next((settings.home / "spool").iterdir())
    text = waiting.read_text() + '["loss", 0.4, 17'  # a line that a crash cut off

    for _ in range(2):
        waiting.write_text(text)
        open_run(settings, run)

    found = find_run(settings, run)
    assert found.client.get_run(found.run_id).data.metrics == {"loss": 0.5, "accuracy": 0.9}
    assert len(found.client.get_metric_history(found.run_id, "loss")) == 1


def test_a_server_that_hangs_is_asked_once(door, settings):
    door.hang()
    before = door.taken
    with pytest.raises(TrackingUnavailableError, match="ReadTimeout.*read timeout=4"):
        open_run(settings, make_run(run_id="manual__hang"))
    assert door.taken == before + 1
