"""The DAG that goes back: one for all pipelines, by hand only."""

from collections.abc import Sequence
from typing import Any, Final

from airflow.sdk import DAG, AssetAlias, Param, task

from include.orchestration.assets import model_asset
from include.orchestration.notices import tell_rollback
from include.orchestration.policies import RETRY_POLICY
from include.records import PromoteRecord
from include.specs import PipelineSpec

DOC: Final = """\
**An earlier version becomes the champion again**

Name the pipeline, the version (empty: the one that the champion replaced) and the reason. The
version's files are checked against their seal, and it must answer its golden rows as it did in its
run; then the alias `champion` moves, and `previous` stands for the version that was left.

What scores and serves follows by itself: earlier predictions come back exactly. The next candidate
asks a person, so that no schedule undoes it. **A failure** leaves the champion as it is.
"""


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
        max_active_runs=1,
        schedule=None,
        catchup=False,
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
        },
    ) as rollback_dag:

        @task(outlets=[changed])
        def rollback(
            params: Any = None, dag_run: Any = None, outlet_events: Any = None
        ) -> PromoteRecord:
            from include.steps.rollback import rollback as step

            name, version = params["pipeline"], params["version"]
            by = getattr(dag_run, "triggering_user_name", None) or "a person"
            done = step(name, to=str(version or ""), reason=params["reason"], by=f"{by} in Airflow")
            tell_rollback(by_name[name], done, by)
            asset = model_asset(by_name[name])
            outlet_events[changed].add(asset, extra={"version": done.version})
            return done

        rollback()
    return rollback_dag
