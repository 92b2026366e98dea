"""Epochs in MLflow while a fit runs: short ones share a call, none is lost."""

from typing import Any

import pytest

from include.errors import TrainingError
from include.modeling.progress import EpochProgress
from include.settings import Settings
from include.steps.train import epoch_log
from include.steps.train.epoch_log import EpochLog
from include.tracking.runs import RunLog, open_run
from tests.builders import make_run


@pytest.fixture
def log(mlflow_server: str, tmp_path: Any, request: pytest.FixtureRequest) -> RunLog:
    settings = Settings(mlflow_url=mlflow_server, home=tmp_path)
    return open_run(settings, make_run(run_id=request.node.name))


@pytest.fixture
def calls(log: RunLog, monkeypatch: pytest.MonkeyPatch) -> list[list[int]]:
    """The epochs of each call that reached the run."""
    seen, send = [], log.log_epochs

    def note(epochs: Any) -> None:
        seen.append([*epochs])
        send(epochs)

    monkeypatch.setattr(log, "log_epochs", note)
    return seen


def tell(epochs: EpochLog, *numbers: int) -> None:
    for epoch in numbers:
        epochs.tell(EpochProgress(epoch, 3, {"loss": 1 / epoch}, 0.1, 0.1))


def read_epochs(log: RunLog) -> list[int]:
    return [point.step for point in log.client.get_metric_history(log.run_id, "train/loss")]


def test_short_epochs_share_a_call(log, calls, monkeypatch):
    monkeypatch.setattr(epoch_log, "SECONDS_BETWEEN_CALLS", 3600.0)
    with EpochLog(log) as epochs:
        tell(epochs, 1, 2, 3)
        assert calls == [[1]]
    assert calls == [[1], [2, 3]]
    assert read_epochs(log) == [1, 2, 3]


def test_long_epochs_are_logged_as_they_end(log, calls, monkeypatch):
    monkeypatch.setattr(epoch_log, "SECONDS_BETWEEN_CALLS", 0.0)
    with EpochLog(log) as epochs:
        tell(epochs, 1, 2, 3)
        assert calls == [[1], [2], [3]]


def fail_after(log: RunLog, *numbers: int) -> None:
    with EpochLog(log) as epochs:
        tell(epochs, *numbers)
        raise TrainingError("it ran away")


def test_a_fit_that_fails_has_its_epochs_logged(log):
    with pytest.raises(TrainingError, match="ran away"):
        fail_after(log, 1, 2)
    assert read_epochs(log) == [1, 2]
