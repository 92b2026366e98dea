"""Fitting a network: epoch by epoch, resumable, with best weights kept and NaN refused."""

import logging
import math
import time
from collections.abc import Callable
from functools import partial
from typing import NamedTuple

import keras
import numpy as np

from include.errors import StoppedError, TrainingError
from include.modeling.arrays import Arrays, balance_rows, to_loss_target
from include.modeling.checkpoints import (
    Checkpoint,
    CheckpointFile,
    read_variables,
    write_variables,
)
from include.modeling.epochs import EpochRunner, FitRows, KerasEpochs
from include.modeling.objectives import measure_outputs
from include.modeling.prediction import predict_outputs
from include.modeling.progress import EpochProgress, FitState
from include.records import FeatureSchema
from include.specs.model import EarlyStopping, Loss, TrainingSpec

logger = logging.getLogger(__name__)
RUNAWAY_WEIGHT = 1e12


class FitResult(NamedTuple):
    """What a fit came to; the network holds the weights of `best_epoch`."""

    history: tuple[dict[str, float], ...]
    best_epoch: int
    is_stopped_early: bool
    seconds: float
    resumed_from: int

    @property
    def epochs(self) -> int:
        """Number of epochs fitted, resumed ones included."""
        return len(self.history)


def fit_network(
    network: keras.Model,
    train: Arrays,
    validation: Arrays | None,
    *,
    schema: FeatureSchema,
    training: TrainingSpec,
    checkpoint: CheckpointFile | None = None,
    on_epoch: Callable[[EpochProgress], None] | None = None,
    stop: Callable[[], bool] | None = None,
) -> FitResult:
    """Fit a network in place.

    Args:
        network: A fresh network of this schema.
        train: Training rows.
        validation: Rows for the validation loss; None or empty turns early stopping off.
        schema: Inputs and outputs of the network.
        training: Epochs, batch size, optimizer and the like.
        checkpoint: Where each epoch's state is kept; a fit that finds its own there goes on.
        on_epoch: Told after every epoch.
        stop: Asked between calls of the device; True ends the fit after what is on disk.

    Raises:
        TrainingError: The loss is not finite, or there are no rows.
        StoppedError: `stop` said so.
    """
    if not train.rows:
        raise TrainingError("training needs rows. Received: none. Check split.fractions.")
    validation = validation if validation is not None and validation.rows else None
    stopping = _choose_stopping(training, validation)
    runner = choose_runner(network, train, schema=schema, training=training)
    state = _resume(network, runner, checkpoint)
    resumed_from = state.epoch
    while state.epoch < training.epochs and not state.is_out_of_patience(stopping):
        started = time.monotonic()
        epoch = state.epoch + 1
        metrics = runner.run_epoch(epoch, partial(_check_stop, stop, state.epoch))
        if validation is not None and math.isfinite(metrics["loss"]):
            metrics |= validate(network, validation, schema, loss=training.loss)
        check_finite(metrics | describe_weights(network), epoch, training)
        weights = read_variables(network.variables)
        seconds = time.monotonic() - started
        state = state.advance(metrics, weights, stopping=stopping, seconds=seconds)
        if checkpoint is not None:
            slots = read_variables(runner.optimizer.variables)
            checkpoint.write(Checkpoint(state, weights, slots))
        if on_epoch is not None:
            left = (training.epochs - epoch) * seconds
            on_epoch(EpochProgress(epoch, training.epochs, metrics, state.seconds, left))
    if stopping is not None and state.best_weights:
        write_variables(network.variables, state.best_weights)
    is_stopped_early = state.epoch < training.epochs
    return FitResult(state.history, state.best_epoch, is_stopped_early, state.seconds, resumed_from)


def choose_runner(
    network: keras.Model, train: Arrays, *, schema: FeatureSchema, training: TrainingSpec
) -> EpochRunner:
    """Choose how epochs are run: compiled loops on JAX, `model.fit` otherwise."""
    is_balanced = training.class_weights == "balanced"
    rows = FitRows(
        inputs=train.inputs,
        target=to_loss_target(schema, train.y),
        weights=balance_rows(schema, train.y) if is_balanced else None,
    )
    has_own_step = type(network).train_step is not keras.Model.train_step
    if keras.config.backend() != "jax" or has_own_step:
        return KerasEpochs(network, rows, schema=schema, training=training)
    from include.modeling.jax_epochs import JaxEpochs

    return JaxEpochs(network, rows, schema=schema, training=training)


def validate(
    network: keras.Model, rows: Arrays, schema: FeatureSchema, *, loss: Loss
) -> dict[str, float]:
    """Compute `val_loss`, penalties included, and `val_<metric>`."""
    outputs = predict_outputs(network, rows.inputs)
    measured = measure_outputs(schema, to_loss_target(schema, rows.y), outputs, loss)
    measured["loss"] += sum(float(penalty) for penalty in network.losses)
    return {f"val_{name}": value for name, value in measured.items()}


def describe_weights(network: keras.Model) -> dict[str, float]:
    """Return the largest absolute weight: infinite if beyond any sense.

    A network whose weights ran away may still have a finite loss, as losses are clipped.
    """
    sizes = [
        float(np.abs(np.asarray(keras.ops.convert_to_numpy(variable.value))).max(initial=0.0))
        for variable in network.trainable_variables
    ]
    largest = float(np.max(sizes, initial=0.0))
    return {"largest_weight": largest if largest < RUNAWAY_WEIGHT else math.inf}


def check_finite(metrics: dict[str, float], epoch: int, training: TrainingSpec) -> None:
    """Refuse to go on with a loss that is not a number, or weights that ran away.

    Raises:
        TrainingError: A value is NaN or infinite.
    """
    wrong = {name: value for name, value in metrics.items() if not math.isfinite(value)}
    if wrong:
        raise TrainingError(
            f"losses and weights must be finite. Received: {wrong} in epoch {epoch} of "
            f"{training.epochs}, with learning_rate={training.learning_rate:g}. Lower "
            "training.learning_rate (0.001 suits adam), or look for huge values in the features."
        )


def _choose_stopping(training: TrainingSpec, validation: Arrays | None) -> EarlyStopping | None:
    if training.early_stopping is not None and validation is None:
        logger.warning(
            "early stopping is off: there are no validation rows. Give split.fractions a second "
            "share above 0, or set training.early_stopping to null."
        )
        return None
    return training.early_stopping


def _resume(network: keras.Model, runner: EpochRunner, file: CheckpointFile | None) -> FitState:
    found = file.read() if file is not None else None
    if found is None:
        return FitState()
    write_variables(network.variables, found.weights)
    write_variables(runner.optimizer.variables, found.slots)
    logger.info("goes on after epoch %d, as a checkpoint has it", found.state.epoch)
    return found.state


def _check_stop(stop: Callable[[], bool] | None, epoch: int) -> None:
    if stop is not None and stop():
        raise StoppedError(
            "training runs until its last epoch. Received: a request to stop, after epoch "
            f"{epoch}. Clear the task to go on from there."
        )
