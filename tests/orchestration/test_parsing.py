"""Parsing stays light: nothing heavy is imported while Airflow loads the DAG files."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
HEAVY = [
    "pandas",
    "numpy",
    "keras",
    "jax",
    "mlflow",
    "great_expectations",
    "duckdb",
    "pyarrow",
    "sklearn",
    "matplotlib",
]
PARSE = f"""
import sys
class Refuse:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {HEAVY!r}:
            raise AssertionError("parsing imports " + name)
sys.meta_path.insert(0, Refuse())
from airflow.dag_processing.dagbag import DagBag
bag = DagBag({str(ROOT / "dags")!r})
print(sorted(bag.import_errors.items()), len(bag.dags))
"""


def parse(pipelines: Path, home: Path) -> str:
    environment = {
        **os.environ,
        "AIRFLOW_HOME": str(home),
        "AIRFLOW__CORE__DAGS_FOLDER": str(ROOT / "dags"),
        "AIRFLOW__CORE__PLUGINS_FOLDER": str(ROOT / "plugins"),
        "PYTHONPATH": str(ROOT),
        "GATEHOUSE_PIPELINES_DIR": str(pipelines),
    }
    done = subprocess.run(
        [sys.executable, "-c", PARSE], env=environment, capture_output=True, text=True, check=True
    )
    return done.stdout.splitlines()[-1]


@pytest.mark.xdist_group("airflow")
def test_parsing_imports_nothing_heavy(tmp_path: Path):
    pipelines = ROOT / "include" / "pipelines"
    answer = parse(pipelines, tmp_path)
    assert answer.startswith("[] ")
    assert int(answer.split()[-1]) >= len(list(pipelines.glob("*.yaml")))


@pytest.mark.xdist_group("airflow")
def test_a_broken_file_shows_as_an_import_error_and_takes_no_dag_down(tmp_path: Path):
    text = (ROOT / "include" / "pipelines" / "digits.yaml").read_text(encoding="utf-8")
    (tmp_path / "digits.yaml").write_text(text, encoding="utf-8")
    (tmp_path / "wrong.yaml").write_text(text.replace("name: digits", "nmae: wrong"), "utf-8")
    answer = parse(tmp_path, tmp_path / "home")
    assert answer.endswith(" 6")  # those of digits, `rollback` and `maintain`
    assert "check.py" in answer
    assert "wrong.yaml: name: Field required" in answer


@pytest.mark.xdist_group("airflow")
def test_a_spec_whose_dag_cannot_be_built_shows_as_an_import_error_and_takes_no_dag_down(
    tmp_path: Path,
):
    text = (ROOT / "include" / "pipelines" / "digits.yaml").read_text(encoding="utf-8")
    (tmp_path / "digits.yaml").write_text(text, encoding="utf-8")
    # In UTC, Tokyo's first midnight lies before the first day that Python knows.
    schedule = '{cron: "0 3 * * 1", timezone: Asia/Tokyo, catchup_from: 0001-01-01}'
    early = text.replace("name: digits", "name: early").replace('{cron: "0 3 * * 1"}', schedule)
    (tmp_path / "early.yaml").write_text(early, "utf-8")
    answer = parse(tmp_path, tmp_path / "home")
    assert answer.endswith(" 9")  # of digits, of early but its training, and two more
    assert "early.yaml: expected a spec whose DAG can be built" in answer
    assert "check.py" in answer
    assert "dags/train.py" not in answer
