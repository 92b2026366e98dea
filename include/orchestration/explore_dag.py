"""The exploring DAG of a pipeline: read the table and tell its story."""

from airflow.sdk import DAG, task

from include.orchestration.links import link_to_mlflow
from include.orchestration.params import build_data_params
from include.orchestration.policies import default_args
from include.orchestration.tasks import connection_url, perform, perform_close
from include.records import ExploreRecord, IngestRecord
from include.specs import PipelineSpec

DOC = """\
**The story of {description}**

[All runs in MLflow](/gatehouse/{name}/runs)

`ingest → explore`, and `close_run` ends the MLflow run, whatever happened.

**Produces** one interactive page, `explore.html`: what was missing, how the columns are
distributed, which of them belong together, what goes with the target; and the pairs of columns,
strongest first, as `pairs.csv`. Both lie in the MLflow experiment `{name}`.

It trains nothing and judges nothing: any failure is harmless to the champion. Trigger it by hand
when a source is new or has changed.
"""


def build_explore_dag(spec: PipelineSpec) -> DAG:
    """Build `explore__<pipeline>`; its page in the Airflow UI is `DOC`."""
    with DAG(
        dag_id=f"explore__{spec.name}",
        description=f"The story of the table behind {spec.name}",
        doc_md=DOC.format(name=spec.name, description=spec.description or spec.name),
        default_args=default_args(spec),
        tags=["gatehouse", "explore", spec.name],
        max_active_runs=1,
        schedule=None,
        catchup=False,
        auto_register=False,  # the loader does, once the whole DAG stands
    ) as explore_dag:

        @task
        def ingest() -> IngestRecord:
            from include.steps.ingest import ingest as step

            return perform(step, spec, connect=connection_url)

        @task
        def explore(ingested: IngestRecord) -> ExploreRecord:
            from include.steps.explore import explore as step

            return perform(step, spec, ingested)

        @task
        def close_run() -> None:
            perform_close(spec)

        explore(ingest()) >> close_run().as_teardown(on_failure_fail_dagrun=True)
        link_to_mlflow(*explore_dag.tasks)
    # Set last: Airflow copies what is there to every operator, several times over.
    explore_dag.params = build_data_params(spec)
    return explore_dag
