"""Airflow DAGs: `score__<pipeline>`, one for each file in include/pipelines.

read_inputs → predict_shard → deliver → shadow → go_back → close_run
"""

from include.orchestration.families import build_family
from include.orchestration.score_dag import build_score_dag

# Airflow takes the DAGs that it finds among the names of this file.
globals().update(build_family("score", build_score_dag))
