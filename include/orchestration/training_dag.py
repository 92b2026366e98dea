"""The training DAG of a pipeline: the order of its steps, and nothing else."""

from typing import Any, Final

from airflow.sdk import DAG, task

from include.orchestration.approval import build_approval, read_answer
from include.orchestration.assets import list_causes, model_asset
from include.orchestration.curve_tasks import build_curve
from include.orchestration.links import link_to_mlflow
from include.orchestration.notices import tell_verdict
from include.orchestration.params import build_params
from include.orchestration.policies import build_schedule, catchup_start, default_args
from include.orchestration.task_progress import report_progress
from include.orchestration.tasks import (
    connection_url,
    perform,
    perform_close,
    pull_records,
    skip_others,
    skip_unless,
    wants_curve,
)
from include.records import (
    EvaluateRecord,
    IngestRecord,
    PrepareRecord,
    PromoteRecord,
    ReportRecord,
    TrainRecord,
    ValidateRecord,
    Verdict,
)
from include.specs import PipelineSpec

MAX_ACTIVE_RUNS: Final = 16
DOC = """\
**{description}**

[Champion](/gatehouse/{name}/champion) · [all runs in MLflow](/gatehouse/{name}/runs) ·
[latest report](/gatehouse/{name}/report)

A table goes in; a checked, trained, judged and perhaps promoted model comes out:

`ingest → validate → prepare → train → evaluate → judge → approve → promote → report`

With `learning_curve` ticked, `plan_curve → fit_share → draw_curve` fit on shares of the training
rows beside that and say what more rows would bring; else `prepare` skips them. `close_run` ends
the MLflow run, whatever happened.

**Produces** tables in the data root, a run in the MLflow experiment `{name}` and, if the candidate
wins, a new version of the registered model `{name}` behind the alias `champion`.

**A failure in `validate`** means that the data broke its contract: read the table of rules in the
task's log, correct the data or `include/pipelines/{name}.yaml`, and trigger again. **Any other
failure** leaves the champion as it is; clear the failed task to go on from there.
**`promote` skipped** is harmless: the champion stays, and the report says why. So is **`approve`
skipped**: the verdict asks nobody. A run that waits in `approve` holds up no other; one whose task
is `up_for_reschedule` waits for its turn.
"""


def build_training_dag(spec: PipelineSpec) -> DAG:
    """Build `train__<pipeline>`; its page in the Airflow UI is `DOC`."""
    with DAG(
        dag_id=f"train__{spec.name}",
        description=spec.description,
        doc_md=DOC.format(name=spec.name, description=spec.description or spec.name),
        default_args=default_args(spec),
        tags=["gatehouse", "train", spec.target.task, spec.name],
        max_active_runs=MAX_ACTIVE_RUNS,  # one at work (turns.py), the others wait for answers
        schedule=build_schedule(spec.schedule, *list_causes(spec)),
        start_date=catchup_start(spec.schedule),
        catchup=catchup_start(spec.schedule) is not None,
        auto_register=False,  # the loader does, once the whole DAG stands
    ) as training_dag:

        @task
        def ingest() -> IngestRecord:
            from include.steps.ingest import ingest as step

            return perform(step, spec, connect=connection_url, for_training=True)

        @task
        def validate(ingested: IngestRecord) -> ValidateRecord:
            from include.steps.validate import validate as step

            return perform(step, spec, ingested)

        @task
        def prepare(validated: ValidateRecord) -> PrepareRecord:
            from include.steps.prepare import prepare as step

            prepared = perform(step, spec, validated)
            return skip_others(prepared, [] if wants_curve(spec) else ["plan_curve"])

        @task
        def train(prepared: PrepareRecord, task_state_store: Any = None) -> TrainRecord:
            from include.steps.train import train as step

            return perform(step, spec, prepared, on_progress=report_progress(task_state_store))

        @task
        def evaluate(prepared: PrepareRecord, trained: TrainRecord) -> EvaluateRecord:
            from include.steps.evaluate import evaluate as step

            return perform(step, spec, prepared, trained)

        @task
        def judge(evaluated: EvaluateRecord) -> Verdict:
            return judge_once(spec, evaluated)

        @task(outlets=[model_asset(spec)], trigger_rule="none_failed")
        def promote(
            verdict: Verdict, evaluated: EvaluateRecord, answer: Any, outlet_events: Any = None
        ) -> PromoteRecord:
            from include.steps.promote import promote as step

            promoted = perform(step, spec, verdict, evaluated, answer=read_answer(answer))
            tell_verdict(spec, verdict, promoted)
            outlet_events[model_asset(spec)].extra = {"version": promoted.version}
            return skip_unless(promoted.is_promoted, promoted, promoted.reason)

        @task(trigger_rule="none_failed")
        def report() -> ReportRecord:
            from include.steps.report import report as step

            return perform(step, spec, *pull_records())

        @task
        def close_run() -> None:
            perform_close(spec)

        ingested = ingest()
        prepared = prepare(validate(ingested))
        trained = train(prepared)
        curve = build_curve(spec, prepared, trained)
        evaluated = evaluate(prepared, trained)
        verdict = judge(evaluated)
        approve = build_approval(spec)
        promoted = promote(verdict, evaluated, approve.output)
        verdict >> approve
        [promoted, curve] >> report() >> close_run().as_teardown(on_failure_fail_dagrun=True)
        link_to_mlflow(*training_dag.tasks)
    # Set last: Airflow copies what is there to every operator, several times over.
    training_dag.params = build_params(spec)
    return training_dag


def judge_once(spec: PipelineSpec, evaluated: EvaluateRecord) -> Verdict:
    """Judge, and see a verdict through that asks nobody and keeps the champion.

    Raises:
        DownstreamTasksSkipped: `approve`, and perhaps `promote`, have nothing to do.
    """
    from include.steps.judge import judge
    from include.steps.promote import promote
    from include.tracking.runs import share_runs

    with share_runs():
        verdict = perform(judge, spec, evaluated)
        if verdict.needs_approval:
            return verdict
        if not verdict.keeps_champion:
            return skip_others(verdict, ["approve"])
        kept = perform(promote, spec, verdict, evaluated)
    tell_verdict(spec, verdict, kept)
    return skip_others(verdict, ["approve", "promote"], promote=kept)
