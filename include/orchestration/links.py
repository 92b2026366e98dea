"""The buttons on a task's page that open its run and its report in MLflow."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from threading import Timer
from typing import TYPE_CHECKING, Any, Final

from airflow.sdk import BaseOperatorLink, get_current_context
from airflow.sdk.execution_time.xcom import XCom

from include.records.names import REPORT_PAGE

if TYPE_CHECKING:
    from airflow.sdk import BaseOperator
    from airflow.sdk.types import TaskInstanceKey


SHOW_AFTER_SECONDS: Final = 1.0
# Only a process of one thread may fork, and `promote` reloads the model in a fork of its own.
FORKING: Final = frozenset({"promote"})
WITH_REPORT = frozenset({"approve", "promote", "report", "close_run", "compare_window"})


class MlflowRunLink(BaseOperatorLink):
    """Opens the MLflow run of a DAG run.

    The address is known only to the task process that opened the run; Airflow asks for it there
    as the task ends and keeps it as an XCom under `xcom_key`. A task that opens no run takes it
    over from `ingest`.
    """

    name = "MLflow run"
    url = ""

    @property
    def xcom_key(self) -> str:
        """Key of the XCom that holds the address."""
        return "_link_MlflowRunLink"

    def get_link(self, operator: "BaseOperator", *, ti_key: "TaskInstanceKey") -> str:
        """Give the address of the run that this task process or the first task opened."""
        del operator
        return MlflowRunLink.url or find_run_link(ti_key.dag_id, ti_key.run_id)


class ReportLink(BaseOperatorLink):
    """Opens the report of a DAG run, which MLflow keeps beside its figures."""

    name = "Report"

    @property
    def xcom_key(self) -> str:
        """Key of the XCom that holds the address."""
        return "_link_ReportLink"

    def get_link(self, operator: "BaseOperator", *, ti_key: "TaskInstanceKey") -> str:
        """Give the address of the report among the files of the task's MLflow run."""
        run = MlflowRunLink().get_link(operator, ti_key=ti_key)
        return run.replace("?", f"/artifacts/{REPORT_PAGE}?", 1)


@contextmanager
def show_run_link() -> Iterator[Callable[[str], None]]:
    """Put the run's address where the task's page finds it, if a block takes more than a moment.

    Airflow does so when the task ends, which for most tasks is soon enough. A task that forks has
    no thread to wait for the moment: there the address is put at once.

    Yields:
        To be told the address of the run once that is open.
    """
    ti = get_current_context()["ti"]
    push = partial(ti.xcom_push, key=MlflowRunLink().xcom_key)
    later = Timer(SHOW_AFTER_SECONDS, lambda: push(value=MlflowRunLink.url))
    later.daemon = True

    def on_open(url: str) -> None:
        MlflowRunLink.url = url
        if ti.task_id in FORKING:
            push(value=url)
        else:
            later.start()

    try:
        yield on_open
    finally:
        later.cancel()
        if later.is_alive():
            later.join()


def find_run_link(dag_id: str, run_id: str) -> str:
    """Look up the address that the first task of a DAG run left; empty if it left none."""
    found = XCom.get_one(
        key=MlflowRunLink().xcom_key, dag_id=dag_id, run_id=run_id, task_id="ingest"
    )
    return str(found or "")


def link_to_mlflow(*tasks: Any) -> None:
    """Put the buttons on tasks; that to the report where one wants to read it.

    Args:
        tasks: What calling a `@task` function returned, or operators.
    """
    for task in tasks:
        operator = getattr(task, "operator", task)
        reports = operator.task_id in WITH_REPORT
        operator.operator_extra_links = (MlflowRunLink(), *([ReportLink()] if reports else []))
