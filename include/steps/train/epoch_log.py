"""The epochs of a fit, logged while it runs: to MLflow, to the task's log, to who shows them."""

import logging
import math
import time
from collections.abc import Callable
from typing import Final, Self

from include.modeling.progress import EpochProgress
from include.tracking.names import epoch_metrics
from include.tracking.run_log import RunLog

logger = logging.getLogger(__name__)
SECONDS_BETWEEN_CALLS: Final = 1.0


class EpochLog:
    """Logs every epoch: at once, or a second's worth in one call where they are short."""

    def __init__(
        self, log: RunLog, on_progress: Callable[[EpochProgress], None] | None = None
    ) -> None:
        """Log to a run, and tell `on_progress` as well; if that fails, training goes on."""
        self._log, self._on_progress = log, on_progress
        self._waiting: dict[int, dict[str, float]] = {}
        self._sent = -math.inf

    def __enter__(self) -> Self:
        """Begin; what waits is sent with the end of the block, however it ends."""
        return self

    def __exit__(self, *_: object) -> None:
        """Send what waits."""
        self._send()

    def tell(self, progress: EpochProgress) -> None:
        """Take the metrics of an epoch that ended."""
        self._waiting[progress.epoch] = epoch_metrics(progress.metrics)
        if time.monotonic() - self._sent >= SECONDS_BETWEEN_CALLS:
            self._send()
        numbers = ", ".join(f"{name} {value:.4g}" for name, value in progress.metrics.items())
        logger.info("epoch %d of %d: %s", progress.epoch, progress.epochs, numbers)
        if self._on_progress is None:
            return
        try:
            self._on_progress(progress)
        except Exception as error:  # the display of progress must not cost the training
            logger.warning("progress could not be shown: %s: %s", type(error).__name__, error)

    def _send(self) -> None:
        self._log.log_epochs(self._waiting)
        self._waiting, self._sent = {}, time.monotonic()
