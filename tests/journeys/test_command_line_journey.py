"""The command line against the real stack: one run of a double start, and what waits for whom."""

import io
import stat
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import pytest
from rich.console import Console

from include.records.model import list_options
from include.specs.loader import load_pipeline_spec
from include.stack.airflow_api import AirflowApi, Triggered
from include.stack.environment import passwords_file
from include.stack.training_run import build_run_id, follow_training_run
from tests.builders import make_frame
from tests.journeys.journey import Journey

pytestmark = [
    pytest.mark.timeout(600),
    pytest.mark.xdist_group("train__digits"),
]


def test_what_the_stack_keeps_is_readable_by_the_owner_only(journey: Journey):
    home, passwords = journey.settings.home, passwords_file(journey.settings)
    files = (passwords, passwords.parent / "airflow.db", home / "mlflow" / "mlflow.db")
    assert {stat.S_IMODE(path.stat().st_mode) for path in files} == {0o600}
    places = (passwords.parent, home / "mlflow", home / "logs")
    assert {stat.S_IMODE(path.stat().st_mode) for path in places} == {0o700}


@pytest.mark.slow  # two whole runs
def test_two_triggers_at_the_same_moment_are_one_run(journey: Journey):
    dag_id = "train__digits"
    journey.wait(lambda: journey.api.get_dag(dag_id) is not None, f"{dag_id} is loaded", 90)
    journey.api.unpause(dag_id)
    conf = {"epochs": 1, "note": "started twice"}
    run_id = build_run_id(conf, datetime.now(UTC))
    barrier = threading.Barrier(2)

    def start(_: int) -> Triggered:
        with AirflowApi(journey.settings) as api:
            barrier.wait()
            return api.trigger_once(dag_id, conf, run_id)

    with ThreadPoolExecutor(2) as pool:
        started = list(pool.map(start, range(2)))

    assert {one.run_id for one in started} == {run_id}
    assert sorted(one.is_new for one in started) == [False, True]
    assert journey.finish(dag_id, run_id).state == "success"
    with AirflowApi(journey.settings) as api:
        again = api.trigger_once(dag_id, conf, run_id)
    assert again == Triggered(f"{run_id}-2", is_new=True)
    assert journey.finish(dag_id, again.run_id).state == "success"


def test_a_run_that_waits_for_an_answer_is_shown_until_it_has_one(journey: Journey):
    make_frame(400).drop(columns="row_id").to_csv(journey.sources / "loans.csv", index=False)
    spec = load_pipeline_spec(journey.settings.pipelines_dir / "loans.yaml")
    screen = Console(file=io.StringIO(), width=200)

    with ThreadPoolExecutor(1) as pool:
        watching = pool.submit(
            follow_training_run, journey.settings, spec, {"note": "asks"}, screen
        )

        def has_answered() -> bool:
            for address in addresses_to_answer(screen):
                dag_id, _, run_id, *task = address.split("/")[-6:]
                assert task == ["tasks", "approve", "required_actions"]
                _, keep = list_options(journey.champion("loans"))
                journey.answer(dag_id, run_id, keep)
            return watching.done()

        journey.wait(has_answered, "it is answered and ends", 300)
        assert watching.result() is True

    assert len(addresses_to_answer(screen)) >= 1
    assert "the run goes on waiting" in screen.file.getvalue()


def addresses_to_answer(screen: Console) -> list[str]:
    lines = screen.file.getvalue().splitlines()
    return [line.removeprefix("Answer at ") for line in lines if line.startswith("Answer at ")]
