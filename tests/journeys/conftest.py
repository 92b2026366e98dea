"""One real stack for all journeys: free ports, a home of its own, pipelines of its own.

Both of xdist's workers use it, each with pipelines that the other leaves alone: while one waits for
its run, the other's goes on.
"""

import fcntl
import os
import shutil
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import IO

import pytest
import xdist

from include.settings import Settings
from include.stack.airflow_api import AirflowApi
from include.stack.services import start_stack, stop_stack
from include.values.lock_files import hold_lock
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


@pytest.hookimpl(wrapper=True, tryfirst=True)  # before the clock of its timeout starts
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, object, object]:
    """Let a journey that ends services have the stack alone."""
    if not xdist.is_xdist_worker(item.session):
        return (yield)
    with (Path(item.config.option.basetemp).parent / "turn.lock").open("w") as turn:
        is_alone = item.get_closest_marker("alone") is not None
        fcntl.flock(turn, fcntl.LOCK_EX if is_alone else fcntl.LOCK_SH)
        return (yield)


@pytest.fixture(autouse=True, scope="session")
def _optimized() -> None:
    """Have all that stacks train compiled as everybody's is; other tests are spared that."""
    os.environ.pop("XLA_FLAGS", None)


@pytest.fixture(scope="session")
def settings(tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> Settings:
    """Give the settings of a stack that shares nothing with those of other runs of the tests."""
    base = tmp_path_factory.getbasetemp()
    home = (base.parent if xdist.is_xdist_worker(request) else base) / "stack"
    with hold_lock(home.with_suffix(".lock"), "choosing ports", print, timeout=60):
        chosen = home / "settings.json"
        if not chosen.exists():
            made = make_settings(home)
            chosen.write_text(made.model_dump_json(exclude_defaults=True), encoding="utf-8")
        return Settings.model_validate_json(chosen.read_bytes())


def make_settings(home: Path) -> Settings:
    """Write the pipelines, and choose the ports."""
    pipelines = home / "pipelines"
    pipelines.mkdir(parents=True)
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
    """Start the stack unless it is up, sign in, and end it unless the other worker uses it."""
    with (settings.home / "users.lock").open("w") as users:
        fcntl.flock(users, fcntl.LOCK_SH)
        try:
            start_stack(settings, print)
            with AirflowApi(settings) as api:
                yield Journey(settings, api)
        finally:
            if is_last(users):
                stop_stack(settings)


def is_last(users: IO[str]) -> bool:
    """Tell whether nobody else holds the file of those who use the stack."""
    try:
        fcntl.flock(users, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
