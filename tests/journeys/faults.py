"""What journeys do to break a run: kill, mark, clear, delete."""

import os
import signal
from typing import Any

from include.stack.services import find_process
from tests.journeys.journey import Journey


def epoch(journey: Journey, dag_id: str, run_id: str) -> int:
    """Give the last epoch that the fit told."""
    progress = journey.api.get_state(dag_id, run_id, "train", "progress")
    return int(progress["epoch"]) if progress else 0


def instance(journey: Journey, dag_id: str, run_id: str, task_id: str) -> dict[str, Any]:
    """Give the entry of a task."""
    tasks = journey.api.list_tasks(dag_id, run_id)
    return next(task for task in tasks if task["task_id"] == task_id)


def kill_task(journey: Journey, dag_id: str, run_id: str, task_id: str) -> None:
    """Kill the process of a running task outright."""
    os.kill(int(instance(journey, dag_id, run_id, task_id)["pid"]), signal.SIGKILL)


def running_try(journey: Journey, dag_id: str, run_id: str, task_id: str) -> int:
    """Give the number of the try that runs; 0 if none does."""
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


def mark_run(journey: Journey, dag_id: str, run_id: str, state: str) -> None:
    """Mark a run as a person does in the UI."""
    call(journey, "PATCH", f"dags/{dag_id}/dagRuns/{run_id}", {"state": state})


def mark_task(journey: Journey, dag_id: str, run_id: str, task_id: str, state: str) -> None:
    """Mark a task as a person does in the UI."""
    path = f"dags/{dag_id}/dagRuns/{run_id}/taskInstances/{task_id}"
    call(journey, "PATCH", path, {"new_state": state})


def clear_task(
    journey: Journey, dag_id: str, run_id: str, task_id: str, *, alone: bool = False
) -> None:
    """Clear a task with all that follow it, or alone."""
    body = {
        "dag_run_id": run_id,
        "dry_run": False,
        "only_failed": False,
        "task_ids": [task_id],
        "include_downstream": not alone,
        "reset_dag_runs": True,
    }
    call(journey, "POST", f"dags/{dag_id}/clearTaskInstances", body)


def delete_run(journey: Journey, dag_id: str, run_id: str) -> None:
    """Delete a run that has ended."""
    call(journey, "DELETE", f"dags/{dag_id}/dagRuns/{run_id}")


def call(journey: Journey, method: str, path: str, body: dict[str, Any] | None = None) -> None:
    """Call Airflow's REST API."""
    journey.ask_airflow(method, path, body).raise_for_status()
