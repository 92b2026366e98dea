"""Versions of registered models: created once, and checked before anything of them is loaded.

A version is created once for each bundle, however often a step is tried. It carries the digest
of its files and our seal as tags; nothing of it is loaded before its files match both.
"""

import contextlib
import logging
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Final

from include.errors import IntegrityError, ParamError
from include.tracking.aliases import BUNDLE, STATUS, find_version, set_status
from include.tracking.bundles import DIGEST, GOLDEN, check_bundle_files
from include.tracking.connection import asked_once, connect, tracking_calls
from include.tracking.file_digests import digest_directory
from include.tracking.seals import SEAL, Sealed, check_seal, digest_sealed, make_seal

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities.model_registry import ModelVersion

    from include.settings import Settings

logger = logging.getLogger(__name__)

RUN: Final = "gatehouse.run_id"
DECIDED: Final = "gatehouse.decision"
MAX_TAG: Final = 5_000


def register_model(
    settings: "Settings",
    name: str,
    *,
    bundle_uri: str,
    run_id: str,
    decision: bytes,
    tags: Mapping[str, object],
    about: str = "",
    description: str = "",
) -> str:
    """Register a logged bundle, or find the version that an earlier try registered.

    Args:
        settings: Where the MLflow server is.
        name: Name of the registered model.
        bundle_uri: What `log_bundle` returned, `models:/m-…`.
        run_id: MLflow run that made it.
        decision: Why it is promoted, as it is stored; the version's seal covers it.
        tags: Further tags of the version.
        about: What the model is for, told on its page.
        description: What the version is, told on its page as Markdown.

    Returns:
        The version's number.

    Raises:
        IntegrityError: The bundle was not sealed by this installation, for this model and run.
    """
    client = connect(settings)
    with tracking_calls(settings.mlflow):
        _ensure_model(client, name, about)
        known = _version_of_bundle(client, name, bundle_uri)
        if known is not None:
            logger.info("%s is version %s of %s already", bundle_uri, known, name)
            return known
        model_id = bundle_uri.removeprefix("models:/")
        logged = client.get_logged_model(model_id)
        trusted = _trust_tags(logged.tags, bundle_uri)
        bundle = Sealed(name, run_id, files=trusted[DIGEST], golden=trusted[GOLDEN])
        check_seal(settings, bundle, trusted[SEAL], version=bundle_uri)
        version = bundle._replace(decision=digest_sealed(decision))
        with asked_once():
            created = client.create_model_version(
                name,
                source=logged.artifact_location,
                run_id=run_id,
                model_id=model_id,
                await_creation_for=60,
                description=description or None,
                tags={
                    **{key: str(value)[:MAX_TAG] for key, value in tags.items()},
                    BUNDLE: bundle_uri,
                    **trusted,
                    DECIDED: version.decision,
                    SEAL: make_seal(settings, version),
                    STATUS: "candidate",
                    RUN: run_id,
                },
            )
    return str(created.version)


def download_version(
    settings: "Settings",
    name: str,
    version: str,
    directory: Path,
    *,
    golden: bytes | None = None,
) -> Path:
    """Fetch a version's files and check them; nothing of them is run or imported.

    Args:
        settings: Where the MLflow server is.
        name: Name of the registered model.
        version: The version's number.
        directory: An existing, empty local directory.
        golden: The golden rows that will be compared with it, which the seal must cover.

    Returns:
        The directory that holds `MLmodel`.

    Raises:
        ParamError: There is no such version.
        IntegrityError: The files are not those that were registered, or not a bundle of ours.
    """
    found = _require_version(settings, name, version)
    return _download(settings, found, directory, golden=golden)


def _download(
    settings: "Settings", found: "ModelVersion", directory: Path, *, golden: bytes | None = None
) -> Path:
    import mlflow

    uri = f"models:/{found.name}/{found.version}"

    with tracking_calls(settings.mlflow):
        place = mlflow.artifacts.download_artifacts(artifact_uri=uri, dst_path=str(directory))
    local = Path(place)
    if not any(local.rglob("*")):
        raise IntegrityError(
            f"the files of {uri} must be in the artifact store. Received: none. Restore them from "
            "a backup, or promote another version."
        )
    _check_files(settings, local, found, golden=golden)
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
        ParamError: There is no such version.
        IntegrityError: The files are not those that were registered, or not a bundle of ours.
    """
    copy = settings.home / "models" / name / version
    found = _require_version(settings, name, version)
    if copy.exists():
        try:
            _check_files(settings, copy, found)
        except IntegrityError:
            logger.warning("the copy in %s is not what was registered; fetched anew", copy)
            shutil.rmtree(copy)
        else:
            return copy
    copy.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=copy.parent) as scratch:
        fetched = _download(settings, found, Path(scratch))
        # Another process may have been faster; its copy is as good.
        with contextlib.suppress(OSError):
            fetched.rename(copy)
    return copy


def _require_version(settings: "Settings", name: str, version: str) -> "ModelVersion":
    found = find_version(settings, name, version)
    if found is None:
        raise ParamError(
            f"expected a version of {name}. Received: {version}, which MLflow does not have; "
            f"`gatehouse show {name}` names its champion, MLflow lists all."
        )
    return found


def _check_files(
    settings: "Settings", local: Path, version: "ModelVersion", *, golden: bytes | None = None
) -> None:
    """Check files by digest and seal, before anything of them is read for what it says."""
    uri = f"models:/{version.name}/{version.version}"
    tags = version.tags
    expected, found = tags.get(DIGEST, ""), digest_directory(local)
    if found != expected:
        raise IntegrityError(
            f"the files of {uri} must have the digest recorded at registration, "
            f"{expected or 'none'}. Received: {found}. Nothing was loaded; find out who changed "
            "the artifact store, and promote a version whose files are intact."
        )
    rows = tags.get(GOLDEN, "") if golden is None else digest_sealed(golden)
    # A candidate's own seal covers no decision, and must not pass for a version's.
    decision = tags.get(DECIDED) or "none"
    sealed = Sealed(version.name, tags.get(RUN, ""), found, golden=rows, decision=decision)
    check_seal(settings, sealed, tags.get(SEAL, ""), version=uri)
    check_bundle_files(local)


def reject_version(settings: "Settings", name: str, version: str, reason: str) -> None:
    """Mark a version that must not be promoted, and say why."""
    client = connect(settings)
    with tracking_calls(settings.mlflow):
        set_status(client, name, version, "rejected")
        client.set_model_version_tag(name, version, "gatehouse.reason", reason[:MAX_TAG])


def _ensure_model(client: "MlflowClient", name: str, about: str) -> None:
    from mlflow.exceptions import MlflowException

    try:
        client.create_registered_model(name, tags={"gatehouse.pipeline": name}, description=about)
    except MlflowException as error:
        if error.error_code != "RESOURCE_ALREADY_EXISTS":
            raise


def _version_of_bundle(client: "MlflowClient", name: str, bundle_uri: str) -> str | None:
    found = client.search_model_versions(f"name = '{name}' and tags.`{BUNDLE}` = '{bundle_uri}'")
    return min((str(version.version) for version in found), key=int, default=None)


def _trust_tags(tags: Mapping[str, str], bundle_uri: str) -> dict[str, str]:
    names = (DIGEST, GOLDEN, SEAL)
    if missing := [name for name in names if not tags.get(name)]:
        raise IntegrityError(
            f"{bundle_uri} must carry {list(names)}, as log_bundle leaves them. "
            f"Received: no {missing}. Run the task `evaluate` again."
        )
    return {name: tags[name] for name in names}
