"""Versions of registered models: created once, and checked before anything of them is loaded.

A version is created once for each bundle, however often a step is tried. It carries the digest
of its files as a tag; nothing of it is loaded before the files match that digest.
"""

import contextlib
import logging
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Final

from include.errors import IntegrityError
from include.tracking.aliases import BUNDLE, STATUS, set_status
from include.tracking.bundles import check_bundle_files
from include.tracking.connection import asked_once, connect, tracking_calls
from include.tracking.file_digests import digest_directory

if TYPE_CHECKING:
    from mlflow import MlflowClient

    from include.settings import Settings

logger = logging.getLogger(__name__)

DIGEST: Final = "gatehouse.digest"
MAX_TAG: Final = 5_000


def register_model(
    settings: "Settings",
    name: str,
    *,
    bundle_uri: str,
    run_id: str,
    tags: Mapping[str, object],
) -> str:
    """Register a logged bundle, or find the version that an earlier try registered.

    Args:
        settings: Where the MLflow server is.
        name: Name of the registered model.
        bundle_uri: What `log_bundle` returned, `models:/m-…`.
        run_id: MLflow run that made it.
        tags: Further tags of the version, e.g. its test metrics.

    Returns:
        The version's number.
    """
    client = connect(settings)
    with tracking_calls(settings.mlflow):
        _ensure_model(client, name)
        known = _version_of_bundle(client, name, bundle_uri)
        if known is not None:
            logger.info("%s is version %s of %s already", bundle_uri, known, name)
            return known
        model_id = bundle_uri.removeprefix("models:/")
        logged = client.get_logged_model(model_id)
        with asked_once():
            created = client.create_model_version(
                name,
                source=logged.artifact_location,
                run_id=run_id,
                model_id=model_id,
                await_creation_for=60,
                tags={
                    **{key: str(value)[:MAX_TAG] for key, value in tags.items()},
                    BUNDLE: bundle_uri,
                    DIGEST: _digest_tag(logged.tags, bundle_uri),
                    STATUS: "candidate",
                    "gatehouse.run_id": run_id,
                },
            )
    return str(created.version)


def download_version(settings: "Settings", name: str, version: str, directory: Path) -> Path:
    """Fetch a version's files and check them; nothing of them is run or imported.

    Args:
        settings: Where the MLflow server is.
        name: Name of the registered model.
        version: The version's number.
        directory: An existing, empty local directory.

    Returns:
        The directory that holds `MLmodel`.

    Raises:
        IntegrityError: The files are not those that were registered, or not a bundle of ours.
    """
    client = connect(settings)
    import mlflow

    with tracking_calls(settings.mlflow):
        tags = client.get_model_version(name, version).tags
        uri = f"models:/{name}/{version}"
        place = mlflow.artifacts.download_artifacts(artifact_uri=uri, dst_path=str(directory))
    local = Path(place)
    _check_files(local, uri, tags.get(DIGEST, ""))
    return local


def fetch_version(settings: "Settings", name: str, version: str) -> Path:
    """Give a version's checked files, from this machine's copy where it is intact.

    A version never changes, so its files are fetched once and checked each time. A copy that
    fails the check is fetched anew.

    Args:
        settings: Where the MLflow server is, and where copies lie.
        name: Name of the registered model.
        version: The version's number.

    Returns:
        The directory that holds `MLmodel`.

    Raises:
        IntegrityError: The files are not those that were registered, or not a bundle of ours.
    """
    copy = settings.home / "models" / name / version
    if copy.exists():
        client = connect(settings)
        with tracking_calls(settings.mlflow):
            tags = client.get_model_version(name, version).tags
        try:
            _check_files(copy, f"models:/{name}/{version}", tags.get(DIGEST, ""))
        except IntegrityError:
            logger.warning("the copy in %s is not what was registered; fetched anew", copy)
            shutil.rmtree(copy)
        else:
            return copy
    copy.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=copy.parent) as scratch:
        fetched = download_version(settings, name, version, Path(scratch))
        # Another process may have been faster; its copy is as good.
        with contextlib.suppress(OSError):
            fetched.rename(copy)
    return copy


def _check_files(local: Path, uri: str, expected: str) -> None:
    found = digest_directory(local)
    if found != expected:
        raise IntegrityError(
            f"the files of {uri} must have the digest recorded at registration, "
            f"{expected or 'none'}. Received: {found}. Nothing was loaded; find out who changed "
            "the artifact store, and promote a version whose files are intact."
        )
    check_bundle_files(local)


def reject_version(settings: "Settings", name: str, version: str, reason: str) -> None:
    """Mark a version that must not be promoted, and say why."""
    client = connect(settings)
    with tracking_calls(settings.mlflow):
        set_status(client, name, version, "rejected")
        client.set_model_version_tag(name, version, "gatehouse.reason", reason[:MAX_TAG])


def _ensure_model(client: "MlflowClient", name: str) -> None:
    from mlflow.exceptions import MlflowException

    try:
        client.create_registered_model(name, tags={"gatehouse.pipeline": name})
    except MlflowException as error:
        if error.error_code != "RESOURCE_ALREADY_EXISTS":
            raise


def _version_of_bundle(client: "MlflowClient", name: str, bundle_uri: str) -> str | None:
    found = client.search_model_versions(f"name = '{name}' and tags.`{BUNDLE}` = '{bundle_uri}'")
    return min((str(version.version) for version in found), key=int, default=None)


def _digest_tag(tags: Mapping[str, str], bundle_uri: str) -> str:
    if not tags.get(DIGEST):
        raise IntegrityError(
            f"{bundle_uri} must carry the digest of its files, as log_bundle leaves it. "
            "Received: none. Run the task `evaluate` again."
        )
    return tags[DIGEST]
