"""Airflow DAGs: `monitor__<pipeline>`, one for each file in include/pipelines.

compare_window → start_training, go_back → close_run
"""

from include.orchestration.families import build_family
from include.orchestration.monitor_dag import build_monitor_dag

# Airflow takes the DAGs that it finds among the names of this file.
globals().update(build_family("monitor", build_monitor_dag))
