"""Airflow DAGs: `explore__<pipeline>`, one for each file in include/pipelines.

ingest → explore → close_run
"""

from airflow.sdk import get_parsing_context

from include.orchestration.explore_dag import build_explore_dag
from include.settings import load_settings
from include.specs.loader import load_pipeline_specs

# A task needs its own DAG only; None while all of them are parsed.
wanted = get_parsing_context().dag_id
for entry in load_pipeline_specs(load_settings().pipelines_dir):
    if entry.spec is not None and wanted in {None, f"explore__{entry.spec.name}"}:
        build_explore_dag(entry.spec)
