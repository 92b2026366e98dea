"""The scoring DAG of a pipeline: new rows in, the champion's predictions out."""

from collections.abc import Iterable
from typing import Any, Final

from airflow.sdk import DAG, task
from airflow.sdk.exceptions import AirflowSkipException

from include.orchestration.assets import incoming_asset, model_asset, predictions_asset
from include.orchestration.go_back import go_back_after
from include.orchestration.links import link_to_mlflow
from include.orchestration.params import build_data_params
from include.orchestration.policies import build_schedule, catchup_start, default_args
from include.orchestration.tasks import (
    connection_url,
    effective_spec,
    perform,
    perform_close,
)
from include.records import Delivery, ShadowRecord, ShardScores
from include.specs import PipelineSpec

# What the tasks need to know of the whole run, beside the list of shards.
PLAN: Final = "plan"
EVENTS: Final = {"rows": incoming_asset, "champion": model_asset}
DOC = """\
**New rows for the champion of {description}**

`read_inputs → predict_shard → deliver → shadow → go_back`, and `close_run` ends the MLflow run,
whatever happened.

**Reads** `{source}` and takes what this version of the champion has not scored yet: each file
once, however often it is tried. Rows that break the contract go to quarantine with the reason; the
rest is scored. Large inputs are divided into shards, which workers share.

**Produces** predictions with the input, the row, the version and the time, and an event of the
asset `predictions__{name}`. After a promotion the champion before scores the first inputs along;
where both disagree too much, `go_back` starts a run of `rollback`, which asks a person or goes back
by itself (`scoring.shadow`). **`go_back` skipped** is as it should be. **All tasks skipped** means
that there was nothing new, or no champion yet. **A failure in `deliver`** that names an input means
that it cannot be read; all others are delivered, and are watched once it is mended or taken away.
"""


def build_score_dag(spec: PipelineSpec) -> DAG:
    """Build `score__<pipeline>`; its page in the Airflow UI is `DOC`."""
    scored = spec.to_score()
    where = getattr(scored.source, "uri", f"its {scored.source.kind} source")
    schedule = spec.scoring.schedule
    with DAG(
        dag_id=f"score__{spec.name}",
        description=f"New rows for the champion of {spec.name}",
        doc_md=DOC.format(name=spec.name, description=spec.description or spec.name, source=where),
        default_args=default_args(spec),
        tags=["gatehouse", "score"],
        max_active_runs=1,
        schedule=build_schedule(schedule, *(EVENTS[each](spec) for each in spec.scoring.on)),
        start_date=catchup_start(schedule),
        catchup=catchup_start(schedule) is not None,
        auto_register=False,  # the loader does, once the whole DAG stands
    ) as score_dag:

        @task
        def read_inputs(params: Any = None, ti: Any = None, dag_run: Any = None) -> list[int]:
            from include.steps.score.inputs import find_new_inputs
            from include.steps.score.inputs import read_inputs as step

            version, inputs = find_new_inputs(
                effective_spec(scored, params, dag_run),
                is_asked=bool(params.get("source_uri")),
                force=bool(params.get("force")),
            )
            if not inputs:
                raise AirflowSkipException("nothing new to score" if version else "no champion yet")
            more = {"version": version, "inputs": inputs, "connect": connection_url}
            planned = perform(step, scored, **more)
            ti.xcom_push(key=PLAN, value=planned)
            return list(range(planned.shards))

        @task
        def predict_shard(shard: int, ti: Any = None) -> ShardScores:
            from include.steps.score.predict import predict_shard as step

            planned = ti.xcom_pull(task_ids="read_inputs", key=PLAN)
            return perform(step, scored, planned, shard=shard, cost_name=f"predict_shard_{shard}")

        # Also where no input could be read, to say so.
        @task(trigger_rule="none_failed_min_one_success")
        def deliver(shards: Iterable[ShardScores], ti: Any = None) -> Delivery:
            from include.steps.score.deliver import deliver as step

            planned = ti.xcom_pull(task_ids="read_inputs", key=PLAN)
            more = {"shards": tuple(shards or ()), "connect": connection_url}
            return perform(step, scored, planned, **more)

        # The event comes after both versions have scored: labels may be there already.
        @task(outlets=[predictions_asset(spec)])
        def shadow(
            ti: Any = None, outlet_events: Any = None, asset_state_store: Any = None
        ) -> ShadowRecord:
            from include.steps.score.shadow import shadow as step

            planned = ti.xcom_pull(task_ids="read_inputs", key=PLAN)
            compared = perform(step, scored, planned)
            said = planned.model_dump(mode="json", include={"version", "inputs", "rows"})
            outlet_events[predictions_asset(spec)].extra = said
            # Moved last: whatever fails before leaves it where it was.
            asset_state_store.set("watermark", said)
            return compared

        @task
        def close_run() -> None:
            perform_close(scored)

        read = read_inputs()
        delivered = deliver(predict_shard.expand(shard=read))
        closing = close_run().as_teardown(on_failure_fail_dagrun=True)
        read >> delivered >> shadow() >> go_back_after(spec, "shadow") >> closing
        link_to_mlflow(*score_dag.tasks)
    # Set last: Airflow copies what is there to every operator, several times over.
    score_dag.params = build_data_params(scored)
    return score_dag
