"""Airflow DAGs: `train__<pipeline>`, one for each file in include/pipelines.

ingest → validate → prepare → train → evaluate → judge → approve → promote → report → close_run
"""

from airflow.sdk import get_parsing_context

from include.orchestration.training_dag import build_training_dag
from include.settings import load_settings
from include.specs.loader import load_pipeline_specs

# A task needs its own DAG only; None while all of them are parsed.
wanted = get_parsing_context().dag_id
for entry in load_pipeline_specs(load_settings().pipelines_dir):
    if entry.spec is not None and wanted in {None, f"train__{entry.spec.name}"}:
        build_training_dag(entry.spec)
