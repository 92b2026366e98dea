"""What a person makes of a run after its end, told to its MLflow run.

Before its end nothing needs to be told: `close_run` has the last word.
"""

import logging
import sys
import time
from typing import TYPE_CHECKING, Final

from include.errors import TrackingUnavailableError
from include.records import RunContext
from include.settings import load_settings
from include.tracking.connection import tracking_calls
from include.tracking.runs import MARKED, find_run

if TYPE_CHECKING:
    from include.settings import Settings
    from include.tracking.spool import EndState

logger = logging.getLogger(__name__)

LOOK_SECONDS: Final = 10.0
STATES: Final[dict[str, "EndState"]] = {"success": "FINISHED", "failed": "FAILED"}


def mark_run(settings: "Settings", run: RunContext, state: str) -> None:
    """Let an MLflow run that has ended say what a person marked its DAG run as.

    A training without a verdict never becomes one that finished: its mark is a tag only.

    Args:
        settings: Where the MLflow server is.
        run: The DAG run.
        state: `success` or `failed`.

    Raises:
        TrackingUnavailableError: The MLflow server does not answer.
    """
    log = find_run(settings, run)
    if log is None:
        return
    with tracking_calls(settings.mlflow):
        found = log.client.get_run(log.run_id)
        is_good, wanted = found.info.status == "FINISHED", STATES[state]
        if found.info.status == "RUNNING" or is_good == (wanted == "FINISHED"):
            return
        is_judged = "gatehouse.verdict" in found.data.tags or not run.dag_id.startswith("train__")
        log.client.set_tag(log.run_id, MARKED, f"{state} in Airflow, when it had ended")
        if wanted == "FAILED" or is_judged:
            log.client.update_run(log.run_id, status=wanted)
        logger.info("MLflow run %s: marked %s in Airflow", log.run_id, state)


def main(dag_id: str, run_id: str, state: str) -> None:
    """Mark a run, and wait for a server that is away for as long as a task would."""
    settings = load_settings()
    run = RunContext(pipeline=dag_id.partition("__")[2], dag_id=dag_id, run_id=run_id)
    deadline = time.monotonic() + settings.outage_seconds
    while True:
        try:
            return mark_run(settings, run, state)
        except TrackingUnavailableError:
            if time.monotonic() > deadline:
                raise
            time.sleep(LOOK_SECONDS)


if __name__ == "__main__":
    main(*sys.argv[1:])
