"""What is taken away from the MLflow server for good: files first, then the entry that names them.

MLflow's own deletion only hides an entry and keeps its files. An entry whose files could not be
removed stays as it is, so that the next try finds it.
"""

from typing import TYPE_CHECKING

from include.tracking.connection import tracking_calls

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import LoggedModel, Run

    from include.settings import Settings


def remove_run(settings: "Settings", client: "MlflowClient", run: "Run") -> None:
    """Remove a run with its artifacts."""
    with tracking_calls(settings.mlflow):
        _remove_files(run.info.artifact_uri)
        client.delete_run(run.info.run_id)


def remove_model(settings: "Settings", client: "MlflowClient", model: "LoggedModel") -> None:
    """Remove a logged model with its files."""
    with tracking_calls(settings.mlflow):
        _remove_files(model.artifact_location)
        client.delete_logged_model(model.model_id)


def count_bytes(uri: str) -> int:
    """Add up the files below an artifact URI, as the server lists them."""
    from mlflow.store.artifact.artifact_repository_registry import get_artifact_repository

    repository, open_paths, total = get_artifact_repository(uri), [""], 0
    while open_paths:
        for each in repository.list_artifacts(open_paths.pop() or None):
            if each.is_dir:
                open_paths.append(each.path)
            else:
                total += each.file_size or 0
    return total


def _remove_files(uri: str) -> None:
    from mlflow.store.artifact.artifact_repository_registry import get_artifact_repository

    get_artifact_repository(uri).delete_artifacts()
