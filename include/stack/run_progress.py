"""A training run at work: one line for each task, and the epoch that the fit is at."""

from collections.abc import Mapping, Sequence
from typing import Any

import psutil
from rich.table import Table
from rich.text import Text

from include.records import TASKS
from include.stack.airflow_api import AirflowApi

MARKS = {
    "success": "[green]done[/green]",
    "running": "[cyan]running[/cyan]",
    "failed": "[red]failed[/red]",
    "upstream_failed": "[dim]not reached[/dim]",
    "skipped": "[dim]not needed[/dim]",
    "up_for_retry": "[yellow]will retry[/yellow]",
    "up_for_reschedule": "[dim]waits for its turn[/dim]",
    "awaiting_input": "[yellow]waits for you in the Airflow UI[/yellow]",
}
UNENDED = {"running", "up_for_retry", "awaiting_input"}


def merge_mapped(tasks: Sequence[Mapping[str, Any]]) -> dict[str, Mapping[str, Any]]:
    """Give one entry for each task, also where it was mapped over several things.

    Example:
        >>> done = {"task_id": "fit", "map_index": 0, "state": "success", "duration": 2.0}
        >>> merge_mapped([done, {**done, "map_index": 1, "state": "running"}])["fit"]["state"]
        'running'
    """
    merged: dict[str, Mapping[str, Any]] = {}
    for task in tasks:
        name = str(task["task_id"])
        before = merged.get(name)
        states = [str(each.get("state") or "waiting") for each in (before, task) if each]
        merged[name] = {
            **task,
            "state": min(states, key=_urgency) if before else task.get("state"),
            "duration": sum(each.get("duration") or 0 for each in (before, task) if each),
        }
    return merged


def _urgency(state: str) -> int:
    order = ("failed", "running", "up_for_retry", "queued", "scheduled", "waiting")
    return order.index(state) if state in order else len(order)


def find_dead_task(tasks: Sequence[Mapping[str, Any]], host: str) -> Mapping[str, Any] | None:
    """Find a task that shows as running on this machine and whose process is gone.

    Args:
        tasks: The task instances of a run.
        host: Name of this machine, as Airflow writes it.
    """
    for task in tasks:
        pid = int(task.get("pid") or 0)
        is_ours = task.get("state") == "running" and task.get("hostname") == host
        if is_ours and pid and not psutil.pid_exists(pid):
            return task
    return None


def read_progress(
    api: AirflowApi, dag_id: str, run_id: str, tasks: Mapping[str, Mapping[str, Any]]
) -> dict[str, Any] | None:
    """Read the latest epoch's numbers while the fit runs; None at any other time."""
    if tasks.get("train", {}).get("state") != "running":
        return None
    progress = api.get_state(dag_id, run_id, "train", "progress")
    return progress if isinstance(progress, dict) else None


def draw_tasks(tasks: Mapping[str, Mapping[str, Any]], progress: Mapping[str, Any] | None) -> Table:
    """Draw what `merge_mapped` gave, in the order of the graph."""
    table = Table(box=None, pad_edge=False, show_header=False)
    for name, known in TASKS.items():
        task = tasks.get(name)
        if task is None:
            continue
        state = str(task.get("state") or "waiting")
        if known.is_on_request and state in {"waiting", "skipped"}:
            continue
        seconds = task.get("duration")
        detail = _describe(progress) if name == "train" and progress else ""
        took = f"{seconds:6.1f} s" if seconds and state in {"success", "failed"} else ""
        table.add_row(name, Text.from_markup(MARKS.get(state, f"[dim]{state}[/dim]")), took, detail)
    return table


def describe_beat(tasks: Mapping[str, Mapping[str, Any]], state: str, seconds: float) -> str:
    """Say in a line where a run is, for whoever reads a log.

    Example:
        >>> tasks = {"ingest": {"state": "success"}, "train": {"state": "running"}}
        >>> describe_beat(tasks, "running", 61.0)
        'after 61 s: running, 1 of 2 tasks ended, at train'
    """
    over = sum(task.get("state") in MARKS.keys() - UNENDED for task in tasks.values())
    at = [name for name, task in tasks.items() if task.get("state") in UNENDED]
    place = f", at {', '.join(at)}" if at else ""
    return f"after {seconds:.0f} s: {state}, {over} of {len(tasks)} tasks ended{place}"


def _describe(progress: Mapping[str, Any]) -> str:
    skip = {"epoch", "epochs", "eta_seconds"}
    metrics = "  ".join(
        f"{name} {value:.4f}" for name, value in progress.items() if name not in skip
    )
    return (
        f"epoch {progress['epoch']}/{progress['epochs']}  {metrics}  "
        f"about {progress['eta_seconds']:.0f} s left"
    )
