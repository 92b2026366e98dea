"""Airflow DAGs: none. Wrong files in include/pipelines show in the UI as this file's import error.

An error here takes no pipeline down: the DAGs of the files that are right stand in other files.
"""

from include.errors import SpecError
from include.orchestration.explore_dag import build_explore_dag
from include.orchestration.monitor_dag import build_monitor_dag
from include.orchestration.score_dag import build_score_dag
from include.orchestration.training_dag import build_training_dag
from include.settings import load_settings
from include.specs.building import build_each
from include.specs.loader import load_pipeline_specs

entries = list(load_pipeline_specs(load_settings().pipelines_dir))
errors = [entry.error for entry in entries if entry.error]
for build in (build_training_dag, build_explore_dag, build_score_dag, build_monitor_dag):
    # Built to see whether they can be; those that run stand in the other files.
    errors += build_each(entries, build)[1]
if errors:
    raise SpecError("\n\n".join(dict.fromkeys(map(str, errors))))
