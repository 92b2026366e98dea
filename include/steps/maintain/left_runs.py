"""MLflow runs that nobody closed: their DAG run has ended, or is gone."""

import logging
from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Literal

from include.records import RunContext
from include.settings import Settings
from include.tracking.connection import connect
from include.tracking.names import WAITS
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


def find_late_runs(
    settings: Settings, late_hours: Callable[[str], float], now: datetime
) -> Iterator[tuple[RunContext, float]]:
    """Find the runs under way that take longer than their pipeline allows.

    Args:
        settings: Where the MLflow server is.
        late_hours: Gives the hours of a pipeline.
        now: The time.

    Yields:
        The run, and the hours that it has taken.

    Raises:
        TrackingUnavailableError: The MLflow server does not answer.
    """
    for run in list_running(settings, connect(settings)):
        context = describe_dag_run(run)
        hours = (now.timestamp() - run.info.start_time / 1_000) / 3_600
        is_asking = f" {WAITS} " in f"{run.info.run_name} "
        if hours > late_hours(context.pipeline) and not is_asking:
            yield context, hours
