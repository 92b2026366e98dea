import logging
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import keras
import pandas as pd
import pytest

from include.errors import StoppedError, TrainingError
from include.modeling.progress import EpochProgress
from include.records import PrepareRecord, RunContext, TrainRecord
from include.settings import PROJECT_ROOT, load_settings
from include.specs import PipelineSpec
from include.steps.train import train
from include.steps.train.files import read_history
from include.tables.run_files import RunFiles
from include.tracking.runs import open_run
from tests.builders import make_run, make_spec
from tests.steps.prepared import prepare_rows

pytestmark = pytest.mark.usefixtures("mlflow_server", "data_root")


@pytest.fixture
def run(request: pytest.FixtureRequest) -> RunContext:
    """Give each test an MLflow run of its own."""
    return make_run(run_id=request.node.name)


def spec_with(**training: Any) -> PipelineSpec:
    values = {"epochs": 3, "batch_size": 32, "early_stopping": None, **training}
    return make_spec(training=values)


def read_steps(run: RunContext, metric: str) -> list[int]:
    log = open_run(load_settings(), run)
    return [point.step for point in log.client.get_metric_history(log.run_id, metric)]


def files_of(run: RunContext) -> RunFiles:
    return RunFiles(load_settings().data, run)


def test_it_leaves_network_history_and_metrics_of_every_epoch(run: RunContext) -> None:
    spec, told = spec_with(), []
    prepared = prepare_rows(spec, run)
    trained = train(spec, run, prepared, on_progress=told.append)
    assert isinstance(trained, TrainRecord)
    assert (trained.epochs, trained.best_epoch, trained.is_stopped_early) == (3, 3, False)
    network = keras.saving.load_model(trained.model_uri, compile=False)
    assert trained.parameters == network.count_params()
    history = read_history(trained)
    assert [set(epoch) for epoch in history] == [
        {"loss", "accuracy", "val_loss", "val_accuracy"}
    ] * 3
    assert trained.metrics == history[-1]
    assert pd.read_csv(trained.history_uri)["epoch"].tolist() == [1, 2, 3]
    assert [progress.epoch for progress in told] == [1, 2, 3]
    assert read_steps(run, "train/validation_loss") == [1, 2, 3]
    log = open_run(load_settings(), run)
    found = log.client.get_run(log.run_id).data
    assert found.params["training.batch_size"] == "32"
    assert found.params["model.hidden"] == "[4]"
    assert found.metrics["train/loss"] == pytest.approx(history[-1]["loss"])
    assert [each.path for each in log.client.list_artifacts(log.run_id)].count("history.csv") == 1
    assert len(trained.model_dump_json()) < 8_000


def test_a_finished_training_is_not_repeated_unless_forced(
    run: RunContext, caplog: pytest.LogCaptureFixture
) -> None:
    spec = spec_with(epochs=1)
    prepared = prepare_rows(spec, run)
    first = train(spec, run, prepared)
    caplog.set_level(logging.INFO)
    epochs: list[EpochProgress] = []
    assert train(spec, run, prepared, on_progress=epochs.append) == first
    assert "not repeated" in caplog.text
    assert not epochs
    train(spec, run.model_copy(update={"force": True}), prepared, on_progress=epochs.append)
    assert len(epochs) == 1
    train(spec_with(epochs=1, seed=7), run, prepared, on_progress=epochs.append)
    assert len(epochs) == 2, "another seed is another training"


def test_a_finished_training_is_found_where_its_directory_was_moved_to(
    run: RunContext, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    spec, root = spec_with(epochs=1), tmp_path / "before"
    monkeypatch.setenv("GATEHOUSE_DATA_ROOT", str(root))
    prepared = prepare_rows(spec, run)
    first = train(spec, run, prepared)
    moved = root.rename(tmp_path / "after")
    monkeypatch.setenv("GATEHOUSE_DATA_ROOT", str(moved))
    again = train(spec, run, prepared)
    places = {"model_uri": files_of(run).uri("model.keras")}
    places["history_uri"] = files_of(run).uri("history.csv")
    assert again == first.model_copy(update=places)
    assert read_history(again)


def test_nothing_is_kept_of_a_loss_that_is_not_finite(run: RunContext) -> None:
    spec = spec_with(learning_rate=1e30, epochs=20)
    prepared = prepare_rows(spec, run)
    with pytest.raises(TrainingError, match="finite.*Lower training.learning_rate"):
        train(spec, run, prepared)
    assert not files_of(run).exists("model.keras")
    assert not files_of(run).exists("train.json")


def test_a_stopped_training_goes_on_without_double_epochs(
    run: RunContext, caplog: pytest.LogCaptureFixture
) -> None:
    spec, told = spec_with(epochs=5), []
    prepared = prepare_rows(spec, run)
    with pytest.raises(StoppedError, match="after epoch 2"):
        train(spec, run, prepared, on_progress=told.append, stop=lambda: len(told) == 2)
    caplog.set_level(logging.INFO)
    trained = train(spec, run, prepared, on_progress=told.append)
    assert [progress.epoch for progress in told] == [1, 2, 3, 4, 5]
    assert read_steps(run, "train/loss") == [1, 2, 3, 4, 5]
    assert "goes on after epoch 2" in caplog.text
    other = make_run(run_id=f"{run.run_id}_whole")
    assert read_history(trained) == read_history(train(spec, other, prepared))
    assert not list(files_of(run).local_directory.glob("*.npz"))


def test_a_display_that_fails_does_not_cost_the_training(
    run: RunContext, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(_: EpochProgress) -> None:
        raise ConnectionError("the api server is away")

    spec = spec_with(epochs=2)
    assert train(spec, run, prepare_rows(spec, run), on_progress=fail).epochs == 2
    assert "progress could not be shown: ConnectionError" in caplog.text


def test_without_validation_rows_it_trains_to_the_end(run: RunContext) -> None:
    changes = {"split": {"method": "hash", "fractions": [0.8, 0.0, 0.2]}}
    spec = make_spec(training={"epochs": 2, "early_stopping": {"patience": 1}}, **changes)
    trained = train(spec, run, prepare_rows(spec, run))
    assert (trained.epochs, set(trained.metrics)) == (2, {"loss", "accuracy"})


CHILD = """
import sys
from include.records import PrepareRecord, RunContext
from include.specs import PipelineSpec
from include.steps.train import train

def tell(progress):
    print("epoch", progress.epoch, flush=True)

train(
    PipelineSpec.model_validate_json(sys.argv[1]),
    RunContext.model_validate_json(sys.argv[2]),
    PrepareRecord.model_validate_json(sys.argv[3]),
    on_progress=tell,
)
"""


def start_child(spec: PipelineSpec, run: RunContext, prepared: PrepareRecord) -> Any:
    texts = [model.model_dump_json() for model in (spec, run, prepared)]
    return subprocess.Popen(
        [sys.executable, "-c", CHILD, *texts],
        stdout=subprocess.PIPE,
        text=True,
        cwd=PROJECT_ROOT,
        env={**os.environ, "KERAS_BACKEND": "jax", "PYTHONPATH": str(PROJECT_ROOT)},
    )


def test_a_process_killed_outright_is_resumed_by_the_next(run: RunContext) -> None:
    spec = spec_with(epochs=400)
    prepared = prepare_rows(spec, run)
    with start_child(spec, run, prepared) as child:
        for line in child.stdout:
            if line == "epoch 3\n":
                break
        child.kill()
    checkpoint = files_of(run).local_directory / "checkpoint.npz"
    assert checkpoint.exists()
    told: list[EpochProgress] = []
    with pytest.raises(StoppedError):
        train(spec, run, prepared, on_progress=told.append, stop=lambda: len(told) > 2)
    assert told[0].epoch > 3
    steps = read_steps(run, "train/loss")
    assert len(steps) == len(set(steps)), "no epoch twice"
    assert set(steps) >= {1, 2, 3}
