"""The button on a task's page that opens its run in MLflow."""

from typing import TYPE_CHECKING, Any

from airflow.sdk import BaseOperatorLink

if TYPE_CHECKING:
    from airflow.sdk import BaseOperator
    from airflow.sdk.types import TaskInstanceKey


class MlflowRunLink(BaseOperatorLink):
    """Opens the MLflow run of a DAG run.

    The address is known only to the task process that opened the run; Airflow asks for it there
    as the task ends and keeps it as an XCom under `xcom_key`.
    """

    name = "MLflow run"
    url = ""

    @property
    def xcom_key(self) -> str:
        """Key of the XCom that holds the address."""
        return "_link_MlflowRunLink"

    def get_link(self, operator: "BaseOperator", *, ti_key: "TaskInstanceKey") -> str:
        """Give the address of the run that this task process opened, if it did."""
        del operator, ti_key
        return MlflowRunLink.url


def link_to_mlflow(*tasks: Any) -> None:
    """Put the button on tasks.

    Args:
        tasks: What calling a `@task` function returned, or operators.
    """
    for task in tasks:
        operator = getattr(task, "operator", task)
        operator.operator_extra_links = (MlflowRunLink(),)
