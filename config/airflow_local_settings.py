"""Import third-party libraries once, in the process that every task is forked from.

Airflow imports this module in all of its processes. Two of them fork tasks: the scheduler, with
the LocalExecutor, and the Celery worker. There the libraries below are imported before the first
fork, so that a task starts with them already in memory instead of spending ten seconds on
imports.

Only third-party modules belong here: a fork inherits what is imported, so a change to `include`
would go unnoticed until a restart. Nothing may touch a JAX device or start a thread before the
fork.
"""

import contextlib
import gc
import importlib
import logging
import os
import sys

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
    "matplotlib.figure",
    "matplotlib.backends.backend_agg",
    "jax",
    "keras",
    "great_expectations",
    "great_expectations.expectations",
    "great_expectations.execution_engine.sqlalchemy_execution_engine",
    "mlflow",
    "mlflow.pyfunc",
    "mlflow.data.meta_dataset",
    "mlflow.tracing.provider",
    "mlflow.tracing.processor.otel",
    "mlflow.tracking.request_header.registry",
    "opentelemetry.sdk.trace.export",
    "sklearn.datasets",
    "pandas.io.formats.csvs",
    "pyarrow.csv",
    "PIL.JpegImagePlugin",
    "PIL.PngImagePlugin",
    "jax.experimental.multihost_utils",
    "jaxlib.mlir.dialects.mhlo",
    "upath.implementations.local",
    "httpx",
    "jinja2.ext",
)


def _preload() -> None:
    os.environ.setdefault("KERAS_BACKEND", "jax")
    os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
    # Great Expectations logs some two hundred lines while it is imported.
    logging.getLogger("great_expectations").setLevel(logging.WARNING)
    for library in _LIBRARIES:
        with contextlib.suppress(ImportError):
            importlib.import_module(library)
    # MLflow would look through every installed package in each task that logs a model.
    with contextlib.suppress(ImportError, AttributeError):
        requirements = importlib.import_module("mlflow.utils.requirements_utils")
        requirements._init_packages_to_modules_map()
    gc.collect()


def _forks_tasks() -> bool:
    if sys.argv[1:2] == ["scheduler"]:
        # Airflow's own default executor is local, too.
        return "Local" in os.environ.get("AIRFLOW__CORE__EXECUTOR", "LocalExecutor")
    return sys.argv[1:3] == ["celery", "worker"]


if _forks_tasks():
    _preload()
