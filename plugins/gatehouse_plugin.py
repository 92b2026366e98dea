"""Airflow plugin: the ways from Airflow's pages to MLflow, and notes of how runs end."""

from airflow.plugins_manager import AirflowPlugin

from include.orchestration import marks, run_bodies, ways
from include.orchestration.links import MlflowRunLink, ReportLink
from include.orchestration.one_writer import OneWriter
from include.orchestration.run_bodies import RunBodies
from include.orchestration.run_notes import RunNotes
from include.settings import load_settings


class GatehousePlugin(AirflowPlugin):
    """Links to MLflow, notes of verdicts, marks, and a check of what starts runs."""

    name = "gatehouse"
    operator_extra_links = [MlflowRunLink(), ReportLink()]  # noqa: RUF012 - Airflow reads a list
    listeners = [marks, run_bodies, RunNotes()]  # noqa: RUF012
    fastapi_apps = [  # noqa: RUF012
        {"app": ways.app, "url_prefix": ways.PREFIX, "name": "gatehouse"}
    ]
    fastapi_root_middlewares = [  # noqa: RUF012
        {"middleware": RunBodies, "args": [], "kwargs": {}, "name": "bodies that start runs"},
        {"middleware": OneWriter, "args": [], "kwargs": {}, "name": "turns of writers"},
    ]
    external_views = [  # noqa: RUF012
        {
            "name": "MLflow",
            "href": f"{load_settings().mlflow_public}/#/experiments?workflowType=machine_learning",
            "destination": "nav",
            "category": "browse",
        },
    ]
