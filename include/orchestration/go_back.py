"""The way back that a run asks for by itself, through the DAG `rollback`."""

from typing import Any

from airflow.providers.standard.operators.trigger_dagrun import TriggerDagRunOperator
from airflow.sdk.exceptions import AirflowSkipException

from include.records import MonitorRecord
from include.specs import PipelineSpec


class GoBackOperator(TriggerDagRunOperator):
    """Start a run of `rollback` if a champion is to give way; once for a version and a cause."""

    spec: PipelineSpec
    asked_by: str

    def execute(self, context: Any) -> None:
        """Trigger it, or skip.

        Raises:
            AirflowSkipException: There is no reason to.
        """
        found = context["ti"].xcom_pull(task_ids=self.asked_by)
        back = found.back if isinstance(found, MonitorRecord) else found
        if back is None or not back.goes_back:
            raise AirflowSkipException("the champion stays" if back is None else back.why)
        name = self.spec.name
        self.trigger_run_id = f"{self.asked_by}__{name}__{back.version}"
        self.conf = {
            "pipeline": name,
            "version": int(back.previous),
            "instead_of": int(back.version),
            "reason": f"scoring along, {back.why}"[:200],
            "ask": self.spec.scoring.shadow.then == "ask",
        }
        super().execute(context)


def go_back_after(spec: PipelineSpec, task_id: str) -> GoBackOperator:
    """Build the task `go_back` of a DAG, behind the task whose record says whether."""
    operator = GoBackOperator(
        task_id="go_back", trigger_dag_id="rollback", skip_when_already_exists=True
    )
    operator.spec, operator.asked_by = spec, task_id
    return operator
