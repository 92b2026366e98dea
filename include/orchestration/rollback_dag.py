"""The DAG that goes back: one for all pipelines, by hand or as the champion before asks for."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any, Final

from airflow.providers.standard.operators.hitl import HITLOperator
from airflow.sdk import DAG, AssetAlias, Param, task
from airflow.sdk.exceptions import AirflowSkipException

from include.orchestration.assets import model_asset
from include.orchestration.notices import tell_doubt, tell_rollback
from include.orchestration.policies import RETRY_POLICY
from include.records import PromoteRecord
from include.specs import PipelineSpec

DOC: Final = """\
**An earlier version becomes the champion again**

Name the pipeline, the version (empty: the one that the champion replaced) and the reason. The
version's files are checked against their seal, and it must answer its golden rows as it did in its
run; then the alias `champion` moves, and `previous` stands for the version that was left.

A run that `score__<pipeline>` or `monitor__<pipeline>` started says why: the champion before
disagrees with the new one, or labels that came since show that it was better. With `ask` a person
decides; no answer keeps the champion, and then **`rollback` is skipped**.

What scores and serves follows by itself: earlier predictions come back exactly. The next candidate
asks a person, so that no schedule undoes it. **A failure** leaves the champion as it is.
"""


GO_BACK: Final = "Go back"
STAY: Final = "Keep the champion"


class AskOperator(HITLOperator):
    """Ask a person whether to go back, if the form says so; no answer in time means no."""

    by_name: dict[str, PipelineSpec]

    def execute(self, context: Any) -> Any:
        """Park the task until somebody answers, unless nobody is to be asked."""
        params = context["params"]
        if not params["ask"]:
            return None
        spec = self.by_name[params["pipeline"]]
        version = params["version"] or "the one before"
        self.subject = f"Go back to version {version} of {spec.name}?"
        self.body = f"{params['reason']}."
        self.response_timeout = timedelta(hours=spec.promotion.approval_hours)
        tell_doubt(spec, self.subject, params["reason"])
        return super().execute(context)


def build_rollback_dag(specs: Sequence[PipelineSpec]) -> DAG:
    """Build `rollback`; its page in the Airflow UI is `DOC`."""
    by_name = {spec.name: spec for spec in specs}
    changed = AssetAlias("rolled_back", group="gatehouse")
    with DAG(
        dag_id="rollback",
        description="Make an earlier version of a pipeline's model the champion again",
        doc_md=DOC,
        default_args={"owner": "gatehouse", "retries": 2, "retry_policy": RETRY_POLICY},
        tags=["gatehouse", "rollback"],
        max_active_runs=16,  # one may wait for an answer; the alias itself is guarded
        schedule=None,
        catchup=False,
        is_paused_upon_creation=False,
        params={
            "pipeline": Param(
                None, type="string", enum=sorted(by_name), description="Name of the pipeline."
            ),
            "version": Param(
                None,
                type=["null", "integer"],
                minimum=1,
                description="Version to go back to; empty for the one before the champion.",
            ),
            "reason": Param(
                None, type="string", minLength=1, maxLength=200, description="Why you go back."
            ),
            "instead_of": Param(
                None,
                type=["null", "integer"],
                minimum=1,
                description="Go back only while this version is champion; from whichever if empty.",
            ),
            "ask": Param(False, type="boolean", description="Ask a person first."),
        },
    ) as rollback_dag:

        @task(outlets=[changed])
        def rollback(
            answer: Any, params: Any = None, dag_run: Any = None, outlet_events: Any = None
        ) -> PromoteRecord:
            from include.steps.rollback import rollback as step

            name, by = params["pipeline"], name_who(dag_run, answer)
            if params["ask"] and answer["chosen_options"] != [GO_BACK]:
                raise AirflowSkipException(f"the champion stays, by {by}")
            done = step(
                name,
                to=str(params["version"] or ""),
                instead_of=str(params["instead_of"] or ""),
                reason=params["reason"],
                by=f"{by} in Airflow",
            )
            tell_rollback(by_name[name], done, by)
            asset = model_asset(by_name[name])
            outlet_events[changed].add(asset, extra={"version": done.version})
            return done

        ask = AskOperator(task_id="ask", subject="Go back?", options=[GO_BACK, STAY], defaults=STAY)
        ask.by_name = by_name
        rollback(ask.output)
    return rollback_dag


def name_who(dag_run: Any, answer: Any) -> str:
    """Name who goes back: who answered, else the comparison that asked, else who triggered it."""
    user = (answer or {}).get("responded_by_user") or {}
    if user:
        return str(user.get("name") or user.get("id"))
    # It bears the name of whoever started the scoring run.
    if dag_run.run_type == "operator_triggered":
        return "the comparison after promotion"
    return str(dag_run.triggering_user_name or "a person")
