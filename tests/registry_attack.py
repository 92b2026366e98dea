"""What somebody who reaches MLflow does to a registered version, without our key."""

import zipfile
from io import BytesIO
from pathlib import Path

import httpx

from include.settings import Settings
from include.tracking.connection import connect
from include.tracking.file_digests import digest_directory


def find_files(settings: Settings, name: str, version: str, mlflow_directory: Path) -> Path:
    """Find a version's files where the server keeps them, as somebody with its disk would."""
    tags = connect(settings).get_model_version(name, version).tags
    model_id = tags["gatehouse.bundle"].split("/")[1]
    return next(mlflow_directory.glob(f"artifacts/*/models/{model_id}/artifacts"))


def put_code(settings: Settings, files: Path, place: str, canary: Path, *, tag: str) -> None:
    """Attack by REST alone: other code through the artifact proxy, and its digest as the tag.

    Args:
        settings: Where the server is.
        files: The version's files, to digest them.
        place: The version, e.g. `digits/3`.
        canary: The file that the code writes if somebody runs it.
        tag: Tag that takes the digest; empty: none does.
    """
    archive = BytesIO()
    with zipfile.ZipFile(archive, "w") as packed:
        packed.writestr("include/__init__.py", f"open({str(canary)!r}, 'w')")
    path = "/".join(files.parts[-4:])
    address = f"{settings.mlflow}/api/2.0/mlflow-artifacts/artifacts/{path}/code/include.zip"
    httpx.put(address, content=archive.getvalue()).raise_for_status()
    if tag:
        name, version = place.split("/")
        body = {"name": name, "version": version, "key": tag, "value": digest_directory(files)}
        address = f"{settings.mlflow}/api/2.0/mlflow/model-versions/set-tag"
        httpx.post(address, json=body).raise_for_status()
