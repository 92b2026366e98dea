import logging
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

from include.errors import StoppedError, TrainingError
from include.modeling.arrays import Arrays
from include.modeling.checkpoints import CheckpointFile
from include.modeling.networks import build_network
from include.modeling.prediction import predict
from include.modeling.progress import EpochProgress
from include.modeling.training import FitResult, fit_network
from include.specs.model import ModelSpec
from tests.modeling.samples import SCHEMAS, SMALL, make_arrays, make_training

MANY = SCHEMAS["many"]


def fit(
    kind: str = "many", *, train: Arrays | None = None, model: ModelSpec = SMALL, **changes: Any
) -> tuple[keras.Model, FitResult]:
    callbacks = {
        name: changes.pop(name) for name in ("checkpoint", "on_epoch", "stop") if name in changes
    }
    validation = changes.pop("validation", make_arrays(kind, 64, seed=1))
    network = build_network(model, SCHEMAS[kind], seed=changes.get("seed", 0))
    rows = make_arrays(kind) if train is None else train
    training = make_training(**changes)
    result = fit_network(
        network, rows, validation, schema=SCHEMAS[kind], training=training, **callbacks
    )
    return network, result


def assert_same_weights(first: keras.Model, second: keras.Model) -> None:
    for one, other in zip(first.get_weights(), second.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("kind", ["many", "binary", "regression"])
def test_an_easy_set_is_learned(kind: str) -> None:
    network, result = fit(kind, epochs=15)
    rows = make_arrays(kind, 300, seed=2)
    answers = predict(network, rows.inputs, schema=SCHEMAS[kind])
    if kind == "regression":
        assert np.abs(answers - rows.y).mean() < 5
    else:
        assert (answers.argmax(axis=1) == rows.y).mean() > 0.9
    assert result.history[-1]["loss"] < result.history[0]["loss"] / 2
    assert result.history[-1]["val_loss"] < result.history[0]["val_loss"]


def test_more_of_the_cause_gives_more_of_the_effect() -> None:
    network, _ = fit("regression", epochs=10)
    rows = np.zeros((5, 3), "float32")
    rows[:, 0] = [-2, -1, 0, 1, 2]
    answers = predict(network, {"dense": rows}, schema=SCHEMAS["regression"])
    assert (np.diff(answers) > 5).all()


def test_the_same_seed_and_rows_give_the_same_weights() -> None:
    model = ModelSpec(hidden=(8,), dropout=0.3)
    first, second, other = (fit(model=model, seed=seed)[0] for seed in (3, 3, 4))
    assert_same_weights(first, second)
    assert not np.array_equal(first.get_weights()[0], other.get_weights()[0])


def test_early_stopping_keeps_the_best_weights() -> None:
    noise = np.random.default_rng(5)
    rows = make_arrays(rows=48)
    shuffled = Arrays(rows.inputs, noise.permutation(rows.y))  # nothing to learn but by heart
    model = ModelSpec(hidden=(64, 64))
    validation = make_arrays(rows=64, seed=1)
    network, result = fit(
        train=shuffled,
        model=model,
        validation=validation,
        epochs=60,
        early_stopping={"patience": 3},
        learning_rate=0.01,
    )
    losses = [epoch["val_loss"] for epoch in result.history]
    assert result.is_stopped_early
    assert result.epochs == result.best_epoch + 3
    assert result.best_epoch == int(np.argmin(losses)) + 1
    answers = predict(network, validation.inputs, schema=MANY)
    likelihood = answers[np.arange(len(answers)), validation.y]
    assert -np.log(likelihood).mean() == pytest.approx(min(losses), rel=1e-4)


def test_without_validation_rows_early_stopping_is_off_and_says_so(
    caplog: pytest.LogCaptureFixture,
) -> None:
    empty = Arrays({"dense": np.zeros((0, 3), "float32")}, np.zeros(0, "int32"))
    _, result = fit(validation=empty, early_stopping={"patience": 1}, epochs=4)
    assert (result.epochs, result.best_epoch, result.is_stopped_early) == (4, 4, False)
    assert "val_loss" not in result.history[0]
    assert "early stopping is off: there are no validation rows" in caplog.text


def test_a_loss_that_is_not_finite_ends_the_fit_at_once() -> None:
    with pytest.raises(TrainingError, match=r"finite. Received: .*learning_rate=1e\+30.*Lower"):
        fit(learning_rate=1e30, epochs=50)


def test_training_without_rows_is_refused() -> None:
    empty = Arrays({"dense": np.zeros((0, 3), "float32")}, np.zeros(0, "int32"))
    with pytest.raises(TrainingError, match="needs rows"):
        fit(train=empty)


def test_balanced_classes_find_the_rare_one() -> None:
    rows = make_arrays("binary", 600)
    rare = np.flatnonzero(rows.y == 1)[:12]
    chosen = np.concatenate([np.flatnonzero(rows.y == 0), rare])
    few = Arrays({"dense": rows.inputs["dense"][chosen]}, rows.y[chosen])
    test = make_arrays("binary", 300, seed=2)
    found = {}
    for weights in ("none", "balanced"):
        network, _ = fit("binary", train=few, class_weights=weights, learning_rate=0.005)
        answers = predict(network, test.inputs, schema=SCHEMAS["binary"])
        found[weights] = (answers.argmax(axis=1)[test.y == 1] == 1).mean()
    assert found["balanced"] > found["none"] + 0.2


class Killed(BaseException):
    """Stands for a process that is gone."""


def kill_after(epoch: int) -> Any:
    def on_epoch(progress: EpochProgress) -> None:
        if progress.epoch == epoch:
            raise Killed

    return on_epoch


@pytest.mark.parametrize("optimizer", ["adam", "sgd"])
def test_a_killed_fit_goes_on_where_it_was(tmp_path: Path, optimizer: str) -> None:
    options: dict[str, Any] = {
        "model": ModelSpec(hidden=(8,), dropout=0.3),
        "epochs": 6,
        "optimizer": optimizer,
        "early_stopping": {"patience": 6},
    }
    whole, expected = fit(**options)
    file = CheckpointFile(tmp_path / "checkpoint.npz", "fit-1")
    with pytest.raises(Killed):
        fit(checkpoint=file, on_epoch=kill_after(4), **options)
    seen: list[int] = []
    resumed, result = fit(checkpoint=file, on_epoch=lambda p: seen.append(p.epoch), **options)
    assert seen == [5, 6]
    assert result.resumed_from == 4
    assert result.history == expected.history
    assert result.best_epoch == expected.best_epoch
    assert_same_weights(whole, resumed)


def test_a_checkpoint_of_another_fit_is_not_used(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with pytest.raises(Killed):
        fit(checkpoint=CheckpointFile(tmp_path / "c.npz", "one"), on_epoch=kill_after(2))
    caplog.set_level(logging.INFO)
    _, result = fit(checkpoint=CheckpointFile(tmp_path / "c.npz", "other"))
    assert (result.resumed_from, result.epochs) == (0, 3)
    assert "is of another fit; starts anew" in caplog.text


def test_a_request_to_stop_leaves_what_a_retry_needs(tmp_path: Path) -> None:
    file, epochs = CheckpointFile(tmp_path / "c.npz", "one"), []
    with pytest.raises(StoppedError, match="after epoch 2"):
        fit(
            checkpoint=file,
            on_epoch=lambda progress: epochs.append(progress.epoch),
            stop=lambda: len(epochs) == 2,
            epochs=5,
        )
    _, result = fit(checkpoint=file, epochs=5)
    assert (result.resumed_from, result.epochs) == (2, 5)


def test_progress_tells_epoch_metrics_and_what_is_left() -> None:
    told: list[EpochProgress] = []
    fit(on_epoch=told.append)
    assert [(each.epoch, each.epochs) for each in told] == [(1, 3), (2, 3), (3, 3)]
    assert set(told[0].metrics) == {"loss", "accuracy", "val_loss", "val_accuracy"}
    assert told[0].eta_seconds > 0
    assert told[-1].eta_seconds == 0
    assert told[-1].seconds >= told[0].seconds > 0
