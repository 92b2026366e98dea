"""Airflow DAGs: `train__<pipeline>`, one for each file in include/pipelines.

ingest → validate → prepare → train → evaluate → judge → approve → promote → report → close_run
"""

from include.orchestration.training_dag import build_training_dag
from include.settings import load_settings
from include.specs.loader import load_pipeline_specs

for entry in load_pipeline_specs(load_settings().pipelines_dir):
    if entry.spec is not None:
        build_training_dag(entry.spec)
