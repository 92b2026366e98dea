"""What breaks while a run is under way, on the real stack: nothing lost, doubled or left open."""

import os
import signal

import httpx
import pytest

from include.stack.services import find_process, start_stack
from tests.journeys.journey import Journey

pytestmark = [
    pytest.mark.journey,
    pytest.mark.slow,
    pytest.mark.xdist_group("stack"),
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
    os.kill(task_pid(stack, dag_id, run_id, "train"), signal.SIGKILL)
    stack.wait(lambda: tries(stack, dag_id, run_id, "train") == 2, "the second try begins", 60)
    reached = epoch(stack, dag_id, run_id)
    stack.wait(lambda: epoch(stack, dag_id, run_id) > reached, "it goes on", 60)
    for name in ("mlflow", "api-server"):
        kill_service(stack, name)
    start_stack(stack.settings, print)

    run = stack.finish(dag_id, run_id)

    assert run.state == "success", run.tasks
    assert run.tries["train"] == 2
    assert "goes on after epoch" in stack.log(run, "train")
    mlflow_run = stack.mlflow_run(run)
    assert mlflow_run["info"]["status"] == "FINISHED"
    history = stack.mlflow(
        "metrics/get-history", run_id=mlflow_run["info"]["run_id"], metric_key="loss"
    )["metrics"]
    assert sorted(point["step"] for point in history) == list(range(1, EPOCHS + 1))


def test_a_run_that_a_person_ends_is_killed_in_mlflow_and_can_be_taken_up(stack: Journey):
    dag_id, run_id = stack.start("slow", epochs=EPOCHS)
    stack.wait(lambda: epoch(stack, dag_id, run_id) >= 5, "it trains", 120)
    patch(stack, f"dags/{dag_id}/dagRuns/{run_id}", {"state": "failed"})

    run = stack.finish(dag_id, run_id)

    assert run.tasks["train"] == "failed"
    assert stack.mlflow_run(run)["info"]["status"] == "KILLED"
    versions = stack.versions("slow")
    post(
        stack,
        f"dags/{dag_id}/clearTaskInstances",
        {
            "dag_run_id": run_id,
            "dry_run": False,
            "only_failed": False,
            "task_ids": ["train"],
            "include_downstream": True,
            "reset_dag_runs": True,
        },
    )
    again = stack.finish(dag_id, run_id)
    assert again.state == "success", again.tasks
    assert "goes on after epoch" in stack.log(again, "train")
    assert stack.mlflow_run(again)["info"]["status"] == "FINISHED"
    assert len(stack.versions("slow")) <= len(versions) + 1


def test_without_mlflow_a_run_fails_soon_says_so_and_registers_nothing(stack: Journey):
    versions = stack.versions("digits")
    kill_service(stack, "mlflow")
    dag_id, run_id = stack.start("digits")

    stack.wait(lambda: stack.api.get_run(dag_id, run_id).get("state") == "failed", "it fails", 120)

    ingest = instance(stack, dag_id, run_id, "ingest")
    assert (ingest["state"], ingest["try_number"]) == ("failed", 5)
    log = "\n".join(stack.api.get_log(dag_id, run_id, "ingest", 5))
    assert "the MLflow server must answer" in log
    start_stack(stack.settings, print)
    assert stack.versions("digits") == versions


def test_a_killed_scheduler_doubles_nothing(stack: Journey):
    dag_id, run_id = stack.start("slow", epochs=EPOCHS)
    stack.wait(lambda: epoch(stack, dag_id, run_id) >= 5, "it trains", 120)
    kill_service(stack, "scheduler")
    start_stack(stack.settings, print)

    run = stack.finish(dag_id, run_id)

    assert run.state == "success", run.tasks
    assert stack.mlflow_run(run)["info"]["status"] == "FINISHED"
    versions = [v for v in stack.versions("slow") if v]
    assert len(versions) == len(set(versions))


def epoch(journey: Journey, dag_id: str, run_id: str) -> int:
    """Give the last epoch that the fit told."""
    progress = journey.api.get_state(dag_id, run_id, "train", "progress")
    return int(progress["epoch"]) if progress else 0


def instance(journey: Journey, dag_id: str, run_id: str, task_id: str) -> dict:
    tasks = journey.api.list_tasks(dag_id, run_id)
    return next(task for task in tasks if task["task_id"] == task_id)


def task_pid(journey: Journey, dag_id: str, run_id: str, task_id: str) -> int:
    return int(instance(journey, dag_id, run_id, task_id)["pid"])


def tries(journey: Journey, dag_id: str, run_id: str, task_id: str) -> int:
    found = instance(journey, dag_id, run_id, task_id)
    return int(found["try_number"]) if found["state"] == "running" else 0


def kill_service(journey: Journey, name: str) -> None:
    """End a service and what it started, as a crash of the machine would."""
    process = find_process(journey.settings, name)
    assert process is not None, name
    if name == "scheduler":
        process.kill()
    else:
        os.killpg(process.pid, signal.SIGKILL)
    journey.wait(lambda: find_process(journey.settings, name) is None, f"{name} is gone", 20)


def patch(journey: Journey, path: str, body: dict) -> None:
    _call(journey, "PATCH", path, body)


def post(journey: Journey, path: str, body: dict) -> None:
    _call(journey, "POST", path, body)


def _call(journey: Journey, method: str, path: str, body: dict) -> None:
    httpx.request(
        method,
        f"{journey.settings.airflow}/api/v2/{path}",
        json=body,
        headers={"Authorization": f"Bearer {journey.api.token}"},
        timeout=60,
    ).raise_for_status()
