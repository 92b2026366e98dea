"""Airflow DAGs: `train__<pipeline>`, one for each file in include/pipelines.

ingest → validate → prepare → train → evaluate → judge → approve → promote → report → close_run

A spec whose DAG cannot be built takes no other down; dags/check.py says what is wrong with it.
"""

from itertools import islice

from airflow.sdk import get_parsing_context

from include.orchestration.training_dag import build_training_dag
from include.settings import load_settings
from include.specs.building import build_each
from include.specs.loader import load_pipeline_specs

# A task needs its own DAG only; None while all of them are parsed.
wanted = get_parsing_context().dag_id
entries = load_pipeline_specs(load_settings().pipelines_dir)
if wanted is not None:
    mine = (each for each in entries if each.spec and wanted == f"train__{each.spec.name}")
    entries = islice(mine, 1)  # files after it need not be read
dags, _ = build_each(entries, build_training_dag)
# Airflow takes the DAGs that it finds among the names of this file.
globals().update({dag.dag_id: dag for dag in dags})
