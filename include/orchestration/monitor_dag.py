"""The monitoring DAG of a pipeline: what was scored against what the champion was tested on."""

from typing import Any

from airflow.sdk import DAG, get_current_context, task
from airflow.sdk.exceptions import AirflowSkipException

from include.orchestration.assets import drift_asset, predictions_asset
from include.orchestration.go_back import go_back_after
from include.orchestration.links import link_to_mlflow
from include.orchestration.notices import tell_drift
from include.orchestration.policies import build_schedule, catchup_start, default_args
from include.orchestration.tasks import (
    build_run_context,
    connection_url,
    perform,
    perform_close,
)
from include.records import MonitorRecord
from include.specs import PipelineSpec

DOC = """\
**Whether the rows that {description} scores are still those it was tested on**

`compare_window → start_training` and `go_back`; `close_run` ends the MLflow run, whatever happened.

**Reads** the deliveries of `score__{name}` that no window holds yet, and compares each column, the
predictions, and all columns together, with what the champion's test rows looked like. **Labels**
that came since are joined by the key of a row: they give the performance of the windows that they
belong to. Until then it is estimated from calibrated probabilities.

**Produces** a window, a page with the trends of all windows, its figures in the MLflow experiment
`{name}-monitor`, each window a step, and, if something drifted or performance was lost and the
policy says so, an event of the asset `drift__{name}`, which starts a training. After a promotion
the champion before scored the first inputs along: where labels of those rows show that the new one
is surely worse, `go_back` starts a run of `rollback`, which asks a person or goes back by itself
(`scoring.shadow`). **Any failure** is harmless to the champion. **Skipped** means that nothing new
was scored and no new label came, or that there is no reason to.
"""


def build_monitor_dag(spec: PipelineSpec) -> DAG:
    """Build `monitor__<pipeline>`; its page in the Airflow UI is `DOC`."""
    schedule = spec.monitoring.schedule
    with DAG(
        dag_id=f"monitor__{spec.name}",
        description=f"Drift of the rows that {spec.name} scores",
        doc_md=DOC.format(name=spec.name, description=spec.description or spec.name),
        default_args=default_args(spec),
        tags=["gatehouse", "monitor"],
        max_active_runs=1,
        schedule=build_schedule(schedule) or predictions_asset(spec),
        start_date=catchup_start(schedule),
        catchup=catchup_start(schedule) is not None,
        auto_register=False,  # the loader does, once the whole DAG stands
    ) as monitor_dag:

        @task
        def compare_window() -> MonitorRecord:
            from include.steps.monitor import compare_window as step
            from include.steps.monitor import find_unwatched

            run = build_run_context(spec, get_current_context())
            found = find_unwatched(spec, run.run_key, connection_url)
            if found is None:
                raise AirflowSkipException("no champion, or nothing new was scored or labelled")
            return perform(step, spec, found=found)

        @task(outlets=[drift_asset(spec)])
        def start_training(compared: MonitorRecord, outlet_events: Any = None) -> None:
            tell_drift(spec, compared)
            if not compared.starts_training:
                raise AirflowSkipException(compared.why)
            outlet_events[drift_asset(spec)].extra = {"why": compared.why}

        @task
        def close_run() -> None:
            perform_close(spec)

        compared = compare_window()
        closing = close_run().as_teardown(on_failure_fail_dagrun=True)
        start_training(compared) >> closing
        compared >> go_back_after(spec, "compare_window") >> closing
        link_to_mlflow(*monitor_dag.tasks)
    return monitor_dag
