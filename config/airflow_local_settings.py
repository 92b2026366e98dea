"""Import libraries and the project once, in the process that every task is forked from.

Airflow imports this module in all of its processes. Two of them fork tasks: the scheduler, with
the LocalExecutor, and the Celery worker. There the libraries below and `include` are imported
before the first fork, so that a task starts with them already in memory instead of spending ten
seconds on imports. The DAG processor forks for every reading of a DAG file: there what builds DAGs
is imported, and nothing heavier.

A fork inherits what is imported. So that a change to `include` shows in the next task all the
same, a fork forgets the project if any of its files is not what it was when it was imported.
Nothing may touch a JAX device or start a thread before the fork.
"""

import contextlib
import functools
import gc
import importlib
import importlib.util
import logging
import os
import pkgutil
import sys
from pathlib import Path

# Airflow copies every public name of this module into its own settings.
__all__: list[str] = []

_LIBRARIES = (
    "airflow.dag_processing.bundles.local",
    "airflow.providers.standard.decorators.python",
    "airflow.providers.standard.operators.hitl",
    "airflow.sdk.definitions.decorators",
    "airflow.sdk.definitions.retry_policy",
    "numpy",
    "pandas",
    "pyarrow.parquet",
    "pyarrow.dataset",
    "duckdb",
    "duckdb_engine",
    "sklearn.metrics",
    "jax",
    "keras",
    "great_expectations",
    "great_expectations.expectations",
    "great_expectations.execution_engine.sqlalchemy_execution_engine",
    "mlflow",
    "mlflow.pyfunc",
    "mlflow.data.meta_dataset",
    "mlflow.tracing.provider",
    "mlflow.tracing.processor.base_mlflow",
    "mlflow.tracing.processor.otel",
    "mlflow.tracking.request_header.registry",
    "opentelemetry.sdk.trace.export",
    "sklearn.datasets",
    "pandas.io.formats.csvs",
    "pyarrow.csv",
    "PIL.JpegImagePlugin",
    "PIL.PngImagePlugin",
    "jax.experimental.multihost_utils",
    "jaxlib.mlir.dialects.builtin",
    "jaxlib.mlir.dialects.mhlo",
    "sklearn.isotonic",
    "upath.implementations.local",
    "httpx",
    "jinja2.ext",
)
# What libraries find out once and keep: MLflow looks through every installed package in a task
# that logs a model, scikit-learn for those that bring data frames of their own, and DuckDB's
# dialect starts a DuckDB to ask for the names of its settings.
_ANSWERS = (
    ("mlflow.utils.requirements_utils", "_init_packages_to_modules_map"),
    ("duckdb_engine.config", "get_core_config"),
    ("narwhals.plugins", "_discover_entrypoints"),
)
# What the project finds out once and keeps: the digests of its code, which every task asks for, the
# archive of it that goes with a model, and the templates of the report: 0.5 s.
_OWN_ANSWERS = (
    ("tables.code", "find_all_code"),
    ("tracking.bundles", "read_code"),
    ("reporting.page", "compile_templates"),
)
# MLflow looks for these before each of its requests; where they are not, it need not look again.
_LOOKED_FOR = ("dbruntime", "IPython")
_PROJECT = "include"
# What DAG files import.
_BUILDERS = "orchestration"
_logger = logging.getLogger(__name__)


def _preload() -> None:
    os.environ.setdefault("KERAS_BACKEND", "jax")
    os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
    # Great Expectations logs some two hundred lines while it is imported.
    logging.getLogger("great_expectations").setLevel(logging.WARNING)
    for library in _LIBRARIES:
        with contextlib.suppress(ImportError):
            importlib.import_module(library)
    for module in _LOOKED_FOR:
        if module not in sys.modules and importlib.util.find_spec(module) is None:
            sys.modules[module] = None  # Python's own mark: what imports it fails at once
    for module, function in _ANSWERS:
        with contextlib.suppress(ImportError, AttributeError):
            getattr(importlib.import_module(module), function)()
    _preload_project()
    _build_a_dag()
    for module, function in _OWN_ANSWERS:
        try:
            getattr(importlib.import_module(f"{_PROJECT}.{module}"), function)()
        except Exception as error:  # whoever needs it finds it out again, or fails with it
            _logger.warning("%s of %s is not done ahead: %r", function, module, error)
    gc.collect()


def _preload_project(*, below: str = "") -> None:
    """Import the modules of the project, and have forks forget them once a file changed.

    Args:
        below: The package to import the modules of; all of them unless given.
    """
    place = importlib.util.find_spec(_PROJECT)
    for root in place.submodule_search_locations or () if place else ():
        imported = _read_state(root)
        start = ".".join(each for each in (_PROJECT, below) if each)
        walked = pkgutil.walk_packages([str(Path(root, below))], f"{start}.", lambda _: None)
        for module in walked:
            try:
                importlib.import_module(module.name)
            # Whatever it is, the scheduler must live; the task that needs the module fails with it.
            except (Exception, SystemExit) as error:
                _logger.warning("%s is not preloaded: %r", module.name, error)
        os.register_at_fork(after_in_child=functools.partial(_forget_if_changed, root, imported))


def _build_a_dag() -> None:
    """Build a DAG, since the first in a process has Airflow look through all of its providers."""
    try:
        loader = importlib.import_module(f"{_PROJECT}.specs.loader")
        settings = importlib.import_module(f"{_PROJECT}.settings").load_settings()
        training = importlib.import_module(f"{_PROJECT}.orchestration.training_dag")
        # All are read here, so that a task need not read those that come before its own.
        entries = list(loader.load_pipeline_specs(settings.pipelines_dir))
        spec = next((each.spec for each in entries if each.spec), None)
        if spec is not None:
            training.build_training_dag(spec)
    except Exception as error:  # a pipeline that cannot be built is told of where it is loaded
        _logger.warning("no DAG is built ahead: %r", error)


def _forget_if_changed(root: str, imported: dict[str, tuple[int, int]]) -> None:
    """Forget the project's modules, for them to be imported anew, if any file is another now."""
    if _read_state(root) != imported:
        for name in list(sys.modules):
            if name.partition(".")[0] == _PROJECT:
                del sys.modules[name]


def _read_state(root: str) -> dict[str, tuple[int, int]]:
    """Read time of change and size of all Python files below a directory."""
    state = {}
    for path in Path(root).rglob("*.py"):
        with contextlib.suppress(OSError):  # gone since it was listed, as an editor's files are
            found = path.stat()
            state[str(path)] = (found.st_mtime_ns, found.st_size)
    return state


def _forks_tasks() -> bool:
    if sys.argv[1:2] == ["scheduler"]:
        # Airflow's own default executor is local, too.
        return "Local" in os.environ.get("AIRFLOW__CORE__EXECUTOR", "LocalExecutor")
    return sys.argv[1:3] == ["celery", "worker"]


if _forks_tasks():
    _preload()
elif sys.argv[1:2] == ["dag-processor"]:
    _preload_project(below=_BUILDERS)
    _build_a_dag()
    gc.collect()
