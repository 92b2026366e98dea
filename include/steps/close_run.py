"""Step `close_run`: the MLflow run ends as the DAG run did, whatever happened before."""

import logging

from include.records import RunContext
from include.settings import load_settings
from include.tracking.runs import end_run, find_run
from include.tracking.spool import EndState

logger = logging.getLogger(__name__)

__all__ = ["EndState", "close_run", "was_killed"]


def was_killed(run: RunContext) -> bool:
    """Tell whether a task of the DAG run was stopped and nothing went on since."""
    log = find_run(load_settings(), run)
    return log is not None and log.status == "KILLED"


def close_run(run: RunContext, state: EndState) -> None:
    """End the MLflow run of a DAG run; safe to repeat.

    Metrics that wait on disk for the server are sent first. A DAG run that never opened an
    MLflow run has nothing to close.

    Args:
        run: The DAG run.
        state: How it ended.

    Raises:
        TrackingUnavailableError: The MLflow server does not answer; the task tries again, and
            the next task of whatever run says it if that does not help.
    """
    if end_run(load_settings(), run, state):
        logger.info("MLflow run of %s ended as %s", run.run_key, state)
    else:
        logger.info("no MLflow run for %s: nothing to close", run.run_key)
