"""Airflow plugin: the way from Airflow's pages to MLflow."""

from airflow.plugins_manager import AirflowPlugin

from include.orchestration.links import MlflowRunLink
from include.settings import load_settings


class GatehousePlugin(AirflowPlugin):
    """Puts MLflow into the navigation, and registers the link on the tasks."""

    name = "gatehouse"
    operator_extra_links = [MlflowRunLink()]  # noqa: RUF012 - Airflow reads a list
    external_views = [  # noqa: RUF012
        {
            "name": "MLflow",
            "href": load_settings().mlflow_public,
            "destination": "nav",
            "category": "browse",
        },
    ]
