"""A listener: what a person marks a run as after its end, MLflow is told as well.

Airflow's API server tells listeners of such a mark while the request waits; how a run ended by
itself, it is the scheduler that tells. So only the first is heard, and a process of its own, one at
a time, speaks with MLflow.
"""

import logging
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import Any, Final

from airflow.listeners import hookimpl

logger = logging.getLogger(__name__)
FAMILIES: Final = ("train__", "explore__")
# What Airflow says of a state that a person set.
BY_HAND: Final = "manually set"


@hookimpl
def on_dag_run_success(dag_run: Any, msg: str) -> None:
    """Hear that a run ended well."""
    _hear(dag_run, msg, "success")


@hookimpl
def on_dag_run_failed(dag_run: Any, msg: str) -> None:
    """Hear that a run failed."""
    _hear(dag_run, msg, "failed")


def _hear(dag_run: Any, msg: str, state: str) -> None:
    if BY_HAND in msg and dag_run.dag_id.startswith(FAMILIES):
        _line().submit(_tell, dag_run.dag_id, dag_run.run_id, state)


@cache
def _line() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(1, thread_name_prefix="marks")


def _tell(*mark: str) -> None:
    command = [sys.executable, "-m", "include.tracking.marks", *mark]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        logger.error("MLflow was not told of the mark %s: %s", mark, done.stderr[-2000:])
