"""Airflow plugin: the way from Airflow's pages to MLflow, and from its marks."""

from airflow.plugins_manager import AirflowPlugin

from include.orchestration import marks
from include.orchestration.links import MlflowRunLink
from include.settings import load_settings


class GatehousePlugin(AirflowPlugin):
    """Puts MLflow into the navigation, registers the link on the tasks, and hears marks."""

    name = "gatehouse"
    operator_extra_links = [MlflowRunLink()]  # noqa: RUF012 - Airflow reads a list
    listeners = [marks]  # noqa: RUF012
    external_views = [  # noqa: RUF012
        {
            "name": "MLflow",
            "href": load_settings().mlflow_public,
            "destination": "nav",
            "category": "browse",
        },
    ]
