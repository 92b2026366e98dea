"""Trigger a training run, show it live, and say how it ended."""

import time
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from rich.console import Console
from rich.live import Live
from rich.table import Table
from rich.text import Text

from include.errors import InfrastructureError, SpecError
from include.settings import Settings
from include.stack.airflow_api import AirflowApi

POLL_SECONDS = 0.5
DAG_SECONDS = 90
ORDER = (
    "ingest",
    "validate",
    "prepare",
    "train",
    "evaluate",
    "judge",
    "approve",
    "promote",
    "fit_share",
    "draw_curve",
    "report",
    "close_run",
)
# Shown only if the run was asked for a learning curve.
ON_REQUEST = {"fit_share", "draw_curve"}
MARKS = {
    "success": "[green]done[/green]",
    "running": "[cyan]running[/cyan]",
    "failed": "[red]failed[/red]",
    "upstream_failed": "[dim]not reached[/dim]",
    "skipped": "[dim]not needed[/dim]",
    "up_for_retry": "[yellow]will retry[/yellow]",
    "awaiting_input": "[yellow]waits for you in the Airflow UI[/yellow]",
}
STARTED = "Worker startup parse complete"
OF_AIRFLOW = {"Task failed with exception", "Retry policy decision"}
ENDED = {"success", "failed"}


def follow_training_run(
    settings: Settings, pipeline: str, conf: Mapping[str, Any], console: Console
) -> bool:
    """Trigger `train__<pipeline>` and follow it to its end.

    Args:
        settings: Where Airflow and MLflow are.
        pipeline: Name of the pipeline.
        conf: Parameters of the run.
        console: Where it shows.

    Returns:
        Whether the run succeeded.
    """
    with AirflowApi(settings) as api:
        return _follow(settings, api, f"train__{pipeline}", conf, console)


def _follow(
    settings: Settings, api: AirflowApi, dag_id: str, conf: Mapping[str, Any], console: Console
) -> bool:
    _wait_for_dag(api, dag_id)
    api.unpause(dag_id)
    run_id = api.trigger(dag_id, conf)
    console.print(f"triggered {dag_id}, run {run_id}")
    started = time.monotonic()
    state = _watch(api, dag_id, run_id, console)
    console.print(f"{dag_id} ended {state} after {time.monotonic() - started:.0f} s")
    if state != "success":
        _print_failure(api, dag_id, run_id, console)
    else:
        _print_result(api, dag_id, run_id, console)
    _print_urls(settings, api, (dag_id, run_id), console)
    return state == "success"


def _wait_for_dag(api: AirflowApi, dag_id: str) -> None:
    deadline = time.monotonic() + DAG_SECONDS
    while api.get_dag(dag_id) is None:
        if time.monotonic() > deadline:
            errors = [str(error.get("stack_trace", "")) for error in api.list_import_errors()]
            raise SpecError(
                f"Airflow must load {dag_id} within {DAG_SECONDS} s. Received: no such DAG. "
                + ("Its import errors:\n" + "\n".join(errors) if errors else "Run `make down up`.")
            )
        time.sleep(POLL_SECONDS)


def _watch(api: AirflowApi, dag_id: str, run_id: str, console: Console) -> str:
    misses, has_asked = 0, False
    with Live(console=console, refresh_per_second=4, transient=not console.is_terminal) as live:
        while True:
            try:
                state = str(api.get_run(dag_id, run_id).get("state"))
                tasks = merge_mapped(api.list_tasks(dag_id, run_id))
                misses = 0
            except InfrastructureError:
                # The API server may be busy or restarting; the run does not depend on us.
                misses += 1
                if misses > 60:
                    raise
                time.sleep(2 * POLL_SECONDS)
                continue
            epoch = _read_progress(api, dag_id, run_id, tasks)
            live.update(_draw(tasks, epoch))
            if not has_asked and tasks.get("approve", {}).get("state") == "awaiting_input":
                has_asked = True
                console.print(f"{dag_id} waits for your answer: Airflow UI, Required Actions")
            if state in ENDED:
                break
            time.sleep(POLL_SECONDS)
    if not console.is_terminal:
        console.print(_draw(tasks, None))
    return state


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


def _read_progress(
    api: AirflowApi, dag_id: str, run_id: str, tasks: Mapping[str, Mapping[str, Any]]
) -> dict[str, Any] | None:
    if tasks.get("train", {}).get("state") != "running":
        return None
    progress = api.get_state(dag_id, run_id, "train", "progress")
    return progress if isinstance(progress, dict) else None


def _draw(tasks: Mapping[str, Mapping[str, Any]], progress: Mapping[str, Any] | None) -> Table:
    table = Table(box=None, pad_edge=False, show_header=False)
    for name in ORDER:
        task = tasks.get(name)
        if task is None:
            continue
        state = str(task.get("state") or "waiting")
        if name in ON_REQUEST and state in {"waiting", "skipped"}:
            continue
        seconds = task.get("duration")
        detail = _describe(progress) if name == "train" and progress else ""
        took = f"{seconds:6.1f} s" if seconds and state in {"success", "failed"} else ""
        table.add_row(name, Text.from_markup(MARKS.get(state, f"[dim]{state}[/dim]")), took, detail)
    return table


def _describe(progress: Mapping[str, Any]) -> str:
    skip = {"epoch", "epochs", "eta_seconds"}
    metrics = "  ".join(
        f"{name} {value:.4f}" for name, value in progress.items() if name not in skip
    )
    return (
        f"epoch {progress['epoch']}/{progress['epochs']}  {metrics}  "
        f"about {progress['eta_seconds']:.0f} s left"
    )


def _print_result(api: AirflowApi, dag_id: str, run_id: str, console: Console) -> None:
    ingested = api.get_record(dag_id, run_id, "ingest") or {}
    raw = _data(ingested.get("raw"))
    if raw:
        how = "reused: the source is unchanged" if raw.get("is_reused") else "read anew"
        console.print(f"table    {raw['rows']:,} rows, {how}")
    evaluated = api.get_record(dag_id, run_id, "evaluate") or {}
    verdict = api.get_record(dag_id, run_id, "judge") or {}
    promoted = api.get_record(dag_id, run_id, "promote") or {}
    _print_metrics(evaluated, console)
    show = partial(console.print, soft_wrap=True)
    for gate in (_data(gate) for gate in verdict.get("gates", [])):
        mark = "[green]yes[/green]" if gate.get("is_passed") else "[red]no[/red] "
        show(f"  {mark}  {_escape(gate.get('name'))}: {_escape(gate.get('detail'))}")
    show(f"verdict  {verdict.get('kind')}: {_escape(verdict.get('reason'))}")
    curve = api.get_record(dag_id, run_id, "draw_curve") or {}
    if curve:
        console.print(f"curve    {_escape(curve.get('sentence'))}")
    if promoted.get("is_promoted"):
        show(f"champion version {promoted.get('version')}")
    else:
        show(f"champion unchanged: {_escape(promoted.get('reason'))}")


def _print_metrics(evaluated: Mapping[str, Any], console: Console) -> None:
    models = {
        name: _data(_data(evaluated.get(name)).get("metrics"))
        for name in ("test", "champion", "baseline")
        if evaluated.get(name)
    }
    table = Table(box=None, pad_edge=False)
    table.add_column("test metric")
    heads = {"test": "candidate"}
    for name in models:
        table.add_column(heads.get(name, name), justify="right")
    for metric in models.get("test", {}):
        values = (models[name].get(metric) for name in models)
        table.add_row(metric, *(f"{value:.4f}" if value is not None else "–" for value in values))
    console.print(table)


def _print_failure(api: AirflowApi, dag_id: str, run_id: str, console: Console) -> None:
    for task in api.list_tasks(dag_id, run_id):
        if task.get("state") != "failed" or task.get("map_index", -1) >= 0:
            continue
        name = str(task["task_id"])
        console.print(f"[red]{name} failed[/red]; the end of its log:")
        lines = api.get_log(dag_id, run_id, name, int(task.get("try_number") or 1))
        told = [line for line in _after_startup(lines) if line and not line.startswith("::")]
        for line in told[-12:]:
            console.print(f"  {_escape(line)}", soft_wrap=True)


def _after_startup(lines: list[str]) -> list[str]:
    """Leave out what Airflow itself logs before and after a task."""
    start = next((n + 1 for n, line in enumerate(lines) if line.startswith(STARTED)), 0)
    return [line for line in lines[start:] if line not in OF_AIRFLOW]


def _print_urls(
    settings: Settings, api: AirflowApi, ids: tuple[str, str], console: Console
) -> None:
    dag_id, run_id = ids
    show = partial(console.print, soft_wrap=True)
    link = api.get_record(dag_id, run_id, "report") or {}
    show(f"Airflow  {settings.airflow}/dags/{dag_id}/runs/{run_id}")
    url = api.get_link(dag_id, run_id, "ingest")
    show(f"MLflow   {url or settings.mlflow_public}")
    if link.get("uri"):
        show(f"report   {link['uri']}")


def _data(value: Any) -> dict[str, Any]:
    """Unwrap a nested record: Airflow stores each with its class beside its data."""
    if isinstance(value, dict):
        inner = value.get("__data__", value)
        return inner if isinstance(inner, dict) else {}
    return {}


def _escape(value: object) -> str:
    return str(value).replace("[", r"\[")
