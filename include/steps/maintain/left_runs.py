"""MLflow runs that nobody closed: their DAG run has ended, or is gone."""

import logging
from collections.abc import Callable
from typing import Literal

from include.settings import Settings
from include.tracking.connection import connect
from include.tracking.retention import describe_dag_run, list_running
from include.tracking.runs import end_run, say_unsaid_ends

logger = logging.getLogger(__name__)
DagRunState = Literal["running", "success", "failed", "gone"]


def close_left_runs(settings: Settings, find_state: Callable[[str, str], DagRunState]) -> int:
    """End the MLflow runs whose DAG run came to its end without them, and say why.

    Args:
        settings: Where the MLflow server is.
        find_state: Tells by DAG id and run id what became of a DAG run.

    Returns:
        How many were ended.

    Raises:
        TrackingUnavailableError: The MLflow server does not answer.
    """
    client = connect(settings)
    say_unsaid_ends(settings)
    closed = 0
    for run in list_running(settings, client):
        context = describe_dag_run(run)
        state = find_state(context.dag_id, context.run_id)
        if state == "running":
            continue
        reason = f"its DAG run is {state} and left it RUNNING; ended by maintain"
        client.set_tag(run.info.run_id, "gatehouse.reason", reason)
        end_run(settings, context, "FINISHED" if state == "success" else "KILLED")
        logger.warning("MLflow run %s: %s", run.info.run_id, reason)
        closed += 1
    return closed
