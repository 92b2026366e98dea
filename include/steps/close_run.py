"""Step `close_run`: the MLflow run ends as the DAG run did, whatever happened before."""

import logging
from typing import Literal

from include.records import RunContext
from include.settings import load_settings
from include.tracking.connection import tracking_calls
from include.tracking.runs import find_run

logger = logging.getLogger(__name__)

EndState = Literal["FINISHED", "FAILED", "KILLED"]


def was_killed(run: RunContext) -> bool:
    """Tell whether a task of the DAG run was stopped and nothing went on since."""
    log = find_run(load_settings(), run)
    return log is not None and log.client.get_run(log.run_id).info.status == "KILLED"


def close_run(run: RunContext, state: EndState) -> None:
    """End the MLflow run of a DAG run; safe to repeat.

    Metrics that wait on disk for the server are sent first. A DAG run that never opened an
    MLflow run has nothing to close.

    Args:
        run: The DAG run.
        state: How it ended.

    Raises:
        TrackingUnavailableError: The MLflow server does not answer; the task tries again.
    """
    settings = load_settings()
    log = find_run(settings, run)
    if log is None:
        logger.info("no MLflow run for %s: nothing to close", run.run_key)
        return
    log.flush()
    with tracking_calls(settings.mlflow):
        if log.client.get_run(log.run_id).info.status != state:
            log.client.set_terminated(log.run_id, status=state)
    logger.info("MLflow run %s ended as %s", log.run_id, state)
