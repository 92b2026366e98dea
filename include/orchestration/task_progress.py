"""The progress of a fit, where people look while it runs: the task's state in the Airflow UI."""

import logging
import threading
import time
from collections.abc import Callable
from typing import Any, Protocol

logger = logging.getLogger(__name__)
SECONDS_BETWEEN_WRITES = 0.5
# Airflow tries a write several times itself, and logs each of its failures.
SECONDS_AFTER_FAILURE = 60.0
KEY = "progress"


class Progress(Protocol):
    """What a fit tells after every epoch."""

    epoch: int
    epochs: int
    metrics: dict[str, float]
    seconds: float
    eta_seconds: float


def report_progress(task_state_store: Any) -> Callable[[Progress], None]:
    """Build the callback that shows each epoch in Airflow's task state store.

    A thread writes, since each write is a request to the API server, which may be away: the fit
    never waits for it. What the thread has no time for is replaced by the next epoch.
    """
    if task_state_store is None:
        return lambda _: None
    writer = _Writer(task_state_store)
    return lambda progress: writer.show(
        {
            "epoch": progress.epoch,
            "epochs": progress.epochs,
            "eta_seconds": round(progress.eta_seconds, 1),
            **{name: round(value, 6) for name, value in progress.metrics.items()},
        }
    )


class _Writer:
    """Writes the latest of what it is given."""

    def __init__(self, task_state_store: Any) -> None:
        """Start nothing yet: most tasks show no progress."""
        self._store = task_state_store
        self._latest: dict[str, float] | None = None
        self._is_new = threading.Condition()
        self._thread: threading.Thread | None = None

    def show(self, value: dict[str, float]) -> None:
        """Have a value written soon."""
        with self._is_new:
            self._latest = value
            self._is_new.notify()
        if self._thread is None:
            # It ends with the process: what it would still write shows nothing by then.
            self._thread = threading.Thread(target=self._write, name="progress", daemon=True)
            self._thread.start()

    def _write(self) -> None:
        while True:
            with self._is_new:
                self._is_new.wait_for(lambda: self._latest is not None)
                value, self._latest = self._latest, None
            pause = SECONDS_BETWEEN_WRITES
            try:
                self._store.set(KEY, value)
            except Exception as error:  # the display of progress must not cost the training
                pause = SECONDS_AFTER_FAILURE
                logger.warning(
                    "progress is not shown for %.0f s: %s: %s", pause, type(error).__name__, error
                )
            time.sleep(pause)
