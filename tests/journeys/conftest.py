"""One real stack for all journeys: free ports, a home of its own, pipelines of its own."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from include.settings import Settings
from include.stack.airflow_api import AirflowApi
from include.stack.services import start_stack, stop_stack
from tests.journeys.journey import Journey
from tests.mlflow_fixture import free_port

ROOT = Path(__file__).resolve().parents[2]
LOANS = """\
name: loans
source: {kind: file, uri: loans.csv}
target: {column: repaid, task: classification, positive: yes}
columns:
  - {name: loan_id, kind: id}
  - {name: age, kind: integer, min: 18, max: 100, nulls: 0.2}
  - {name: income, kind: number, min: 0, nulls: 0.2}
  - {name: married, kind: boolean, nulls: 0.2}
  - {name: job, kind: category, nulls: 0.2}
  - {name: opened, kind: datetime, nulls: 0.2}
  - {name: repaid, kind: category, values: [no, yes]}
model: {hidden: [8]}
training: {epochs: 3}
promotion: {require: {accuracy: ">= 0.5"}, approval: always}
"""
# Digits again, with epochs enough for something to happen meanwhile.
SLOW = """\
name: slow
source: {kind: builtin, dataset: digits}
target: {column: label, task: classification}
columns:
  - {name: image, kind: tensor, shape: [8, 8], scale: 16}
  - {name: label, kind: category, values: [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]}
model: {hidden: [16]}
training: {epochs: 100, early_stopping: null}
"""


@pytest.fixture(autouse=True, scope="session")
def _optimized() -> None:
    """Have all that stacks train compiled as everybody's is; other tests are spared that."""
    os.environ.pop("XLA_FLAGS", None)


@pytest.fixture(scope="session")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """Give the settings of a stack that shares nothing with any other."""
    home = tmp_path_factory.mktemp("home")
    pipelines = home / "pipelines"
    pipelines.mkdir()
    shutil.copy(ROOT / "include" / "pipelines" / "digits.yaml", pipelines)
    (pipelines / "loans.yaml").write_text(LOANS, encoding="utf-8")
    # Whose champion no other journey depends on.
    asked = LOANS.replace("name: loans", "name: asked").replace("loans.csv", "asked.csv")
    (pipelines / "asked.yaml").write_text(asked, encoding="utf-8")
    for name, shadow in {
        "ask": "then: ask",
        "rollback": "then: rollback",
        "labels": "then: rollback, max_disagreement: 1.0",
    }.items():
        doubted = LOANS.replace("name: loans", f"name: doubted_{name}")
        doubted += f"scoring: {{shadow: {{{shadow}}}}}\n"
        (pipelines / f"doubted_{name}.yaml").write_text(doubted, encoding="utf-8")
    (pipelines / "slow.yaml").write_text(SLOW, encoding="utf-8")
    (pipelines / "judged.yaml").write_text(SLOW.replace("slow", "judged"), encoding="utf-8")
    (pipelines / "broken.yaml").write_text("name: broken\nsorce: {}\n", encoding="utf-8")
    mlflow_port = free_port()
    return Settings(
        home=home,
        outage_seconds=90,  # a server restarts within, also on a busy machine
        pipelines_dir=pipelines,
        airflow_port=free_port(),
        mlflow_port=mlflow_port,
        # Said outright: the environment may name the server of other tests.
        mlflow_url=f"http://127.0.0.1:{mlflow_port}",
    )


@pytest.fixture(scope="session")
def journey(settings: Settings) -> Iterator[Journey]:
    """Start the stack, sign in, and stop it at the end."""
    try:
        start_stack(settings, print)
        with AirflowApi(settings) as api:
            yield Journey(settings, api)
    finally:
        stop_stack(settings)
