"""Airflow DAGs: `train__<pipeline>`, one for each file in include/pipelines.

ingest → validate → prepare → train → evaluate → judge → approve → promote → report → close_run
"""

from include.orchestration.families import build_family
from include.orchestration.training_dag import build_training_dag

# Airflow takes the DAGs that it finds among the names of this file.
globals().update(build_family("train", build_training_dag))
