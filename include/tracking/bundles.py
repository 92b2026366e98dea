"""A model as MLflow keeps it: one directory with the network, the preprocessor and the code.

The bundle is a pyfunc without pickles: MLflow imports `include.serving.scoring_model` from the
copy of our code inside the bundle, so it loads in a process that has never seen this project.
"""

import io
import logging
import shutil
import tempfile
import zipfile
from collections.abc import Sequence
from functools import lru_cache
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import pandas as pd
import yaml

import include
from include.errors import IntegrityError
from include.records import FeatureSchema
from include.specs import Column
from include.tracking.connection import tracking_calls
from include.tracking.file_digests import digest_directory, digest_file
from include.tracking.seals import SEAL, Sealed, digest_sealed, make_seal
from include.tracking.signatures import build_signature, example_rows

if TYPE_CHECKING:
    from mlflow.models import Model, ModelSignature

    from include.tracking.run_log import RunLog

logger = logging.getLogger(__name__)

LOADER: Final = "include.serving.scoring_model"
DATA: Final = "data/bundle"
# One archive: MLflow sends and fetches file by file, and Python imports from it all the same.
CODE: Final = "code/include.zip"
DIGEST: Final = "gatehouse.digest"
GOLDEN: Final = "gatehouse.golden"
MODEL_NAME: Final = "model"
LEFT_OUT: Final = frozenset(
    {
        *("analysis", "drafting", "orchestration", "pipelines", "quality", "reporting"),
        *("sources", "stack", "steps", "tables", "cli"),
    }
)
# Exactly what a bundle imports while it predicts.
REQUIREMENTS: Final = (
    *("numpy", "pandas", "pyarrow", "pydantic"),
    *("keras", "jax", "mlflow"),
)


def log_bundle(
    log: "RunLog",
    directory: Path,
    *,
    name: str,
    columns: Sequence[Column],
    schema: FeatureSchema,
    example: pd.DataFrame,
    golden: bytes,
    may_warn: bool = False,
) -> str:
    """Log a bundle directory as a model of the run, and seal it.

    Args:
        log: The run that made it.
        directory: What `write_bundle` wrote.
        name: Name of the pipeline, under which alone it can be registered.
        columns: The contract of what the model asks of its callers.
        schema: What it predicts.
        example: Stored rows, of which the first five become the input example.
        golden: The golden rows as they are stored, which the seal covers as well.
        may_warn: Whether its answers have a column of warnings.

    Returns:
        The model's address, `models:/m-…`.
    """
    from mlflow.models import Model

    signature = build_signature(columns, schema, may_warn=may_warn)
    rows = example_rows(columns, example)
    with tempfile.TemporaryDirectory() as scratch, tracking_calls(log.server):
        logged = log.client.create_logged_model(
            log.experiment_id, MODEL_NAME, source_run_id=log.run_id, model_type="gatehouse"
        )
        place = Path(scratch) / "model"
        model = Model(
            artifact_path=logged.artifact_location,
            model_uuid=logged.model_id,
            model_id=logged.model_id,
            run_id=log.run_id,
        )
        try:
            _save(place, model, directory, signature=signature, example=rows)
            log.client.log_model_artifacts(logged.model_id, str(place))
            sealed = Sealed(name, log.run_id, digest_directory(place), digest_sealed(golden))
            _finalize(log, logged.model_id, sealed)
        except Exception:
            _mark_failed(log, logged.model_id)
            raise
    logger.info("model %s logged", logged.model_id)
    return f"models:/{logged.model_id}"


def pack_code(directory: Path) -> Path:
    """Pack our package without the parts that prepare, draw and orchestrate.

    Your own modules in `include/` go along, so that a network may use them. The same modules
    make the same bytes, whenever and by whom they are packed.

    Args:
        directory: An existing directory.

    Returns:
        The archive, which Python imports from when it stands on its path.
    """
    archive = directory / Path(CODE).name
    archive.write_bytes(read_code())
    return archive


def read_code() -> bytes:
    """Read our package as the archive that `pack_code` writes, at once where nothing changed."""
    source = Path(include.__file__).parent
    tops = [top for top in source.iterdir() if top.name not in LEFT_OUT]
    files = []
    for path in sorted(path for top in tops for path in (top, *top.rglob("*"))):
        parts = path.relative_to(source).parts
        if path.is_file() and not any(part.startswith((".", "__pycache__")) for part in parts):
            state = path.stat()
            files.append((path, state.st_mtime_ns, state.st_size))
    return _pack(source, tuple(files))


@lru_cache(maxsize=1)
def _pack(source: Path, files: tuple[tuple[Path, int, int], ...]) -> bytes:
    """Pack files once for each of their states: it takes 0.1 s."""
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as packed:
        for path, _changed_at, _size in files:
            member = zipfile.ZipInfo(f"{source.name}/{path.relative_to(source).as_posix()}")
            packed.writestr(member, path.read_bytes(), zipfile.ZIP_DEFLATED)
    return archive.getvalue()


def check_bundle_code(directory: Path) -> None:
    """Check that the code of a model directory is what this project packs, byte for byte.

    Raises:
        IntegrityError: It is other code, which must not run here.
    """
    with tempfile.TemporaryDirectory() as scratch:
        own = digest_file(pack_code(Path(scratch)))
    found = digest_file(directory / CODE) if (directory / CODE).is_file() else "no such file"
    if found != own:
        raise IntegrityError(
            f"the bundle's {CODE} must be the code of this project, {own[:16]}…. Received: "
            f"{found[:16]}…. It was not run; if the project changed since, train again."
        )


def check_bundle_files(directory: Path) -> None:
    """Check that a model directory asks MLflow to run our loader and nothing else.

    Raises:
        IntegrityError: It is not a bundle as `log_bundle` writes it.
    """
    flavors = _read_flavors(directory / "MLmodel")
    expected = {"loader_module": LOADER, "data": DATA, "code": CODE}
    found = dict(flavors.get("python_function", {}))
    known = {*expected, "env", "python_version", "streamable"}
    if set(flavors) != {"python_function"} or not set(found) <= known:
        raise IntegrityError(
            "a bundle has one flavor, python_function, with a loader module. "
            f"Received: {sorted(flavors)} with {sorted(found)}. Train and register it again."
        )
    for key, value in expected.items():
        if found.get(key) != value:
            raise IntegrityError(
                f"a bundle's {key} must be {value}. Received: {found.get(key)!r}. "
                "Nothing was loaded; train and register the model again."
            )


def _read_flavors(path: Path) -> dict[str, Any]:
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, yaml.YAMLError) as error:
        raise IntegrityError(
            f"a bundle must hold a readable MLmodel. Received: {type(error).__name__}. "
            "Train and register the model again."
        ) from error
    flavors = content.get("flavors") if isinstance(content, dict) else None
    return flavors if isinstance(flavors, dict) else {}


def _save(
    place: Path,
    model: "Model",
    directory: Path,
    *,
    signature: "ModelSignature",
    example: pd.DataFrame,
) -> None:
    import mlflow.pyfunc

    with tempfile.TemporaryDirectory() as scratch:
        bundle = shutil.copytree(directory, Path(scratch) / Path(DATA).name)
        mlflow.pyfunc.save_model(
            path=str(place),
            mlflow_model=model,
            loader_module=LOADER,
            data_path=str(bundle),
            code_paths=[str(pack_code(Path(scratch)))],
            signature=signature,
            input_example=example,
            # Given, so that MLflow does not load the model in a subprocess to find out.
            pip_requirements=[f"{name}=={version(name)}" for name in REQUIREMENTS],
        )
    # MLflow names the directory that it copied the archive to.
    model.flavors["python_function"]["code"] = CODE
    model.save(str(place / "MLmodel"))


def _finalize(log: "RunLog", model_id: str, sealed: Sealed) -> None:
    from mlflow.entities import LoggedModelOutput

    seal = make_seal(log.settings, sealed)
    tags = {DIGEST: sealed.files, GOLDEN: sealed.golden, SEAL: seal}
    log.client.set_logged_model_tags(model_id, tags)
    log.client.log_outputs(log.run_id, [LoggedModelOutput(model_id, 0)])
    log.client.finalize_logged_model(model_id, "READY")


def _mark_failed(log: "RunLog", model_id: str) -> None:
    """Leave no model that looks as if it were still being written; the cause is raised anyway."""
    try:
        log.client.finalize_logged_model(model_id, "FAILED")
    except Exception:
        logger.warning("model %s could not be marked as failed", model_id, exc_info=True)
