"""The `approve` task: waits for a person in the Airflow UI when the verdict asks for one."""

from datetime import timedelta
from typing import Any, Final

from airflow.providers.standard.operators.hitl import HITLOperator
from airflow.sdk import Param

from include.orchestration.guards import missing_record
from include.orchestration.notices import tell_approval
from include.orchestration.tasks import perform, pull_records
from include.records import Answer
from include.records.model import PROMOTE, list_options
from include.specs import PipelineSpec

# What the question asks for beside yes or no.
REASON: Final = "reason"


class ApproveOperator(HITLOperator):
    """Ask a person whether the candidate becomes champion; no answer in time means no.

    A verdict that asks nobody passes at once. Else the report is written first, for whoever has
    to answer.
    """

    spec: PipelineSpec

    def execute(self, context: Any) -> Any:
        """Park the task until somebody answers, unless the verdict needs no approval."""
        from include.steps.approve import approve as step

        verdict = context["ti"].xcom_pull(task_ids="judge")
        if verdict is None:
            raise missing_record("approve", "judge")
        if not verdict.needs_approval:
            self.log.info("the verdict is %r and needs no approval", verdict.kind)
            return None
        context["params"].pop(REASON, None)  # of the question, not of the run
        question = perform(step, self.spec, *pull_records())
        self.subject, self.body = question.subject, question.body
        self.options, self.defaults = list(question.options), [question.options[-1]]
        tell_approval(self.spec, verdict)
        return super().execute(context)

    def validate_chosen_options(self, chosen_options: list[str]) -> None:
        """Leave it to Airflow's API, which knows the options of the question that was asked."""


def build_approval(spec: PipelineSpec) -> ApproveOperator:
    """Build the approval of a pipeline by its policy."""
    options = list_options("")
    reason = Param(
        None,
        type=["null", "string"],
        title="Reason (optional)",
        description="Recorded with your name in the report, in MLflow and in decision.json.",
        format="multiline",
        maxLength=500,
        source="task",
    )
    approve = ApproveOperator(
        task_id="approve",
        subject=f"May the candidate of {spec.name} go live?",
        options=list(options),
        defaults=options[-1],
        params={REASON: reason},
        response_timeout=timedelta(hours=spec.promotion.approval_hours),
        doc_md="Waits for a person only if the verdict asks for one; later runs go on meanwhile.",
    )
    approve.spec = spec
    return approve


def read_answer(answer: dict[str, Any] | None) -> Answer | None:
    """Tell what a person said; None where nobody was asked or answered.

    Args:
        answer: What `approve` returned; an answer by default has nobody who gave it.
    """
    user = (answer or {}).get("responded_by_user")
    if answer is None or not user:
        return None
    return Answer(
        is_yes=answer.get("chosen_options") == [PROMOTE],
        by=str(user.get("name") or user.get("id")),
        reason=str((answer.get("params_input") or {}).get(REASON) or "").strip(),
    )
