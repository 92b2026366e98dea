"""Airflow DAG: `rollback`, which makes an earlier version of any pipeline the champion again."""

from include.orchestration.rollback_dag import build_rollback_dag
from include.settings import load_settings
from include.specs.loader import load_pipeline_specs

entries = load_pipeline_specs(load_settings().pipelines_dir)
# Airflow takes the DAG that it finds among the names of this file.
rollback = build_rollback_dag([entry.spec for entry in entries if entry.spec is not None])
