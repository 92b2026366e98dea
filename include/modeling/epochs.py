"""One epoch through Keras' own `fit`: for every backend but JAX, and networks with own steps."""

from collections.abc import Callable
from typing import Any, NamedTuple, Protocol

import keras
import numpy.typing as npt

from include.modeling.objectives import build_loss, build_metric, build_optimizer
from include.records import FeatureSchema
from include.specs.model import TrainingSpec

StopCheck = Callable[[], None]


class FitRows(NamedTuple):
    """Training rows as the loss takes them; `weights` is None or one number per row."""

    inputs: dict[str, npt.NDArray[Any]]
    target: npt.NDArray[Any]
    weights: npt.NDArray[Any] | None

    @property
    def rows(self) -> int:
        """Number of rows."""
        return len(self.target)


class EpochRunner(Protocol):
    """Runs epochs one by one; between them all state lies in the network and the optimizer."""

    optimizer: keras.optimizers.Optimizer

    def run_epoch(self, epoch: int, check_stop: StopCheck) -> dict[str, float]:
        """Run one epoch, numbered from 1, and return its mean loss and metric."""


class KerasEpochs:
    """Epochs by `model.fit`."""

    STEPS_PER_EXECUTION = 16

    def __init__(
        self, network: keras.Model, rows: FitRows, *, schema: FeatureSchema, training: TrainingSpec
    ) -> None:
        """Compile the network for a fit."""
        self._network, self._rows, self._training = network, rows, training
        self.optimizer = build_optimizer(training)
        self.optimizer.build(network.trainable_variables)
        steps = -(-rows.rows // training.batch_size)
        network.compile(
            optimizer=self.optimizer,
            loss=build_loss(schema, training.loss),
            metrics=[build_metric(schema)],
            steps_per_execution=min(self.STEPS_PER_EXECUTION, steps),
        )

    def run_epoch(self, epoch: int, check_stop: StopCheck) -> dict[str, float]:
        """Run one epoch; its shuffle depends on seed and epoch alone, so it can be resumed."""
        keras.utils.set_random_seed(self._training.seed + epoch)
        history = self._network.fit(
            self._rows.inputs,
            self._rows.target,
            sample_weight=self._rows.weights,
            batch_size=min(self._training.batch_size, self._rows.rows),
            epochs=1,
            verbose=0,
            callbacks=[keras.callbacks.LambdaCallback(on_train_batch_end=_ignore(check_stop))],
        ).history
        return {name: float(values[-1]) for name, values in history.items()}


def _ignore(check_stop: StopCheck) -> Callable[..., None]:
    return lambda *_arguments, **_named: check_stop()
