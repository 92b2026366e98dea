"""Airflow DAGs: none. Wrong files in include/pipelines show in the UI as this file's import error.

An error here takes no pipeline down: the DAGs of the files that are right stand in other files.
"""

from include.errors import SpecError
from include.settings import load_settings
from include.specs.loader import load_pipeline_specs

errors = [
    str(entry.error) for entry in load_pipeline_specs(load_settings().pipelines_dir) if entry.error
]
if errors:
    raise SpecError("\n\n".join(errors))
