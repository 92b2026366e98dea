"""Versions of registered models, and the aliases `champion` and `previous`.

A version is created once for each bundle, however often a step is tried. It carries the digest
of its files as a tag; nothing of it is loaded before the files match that digest.
"""

import logging
import time
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

from include.errors import IntegrityError, PromotionError
from include.tracking.bundles import check_bundle_files
from include.tracking.connection import connect, tracking_calls
from include.tracking.digests import digest_directory

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities.model_registry import ModelVersion

    from include.settings import Settings

logger = logging.getLogger(__name__)

CHAMPION: Final = "champion"
PREVIOUS: Final = "previous"
DIGEST: Final = "gatehouse.digest"
BUNDLE: Final = "gatehouse.bundle"
STATUS: Final = "gatehouse.status"
MAX_TAG: Final = 5_000


class ChampionRef(NamedTuple):
    """The version behind an alias."""

    version: str
    run_id: str
    uri: str
    bundle_uri: str = ""


def find_champion(settings: "Settings", name: str, alias: str = CHAMPION) -> ChampionRef | None:
    """Look up the version behind an alias; None where there is none.

    Args:
        settings: Where the MLflow server is.
        name: Name of the registered model.
        alias: `champion` or `previous`.
    """
    with tracking_calls(settings.mlflow):
        found = _version_of_alias(connect(settings), name, alias)
    if found is None:
        return None
    version = str(found.version)
    uri = f"models:/{name}/{version}"
    return ChampionRef(version, found.run_id or "", uri, found.tags.get(BUNDLE, ""))


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
    found, expected = digest_directory(local), tags.get(DIGEST, "")
    if found != expected:
        raise IntegrityError(
            f"the files of {uri} must have the digest recorded at registration, "
            f"{expected or 'none'}. Received: {found}. Nothing was loaded; find out who changed "
            "the artifact store, and promote a version whose files are intact."
        )
    check_bundle_files(local)
    return local


def move_champion(
    settings: "Settings", name: str, version: str, *, expected_current: str | None
) -> str:
    """Point `champion` to a version, and `previous` to the one it replaces.

    Safe to repeat: where the version is champion already, nothing changes.

    Args:
        settings: Where the MLflow server is.
        name: Name of the registered model.
        version: The version to promote.
        expected_current: Version that was champion when this one was judged; None for none.

    Returns:
        Version of `previous` after the move; empty if there is none.

    Raises:
        PromotionError: Another version became champion in the meantime.
    """
    client = connect(settings)
    with tracking_calls(settings.mlflow):
        current = _number_of_alias(client, name, CHAMPION)
        if current == version:
            return _number_of_alias(client, name, PREVIOUS) or ""
        check_champion_unchanged(name, expected=expected_current, current=current)
        # First `previous`: a crash between the two calls then loses nothing.
        if current is not None:
            client.set_registered_model_alias(name, PREVIOUS, current)
        client.set_registered_model_alias(name, CHAMPION, version)
        after = _number_of_alias(client, name, CHAMPION)
        check_champion_unchanged(name, expected=version, current=after)
        set_status(client, name, version, "champion")
        if current is not None:
            set_status(client, name, current, "previous")
    logger.info("%s: champion is version %s, before it %s", name, version, current or "none")
    return current or ""


def check_champion_unchanged(name: str, *, expected: str | None, current: str | None) -> None:
    """Refuse to go on when somebody else moved the alias.

    Raises:
        PromotionError: It is not the version that was expected.
    """
    if (expected or None) != current:
        raise PromotionError(
            f"the champion of {name} must still be version {expected or 'none'}, which the "
            f"candidate was compared with. Received: version {current or 'none'}. Clear the task "
            "`evaluate` with those after it: the candidate is then judged against the new one."
        )


def reject_version(settings: "Settings", name: str, version: str, reason: str) -> None:
    """Mark a version that must not be promoted, and say why."""
    client = connect(settings)
    with tracking_calls(settings.mlflow):
        set_status(client, name, version, "rejected")
        client.set_model_version_tag(name, version, "gatehouse.reason", reason[:MAX_TAG])


def set_status(client: "MlflowClient", name: str, version: str, status: str) -> None:
    """Record what became of a version, and since when (Unix seconds)."""
    client.set_model_version_tag(name, version, STATUS, status)
    client.set_model_version_tag(name, version, f"gatehouse.{status}_at", str(int(time.time())))


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


def _version_of_alias(client: "MlflowClient", name: str, alias: str) -> "ModelVersion | None":
    from mlflow.exceptions import MlflowException

    try:
        return client.get_model_version_by_alias(name, alias)
    except MlflowException as error:
        if error.error_code in {"RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE"}:
            return None
        raise


def _number_of_alias(client: "MlflowClient", name: str, alias: str) -> str | None:
    found = _version_of_alias(client, name, alias)
    return None if found is None else str(found.version)
