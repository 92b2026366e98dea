"""Airflow DAGs: `explore__<pipeline>`, one for each file in include/pipelines.

ingest → explore → close_run
"""

from include.orchestration.explore_dag import build_explore_dag
from include.orchestration.families import build_family

# Airflow takes the DAGs that it finds among the names of this file.
globals().update(build_family("explore", build_explore_dag))
