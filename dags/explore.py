"""Airflow DAGs: `explore__<pipeline>`, one for each file in include/pipelines.

ingest → explore → close_run
"""

from include.orchestration.explore_dag import build_explore_dag
from include.settings import load_settings
from include.specs.loader import load_pipeline_specs

for entry in load_pipeline_specs(load_settings().pipelines_dir):
    if entry.spec is not None:
        build_explore_dag(entry.spec)
