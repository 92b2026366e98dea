"""What tasks are forked from: the project is in memory, and never another than the one on disk."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
CONFIG = ROOT / "config"
FORK = """
import os, sys
import airflow_local_settings

def fork_and_say(expression):
    sys.stdout.flush()
    child = os.fork()
    if child == 0:
        print(eval(expression), flush=True)
        os._exit(0)
    os.waitpid(child, 0)

"""


def run_forks(code: str, project: Path) -> list[str]:
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(map(str, [project, CONFIG]))}
    done = subprocess.run(
        [sys.executable, "-c", FORK + code],
        env=environment,
        cwd=project,
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    return done.stdout.splitlines()


@pytest.fixture
def project(tmp_path):
    """Give a small project of the name that is preloaded."""
    package = tmp_path / "include"
    (package / "steps").mkdir(parents=True)
    (package / "__init__.py").touch()
    (package / "steps" / "__init__.py").touch()
    (package / "steps" / "train.py").write_text("ANSWER = 1\n", encoding="utf-8")
    (package / "broken.py").write_text("import nothing_of_this_name\n", encoding="utf-8")
    (package / "script.py").write_text("raise SystemExit(2)\n", encoding="utf-8")
    return tmp_path


def test_a_fork_has_the_project_in_memory_also_when_a_module_of_it_is_broken(project):
    said = run_forks(
        "airflow_local_settings._preload_project()\n"
        "fork_and_say(\"sys.modules['include.steps.train'].ANSWER\")\n",
        project,
    )
    assert said == ["1"]


def test_a_module_that_cannot_be_preloaded_is_named(project):
    said = run_forks(
        "import logging\n"
        "logging.basicConfig(stream=sys.stdout, format='%(message)s')\n"
        "airflow_local_settings._preload_project()\n",
        project,
    )
    assert len(said) == 2
    assert said[0].startswith("include.broken is not preloaded: ModuleNotFoundError(")
    assert said[1] == "include.script is not preloaded: SystemExit(2)"


@pytest.mark.parametrize(
    "change",
    [
        "train.write_text('ANSWER = 22\\n')",
        "train.unlink(); train.with_suffix('').mkdir(); "
        "(train.with_suffix('') / '__init__.py').write_text('ANSWER = 22\\n')",
    ],
)
def test_a_fork_after_a_change_imports_what_is_on_disk(project, change):
    said = run_forks(
        "from pathlib import Path\n"
        f"train = Path({str(project / 'include' / 'steps' / 'train.py')!r})\n"
        "answer = \"__import__('include.steps.train', fromlist=['ANSWER']).ANSWER\"\n"
        "airflow_local_settings._preload_project()\n"
        "fork_and_say(answer)\n"
        f"{change}\n"
        "fork_and_say(answer)\n",
        project,
    )
    assert said == ["1", "22"]


CHANGED = """
import importlib, pathlib, pkgutil

root = pathlib.Path('include').resolve()
airflow_local_settings._preload_project()
imported = airflow_local_settings._read_state(str(root))
for path, (changed_at, _) in imported.items():
    os.utime(path, ns=(0, changed_at + 1))
found = airflow_local_settings._read_state(str(root))
unseen = [path for path in imported if found[path] == imported[path]]
for path, (changed_at, _) in imported.items():
    os.utime(path, ns=(0, changed_at))
print('changes that nobody sees:', unseen)

def import_anew():
    import include
    assert 'include.quality.checker' not in sys.modules
    for module in pkgutil.walk_packages(include.__path__, 'include.'):
        importlib.import_module(module.name)
    from include.quality.duckdb_engine import DuckDBExecutionEngine, open_datasource
    with open_datasource(memory_mb=200, threads=1) as source:
        return type(source.get_execution_engine()) is DuckDBExecutionEngine

os.utime(root / 'errors.py', ns=(0, 0))
fork_and_say('import_anew()')
"""


def test_a_change_of_any_module_is_seen_and_all_of_them_can_be_imported_anew(tmp_path):
    # Libraries keep tables of their own, which the forgotten project's classes still stand in.
    shutil.copytree(ROOT / "include", tmp_path / "include")
    said = run_forks(CHANGED, tmp_path)
    # From 3.12 on, Python may warn in between that a library has threads.
    assert "changes that nobody sees: []" in said
    assert said[-1] == "True"
    assert not [line for line in said if "Overwriting" in line]


BUILD = """
def list_new_modules():
    from include.orchestration.training_dag import build_training_dag
    from include.specs.loader import load_pipeline_spec
    spec = load_pipeline_spec(airflow_local_settings.Path('include/pipelines/adult.yaml'))
    before = set(sys.modules)
    build_training_dag(spec)
    return sorted(set(sys.modules) - before)

airflow_local_settings._build_a_dag()
fork_and_say('list_new_modules()')
"""


def test_a_fork_builds_its_dag_without_looking_through_airflows_providers():
    assert run_forks(BUILD, ROOT)[-1] == "[]"


READ = """
import importlib, runpy
sys.argv = ["airflow", "dag-processor"]
importlib.reload(airflow_local_settings)

def read_files():
    before = set(sys.modules)
    for path in sorted(airflow_local_settings.Path("dags").glob("*.py")):
        runpy.run_path(str(path))
    return sorted(name for name in set(sys.modules) - before if name.startswith("include"))

fork_and_say("read_files()")
fork_and_say("sorted({'pandas', 'numpy', 'keras', 'mlflow', 'duckdb'} & set(sys.modules))")
"""


def test_dag_files_are_read_with_what_builds_dags_in_memory_and_nothing_heavier():
    assert run_forks(READ, ROOT)[-2:] == ["[]", "[]"]


@pytest.mark.slow  # it imports every library
def test_preloading_touches_no_device_and_starts_no_thread():
    said = run_forks(
        "import threading\n"
        "airflow_local_settings._preload()\n"
        "import jax._src.xla_bridge as bridge\n"
        "print(bridge.backends_are_initialized(), threading.active_count())\n"
        "print('include.steps.train' in sys.modules, 'include.reporting.page' in sys.modules)\n",
        CONFIG.parent,
    )
    assert said[-2:] == ["False 1", "True True"]
