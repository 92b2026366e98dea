"""Which runs on the MLflow server may go: too old, or too many, and no alias rests on them.

Runs of another installation on the same server never go.
"""

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, NamedTuple

from include.records import RunContext
from include.tracking.connection import tracking_calls
from include.tracking.removal import count_bytes, remove_model, remove_run
from include.tracking.runs import INSTALLATION, PARENT

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import LoggedModel, Run

    from include.settings import Settings


class SortedRuns(NamedTuple):
    """What is kept, and those runs of this installation that may go, the oldest last."""

    kept: list["Run"]
    gone: list["Run"]


def sort_runs(settings: "Settings", client: "MlflowClient", now: datetime) -> SortedRuns:
    """Tell the runs that stay from those that may go.

    A run stays while it is under way, and while it made a version that an alias names, whatever
    its age. Of the others each experiment keeps the latest `keep_runs`, none older than
    `keep_days`.
    """
    oldest = (now - timedelta(days=settings.keep_days)).timestamp() * 1_000
    sorted_runs = SortedRuns([], [])
    with tracking_calls(settings.mlflow):
        needed = _runs_behind_aliases(client)
        for experiment in _pages(client.search_experiments):
            ended = 0
            for run in list_runs(settings, client, experiment.experiment_id):
                stays = run.info.status == "RUNNING" or run.info.run_id in needed
                ended += not stays
                stays |= ended <= settings.keep_runs and run.info.start_time >= oldest
                (sorted_runs.kept if stays else sorted_runs.gone).append(run)
        # Those of another installation, or of this one under an earlier name.
        known = {run.info.run_id for run in sorted_runs.kept}
        sorted_runs.kept.extend(client.get_run(run_id) for run_id in needed - known)
    return sorted_runs


def list_runs(
    settings: "Settings", client: "MlflowClient", experiment_id: str, status: str = ""
) -> Iterator["Run"]:
    """Give the parent runs of this installation in an experiment, the latest first."""
    ours = f"tags.`{INSTALLATION}` = '{settings.installation_name}'"
    terms = f"{ours} and attributes.status = '{status}'" if status else ours
    yield from _pages(
        client.search_runs,
        experiment_ids=[experiment_id],
        filter_string=terms,
        order_by=["attributes.start_time DESC"],
    )


def list_running(settings: "Settings", client: "MlflowClient") -> list["Run"]:
    """List the runs of this installation that the server takes for running."""
    with tracking_calls(settings.mlflow):
        return [
            run
            for experiment in _pages(client.search_experiments)
            for run in list_runs(settings, client, experiment.experiment_id, "RUNNING")
        ]


def describe_dag_run(run: "Run") -> RunContext:
    """Name the DAG run to which an MLflow run of ours belongs."""
    tags = run.data.tags
    return RunContext(
        pipeline=tags["gatehouse.pipeline"],
        dag_id=tags["airflow.dag_id"],
        run_id=tags["airflow.run_id"],
    )


def list_children(client: "MlflowClient", run: "Run") -> list["Run"]:
    """List the runs nested in a run."""
    term = f"tags.`{PARENT}` = '{run.info.run_id}'"
    ids = [run.info.experiment_id]
    return list(_pages(client.search_runs, experiment_ids=ids, filter_string=term))


def remove_wholly(settings: "Settings", client: "MlflowClient", run: "Run") -> None:
    """Remove a run with its versions, logged models and nested runs; itself last."""
    term = f"run_id = '{run.info.run_id}'"
    with tracking_calls(settings.mlflow):
        for version in _pages(client.search_model_versions, filter_string=term):
            client.delete_model_version(version.name, version.version)
        for model in _list_models(client, run):
            remove_model(settings, client, model)
        for child in list_children(client, run):
            remove_run(settings, client, child)
        remove_run(settings, client, run)


def measure_wholly(settings: "Settings", client: "MlflowClient", run: "Run") -> int:
    """Add up the bytes of the files that go with a run."""
    with tracking_calls(settings.mlflow):
        runs = [run, *list_children(client, run)]
        places = [each.info.artifact_uri for each in runs]
        places += [each.artifact_location for each in _list_models(client, run)]
        return sum(map(count_bytes, places))


def _list_models(client: "MlflowClient", run: "Run") -> list["LoggedModel"]:
    term, ids = f"source_run_id = '{run.info.run_id}'", [run.info.experiment_id]
    return list(_pages(client.search_logged_models, experiment_ids=ids, filter_string=term))


def _runs_behind_aliases(client: "MlflowClient") -> set[str]:
    return {
        run_id
        for model in _pages(client.search_registered_models)
        for version in model.aliases.values()
        if (run_id := client.get_model_version(model.name, version).run_id)
    }


def _pages(search: Callable[..., Any], **arguments: Any) -> Iterator[Any]:
    token = None
    while True:
        page = search(**arguments, page_token=token)
        yield from page
        token = page.token
        if not token:
            return
