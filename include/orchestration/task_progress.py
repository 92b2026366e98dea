"""The progress of a fit, where people look while it runs: the task's state in the Airflow UI."""

import time
from collections.abc import Callable
from typing import Any, Protocol

SECONDS_BETWEEN_WRITES = 0.5
KEY = "progress"


class Progress(Protocol):
    """What a fit tells after every epoch."""

    epoch: int
    epochs: int
    metrics: dict[str, float]
    seconds: float
    eta_seconds: float


def report_progress(task_state_store: Any) -> Callable[[Progress], None]:
    """Build the callback that writes each epoch to Airflow's task state store.

    Writes are at least half a second apart, save for the first and the last epoch's: each is a
    request to the API server.
    """
    last = [0.0]

    def write(progress: Progress) -> None:
        now = time.monotonic()
        is_due = now - last[0] >= SECONDS_BETWEEN_WRITES
        if task_state_store is None or not (is_due or progress.epoch == progress.epochs):
            return
        last[0] = now
        task_state_store.set(
            KEY,
            {
                "epoch": progress.epoch,
                "epochs": progress.epochs,
                "eta_seconds": round(progress.eta_seconds, 1),
                **{name: round(value, 6) for name, value in progress.metrics.items()},
            },
        )

    return write
