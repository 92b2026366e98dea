"""What all tests share: a clean environment, and one MLflow server for those that track."""

import gc
import os
import sys
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path

import pytest
from hypothesis import settings

ROOT = Path(__file__).resolve().parents[1]
JOURNEYS = ROOT / "tests" / "journeys"
# What the caller set for a stack of theirs is no matter of the tests.
for name in [each for each in os.environ if each.startswith(("GATEHOUSE_", "AIRFLOW_", "MLFLOW_"))]:
    del os.environ[name]
# Set before anything imports Keras, MLflow or Airflow.
os.environ.setdefault("KERAS_BACKEND", "jax")
os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
# What JAX compiled for one test serves the next, in both of xdist's workers.
os.environ.setdefault("JAX_COMPILATION_CACHE_DIR", str(ROOT / ".pytest_cache" / "jax"))
os.environ.setdefault("JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS", "0")
os.environ.setdefault("JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES", "-1")
# Small networks cost more to compile than to run, and without optimizations a fifth of that.
# Journeys compile as everybody does (their conftest.py), and so does `mlflow models serve`.
FLAGS = "--xla_backend_optimization_level=0"
if version("jaxlib").startswith("0.10."):  # XLA ends a process for a flag that it does not know
    FLAGS += " --xla_cpu_use_fusion_emitters=false"
os.environ.setdefault("XLA_FLAGS", FLAGS)
# MLflow looks for Databricks before each request. None says that there is no such module, which
# Python would else find out each time anew, in every directory of sys.path: as where tasks fork
# (config/airflow_local_settings.py).
for name in ("dbruntime", "IPython"):
    sys.modules.setdefault(name, None)  # type: ignore[arg-type]
os.environ["AIRFLOW__CORE__LOAD_EXAMPLES"] = "False"
os.environ["AIRFLOW__CORE__UNIT_TEST_MODE"] = "False"

# Shared machines are slow now and then; a slow example is no failure.
settings.register_profile("project", deadline=None)
settings.load_profile("project")

pytest_plugins = [
    "tests.branch_coverage",  # first: it measures what is imported after it
    "tests.browser_fixture",
    "tests.mlflow_fixture",
    "tests.postgres_fixture",
    "tests.s3_fixture",
]


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark journeys, and keep a file's tests in one worker, which builds once what they share."""
    for item in items:
        if JOURNEYS in item.path.parents:
            item.add_marker("journey")
        if item.get_closest_marker("xdist_group") is None:
            item.add_marker(pytest.mark.xdist_group(str(item.path)))


@pytest.fixture(autouse=True, scope="session")
def _own_airflow_home(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Keep Airflow away from the home of whoever runs the tests."""
    os.environ["AIRFLOW_HOME"] = str(tmp_path_factory.mktemp("airflow"))


@pytest.fixture(autouse=True, scope="session")
def _frozen() -> Iterator[None]:
    """Keep the collector from looking, again and again, through all that was imported."""
    gc.collect()
    gc.freeze()
    yield
    gc.unfreeze()  # for the interpreter's end; `gatehouse run`, called in a test, freezes, too


@pytest.fixture
def data_root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give an empty data root, set as GATEHOUSE_DATA_ROOT."""
    root = tmp_path / "data"
    (root / "sources").mkdir(parents=True)
    monkeypatch.setenv("GATEHOUSE_DATA_ROOT", str(root))
    return root
