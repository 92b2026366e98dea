"""The button on a task's page that opens its run in MLflow."""

from typing import TYPE_CHECKING, Any

from airflow.sdk import BaseOperatorLink, get_current_context
from airflow.sdk.execution_time.xcom import XCom

if TYPE_CHECKING:
    from airflow.sdk import BaseOperator
    from airflow.sdk.types import TaskInstanceKey


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


def show_run_link(url: str = "") -> None:
    """Put the run's address where the task's page finds it, while the task still runs.

    Args:
        url: The address; that which the first task left unless given.
    """
    ti = get_current_context()["ti"]
    MlflowRunLink.url = url or find_run_link(ti.dag_id, ti.run_id)
    ti.xcom_push(key=MlflowRunLink().xcom_key, value=MlflowRunLink.url)


def find_run_link(dag_id: str, run_id: str) -> str:
    """Look up the address that the first task of a DAG run left; empty if it left none."""
    found = XCom.get_one(
        key=MlflowRunLink().xcom_key, dag_id=dag_id, run_id=run_id, task_id="ingest"
    )
    return str(found or "")


def link_to_mlflow(*tasks: Any) -> None:
    """Put the button on tasks.

    Args:
        tasks: What calling a `@task` function returned, or operators.
    """
    for task in tasks:
        operator = getattr(task, "operator", task)
        operator.operator_extra_links = (MlflowRunLink(),)
