"""The `approve` task: waits for a person in the Airflow UI when the verdict asks for one."""

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from airflow.providers.standard.operators.hitl import HITLOperator

from include.orchestration.guards import missing_record
from include.orchestration.links import show_run_link
from include.orchestration.notices import tell_approval
from include.records import Verdict
from include.specs import PipelineSpec

APPROVE = "Promote"
REJECT = "Keep the champion"
# What Markdown takes for more than text; with `<` and `&` it covers HTML as well.
MARKDOWN = re.compile(r"([\\`*_{}\[\]<>#|!~&])")


class ApproveOperator(HITLOperator):
    """Ask a person whether the candidate becomes champion; no answer in time means no.

    A verdict that asks nobody passes at once.
    """

    body: str | None

    def __init__(self, *, on_ask: Callable[[Verdict], None], **arguments: Any) -> None:
        """Take what is called once a person is asked; the rest is as for any such operator."""
        super().__init__(**arguments)
        self.on_ask = on_ask

    def execute(self, context: Any) -> Any:
        """Park the task until somebody answers, unless the verdict needs no approval."""
        verdict = context["ti"].xcom_pull(task_ids="judge")
        if verdict is None:
            raise missing_record("approve", "judge")
        if not verdict.needs_approval:
            self.log.info("the verdict is %r and needs no approval", verdict.kind)
            return None
        self.body = f"{describe_verdict(verdict)}\n\n{self.body}"
        self.on_ask(verdict)
        show_run_link()  # whoever answers will want to look at the run
        return super().execute(context)


def build_approval(spec: PipelineSpec) -> ApproveOperator:
    """Build the approval of a pipeline by its policy."""
    return ApproveOperator(
        task_id="approve",
        on_ask=lambda verdict: tell_approval(spec, verdict),
        subject=f"Promote the candidate of {spec.name}?",
        body="Compare the runs in MLflow before you answer. Without an answer in "
        f"{spec.promotion.approval_hours:g} hours the champion stays.",
        options=[APPROVE, REJECT],
        defaults=REJECT,
        response_timeout=timedelta(hours=spec.promotion.approval_hours),
        doc_md="Waits for a person only if the verdict asks for one.",
    )


def describe_verdict(verdict: Verdict) -> str:
    """Write a verdict and its gates as Markdown; names from the data stay plain text."""
    gates = [
        f"- **{'yes' if gate.is_passed else 'no'}** {_escape(gate.name)}: {_escape(gate.detail)}"
        for gate in verdict.gates
    ]
    return "\n".join([_escape(verdict.reason), "", *gates])


def _escape(text: str) -> str:
    """Put a backslash before whatever Markdown would act on, on one line."""
    return MARKDOWN.sub(r"\\\1", " ".join(text.split()))


def read_answer(answer: dict[str, Any] | None) -> bool | None:
    """Tell yes (True), no (False), or that nobody was asked or answered (None).

    Args:
        answer: What `approve` returned; an answer by default has nobody who gave it.
    """
    if answer is None or not answer.get("responded_by_user"):
        return None
    return bool(answer.get("chosen_options") == [APPROVE])


def read_responder(answer: dict[str, Any] | None) -> str:
    """Give the name of the person who answered; empty where nobody did.

    Example:
        >>> read_responder({"responded_by_user": {"id": "7", "name": "ada"}}), read_responder(None)
        ('ada', '')
    """
    user = (answer or {}).get("responded_by_user") or {}
    return str(user.get("name") or user.get("id") or "")
