"""Airflow DAGs: `score__<pipeline>`, one for each file in include/pipelines.

read_inputs → predict_shard → deliver → close_run

A spec whose DAG cannot be built takes no other down; dags/check.py says what is wrong with it.
"""

from airflow.sdk import get_parsing_context

from include.orchestration.score_dag import build_score_dag
from include.settings import load_settings
from include.specs.building import build_each
from include.specs.loader import load_pipeline_specs

# A task needs its own DAG only; None while all of them are parsed.
wanted = get_parsing_context().dag_id
entries = load_pipeline_specs(load_settings().pipelines_dir)
if wanted is not None:
    entries = (each for each in entries if each.spec and wanted == f"score__{each.spec.name}")
dags, _ = build_each(entries, build_score_dag)
# Airflow takes the DAGs that it finds among the names of this file.
globals().update({dag.dag_id: dag for dag in dags})
