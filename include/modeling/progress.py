"""Where a fit stands after an epoch: what is reported, and what a resumed fit needs to know."""

import math
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

import numpy.typing as npt

from include.specs.model import EarlyStopping

Weights = list[npt.NDArray[Any]]


class EpochProgress(NamedTuple):
    """What people are told after every epoch."""

    epoch: int
    epochs: int
    metrics: dict[str, float]
    seconds: float
    eta_seconds: float


@dataclass(frozen=True, kw_only=True)
class FitState:
    """All that a fit knows between two epochs, beside weights and optimizer.

    The shuffle of an epoch depends on the seed and the epoch's number only, and the states of
    dropout are among the network's variables, so no random state needs to be kept here.
    """

    history: tuple[dict[str, float], ...] = ()
    best_loss: float = math.inf
    best_epoch: int = 0
    best_weights: Weights = field(default_factory=list)
    seconds: float = 0.0

    @property
    def epoch(self) -> int:
        """Number of epochs fitted."""
        return len(self.history)

    def advance(
        self,
        metrics: dict[str, float],
        weights: Weights,
        *,
        stopping: EarlyStopping | None,
        seconds: float,
    ) -> "FitState":
        """Return the state after one more epoch.

        Args:
            metrics: The epoch's metrics.
            weights: The network's weights after it, kept if it is the best so far.
            stopping: When to stop; None keeps the last epoch.
            seconds: What the epoch took.
        """
        state = replace(self, history=(*self.history, metrics), seconds=self.seconds + seconds)
        if stopping is None:
            return replace(state, best_epoch=state.epoch)
        # Keras' rule: an improvement must exceed min_delta.
        if not self.best_weights or metrics["val_loss"] < self.best_loss - stopping.min_delta:
            best_loss = metrics["val_loss"]
            return replace(state, best_loss=best_loss, best_epoch=state.epoch, best_weights=weights)
        return state

    def is_out_of_patience(self, stopping: EarlyStopping | None) -> bool:
        """Tell whether the loss has not improved for as long as the spec waits."""
        return stopping is not None and self.epoch - self.best_epoch >= stopping.patience
