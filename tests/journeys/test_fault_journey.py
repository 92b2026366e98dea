"""What breaks while a run is under way, on the real stack: nothing lost, doubled or left open."""

import time

import psutil
import pytest

from include.stack.services import find_process, start_stack
from tests.journeys.faults import epoch, instance, kill_service, kill_task, running_try
from tests.journeys.journey import Finished, Journey

pytestmark = [
    pytest.mark.slow,
    pytest.mark.alone,
    pytest.mark.xdist_group("train__slow"),
    pytest.mark.timeout(600),
]
EPOCHS = 200


@pytest.fixture
def stack(journey: Journey):
    """Give the stack, and start again whatever the test ended."""
    yield journey
    start_stack(journey.settings, print)


def test_a_fit_survives_its_own_death_and_that_of_both_servers(stack: Journey):
    dag_id, run_id = stack.start("slow", epochs=EPOCHS)
    stack.wait(lambda: epoch(stack, dag_id, run_id) >= 10, "it trains", 120)
    kill_task(stack, dag_id, run_id, "train")
    stack.wait(
        lambda: running_try(stack, dag_id, run_id, "train") == 2, "the second try begins", 60
    )
    reached = epoch(stack, dag_id, run_id)
    stack.wait(lambda: epoch(stack, dag_id, run_id) > reached, "it goes on", 60)
    for name in ("mlflow", "api-server"):
        kill_service(stack, name)
    start_stack(stack.settings, print)

    run = stack.finish(dag_id, run_id)

    check_second_try_went_on(stack, run)
    check_one_whole_fit(stack, run)


def test_a_killed_supervisor_takes_its_task_along_and_the_next_try_goes_on(stack: Journey):
    dag_id, run_id = stack.start("slow", epochs=EPOCHS)
    stack.wait(lambda: epoch(stack, dag_id, run_id) >= 5, "it trains", 120)
    task = psutil.Process(int(instance(stack, dag_id, run_id, "train")["pid"]))
    supervisor = task.parent()
    assert supervisor is not None
    assert supervisor.pid != find_process(stack.settings, "scheduler").pid
    supervisor.kill()
    stack.wait(lambda: not is_alive(task), "the task ends with its supervisor", 60)
    # Airflow hears nothing of it, and waits for a heartbeat until its time is over.
    stack.wait(lambda: running_try(stack, dag_id, run_id, "train") == 2, "it is tried again", 240)

    run = stack.finish(dag_id, run_id)

    check_second_try_went_on(stack, run)
    check_one_whole_fit(stack, run)


def test_a_fit_outlives_two_minutes_without_the_api_server(stack: Journey):
    dag_id, run_id = stack.start("slow", epochs=EPOCHS)
    stack.wait(lambda: epoch(stack, dag_id, run_id) >= 5, "it trains", 120)
    kill_service(stack, "api-server")
    time.sleep(120)
    start_stack(stack.settings, print)

    check_one_whole_fit(stack, stack.finish(dag_id, run_id))


def test_without_mlflow_a_run_fails_soon_says_so_and_registers_nothing(stack: Journey):
    versions = stack.versions("digits")
    kill_service(stack, "mlflow")
    dag_id, run_id = stack.start("digits")

    stack.wait(lambda: stack.api.get_run(dag_id, run_id).get("state") == "failed", "it fails", 300)

    ingest = instance(stack, dag_id, run_id, "ingest")
    assert (ingest["state"], ingest["try_number"]) == ("failed", 5)
    log = "\n".join(stack.api.get_log(dag_id, run_id, "ingest", 5))
    assert "the MLflow server must answer" in log
    start_stack(stack.settings, print)
    assert stack.versions("digits") == versions


def test_a_killed_scheduler_doubles_nothing(stack: Journey):
    before = stack.versions("slow")
    dag_id, run_id = stack.start("slow", epochs=EPOCHS)
    stack.wait(lambda: epoch(stack, dag_id, run_id) >= 5, "it trains", 120)
    kill_service(stack, "scheduler")
    start_stack(stack.settings, print)

    check_one_whole_fit(stack, stack.finish(dag_id, run_id))
    assert len(stack.versions("slow")) <= len(before) + 1


def is_alive(process: psutil.Process) -> bool:
    """Tell whether a process runs; one that nobody has collected yet does not."""
    return process.is_running() and process.status() != psutil.STATUS_ZOMBIE


def check_second_try_went_on(stack: Journey, run: Finished) -> None:
    """Hold that the second try began where the first one ended.

    A server that is not back when the fit ends costs one try more, which repeats nothing.
    """
    assert run.tries["train"] >= 2
    log = stack.api.get_log(run.dag_id, run.run_id, "train", 2)
    assert any("goes on after epoch" in line for line in log)


def check_one_whole_fit(stack: Journey, run: Finished) -> None:
    """Hold that a run ended well, in one MLflow run, with each epoch once."""
    assert run.state == "success", run.tasks
    mlflow_run = stack.mlflow_run(run)
    assert mlflow_run["info"]["status"] == "FINISHED"
    history = stack.mlflow(
        "metrics/get-history", run_id=mlflow_run["info"]["run_id"], metric_key="train/loss"
    )["metrics"]
    assert sorted(point["step"] for point in history) == list(range(1, EPOCHS + 1))
