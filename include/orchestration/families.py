"""One DAG for each pipeline file, as the loaders in dags/ hand them to Airflow."""

from collections.abc import Callable
from itertools import islice

from airflow.sdk import DAG, get_parsing_context

from include.settings import load_settings
from include.specs import PipelineSpec
from include.specs.building import build_each
from include.specs.loader import load_pipeline_specs


def build_family(family: str, build: Callable[[PipelineSpec], DAG]) -> dict[str, DAG]:
    """Build the DAGs `<family>__<pipeline>`, by their ids.

    A spec whose DAG cannot be built takes no other down; dags/check.py says what is wrong with it.

    Args:
        family: Such as `train`.
        build: Builds the DAG of a spec.
    """
    # A task needs its own DAG only; None while all of them are parsed.
    wanted = get_parsing_context().dag_id
    entries = load_pipeline_specs(load_settings().pipelines_dir)
    if wanted is not None:
        mine = (each for each in entries if each.spec and wanted == f"{family}__{each.spec.name}")
        entries = islice(mine, 1)  # files after it need not be read
    dags, _ = build_each(entries, build)
    return {dag.dag_id: dag for dag in dags}
