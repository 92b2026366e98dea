"""Trigger a training run, show it live, and say how it ended."""

import hashlib
import json
import socket
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any, Final

from rich.console import Console
from rich.live import Live
from rich.markdown import Markdown

from include.errors import GatehouseError, InfrastructureError, SpecError
from include.settings import Settings
from include.specs.pipeline import PipelineSpec
from include.stack.airflow_api import ENDED, AirflowApi
from include.stack.environment import SHARED_ENVIRONMENT, read_env_file
from include.stack.run_progress import (
    describe_beat,
    draw_tasks,
    find_dead_task,
    merge_mapped,
    read_progress,
)
from include.stack.run_result import (
    TOLD,
    has_verdict,
    print_addresses,
    print_failure,
    print_result,
    read_records,
    run_url,
)

POLL_SECONDS: Final = 0.25
# Once its last tasks are under way, a run is about to end.
LAST_TASKS: Final = ("report", "close_run")
END_POLL_SECONDS: Final = 0.1
# Listing tasks keeps the API server twice as busy as a run's state, and tasks wait for it, too.
TASKS_SECONDS: Final = 1.0
DAG_SECONDS: Final = 90
# A run leaves the queue within a second or two, unless another one is under way.
QUEUE_SECONDS: Final = 10
MAX_MISSES: Final = 60
# Where there is no terminal to draw on, such as in the log of a CI job.
BEAT_SECONDS: Final = 30


@dataclass(frozen=True)
class _Run:
    """A triggered run and where it is."""

    settings: Settings
    api: AirflowApi
    spec: PipelineSpec
    dag_id: str
    run_id: str

    @property
    def url(self) -> str:
        return run_url(self.settings, self.dag_id, self.run_id)


def follow_training_run(
    settings: Settings,
    spec: PipelineSpec,
    conf: Mapping[str, Any],
    console: Console,
    *,
    wait: bool = True,
) -> bool:
    """Trigger the training of a pipeline and follow it to its end.

    A run that the same parameters started in the same minute is joined, not doubled.

    Args:
        settings: Where Airflow and MLflow are.
        spec: The pipeline.
        conf: Parameters of the run.
        console: Where it shows.
        wait: Whether to follow it; without, its address is all that shows.

    Returns:
        Whether the run succeeded, with a verdict; without waiting, true.
    """
    with AirflowApi(settings) as api:
        run = _start(settings, api, spec, conf, console)
        if wait:
            return _follow(run, console)
        console.print(f"Airflow  {run.url}", soft_wrap=True)
        return True


def build_run_id(conf: Mapping[str, Any], at: datetime) -> str:
    """Name a run by its minute and its parameters: the same twice at a time is one run.

    Example:
        >>> build_run_id({"epochs": 3}, datetime(2026, 7, 28, 14, 5, tzinfo=UTC))
        'manual__2026-07-28T14:05Z__543da7ab'
    """
    text = json.dumps(dict(conf), sort_keys=True, default=str)
    digest = hashlib.sha256(text.encode()).hexdigest()[:8]
    return f"manual__{at.astimezone(UTC):%Y-%m-%dT%H:%MZ}__{digest}"


def _start(
    settings: Settings,
    api: AirflowApi,
    spec: PipelineSpec,
    conf: Mapping[str, Any],
    console: Console,
) -> _Run:
    dag_id = f"train__{spec.name}"
    if _wait_for_dag(api, dag_id).get("is_paused", True):
        api.unpause(dag_id)
    run_id, is_new = api.trigger_once(dag_id, conf, build_run_id(conf, datetime.now(UTC)))
    if is_new:
        console.print(f"triggered {dag_id}, run {run_id}", soft_wrap=True)
    else:
        console.print(
            f"{dag_id} was triggered with the same parameters in this minute and is under way, "
            f"run {run_id}; for a run of its own, wait a minute or give another --note",
            soft_wrap=True,
        )
    return _Run(settings, api, spec, dag_id, run_id)


def _follow(run: _Run, console: Console) -> bool:
    started = time.monotonic()
    state = _watch(run, console)
    names = TOLD if state == "success" else ("report",)
    records = read_records(run.api, run.dag_id, run.run_id, names)
    is_good = state == "success" and has_verdict(records)
    how = state if is_good or state != "success" else "without a verdict, marked success by hand,"
    console.print(f"{run.dag_id} ended {how} after {time.monotonic() - started:.0f} s")
    if is_good:
        print_result(records, console)
    else:
        print_failure(run.api, run.dag_id, run.run_id, console)
    report = str(records["report"].get("uri") or "")
    print_addresses(run.settings, run.api, (run.dag_id, run.run_id), report, console)
    return is_good


def _wait_for_dag(api: AirflowApi, dag_id: str) -> dict[str, Any]:
    deadline = time.monotonic() + DAG_SECONDS
    while (found := api.get_dag(dag_id)) is None:
        if time.monotonic() > deadline:
            errors = [str(error.get("stack_trace", "")) for error in api.list_import_errors()]
            raise SpecError(
                f"Airflow must load {dag_id} within {DAG_SECONDS} s. Received: no such DAG. "
                + ("Its import errors:\n" + "\n".join(errors) if errors else "Run `make down up`.")
            )
        time.sleep(POLL_SECONDS)
    return found


def _watch(run: _Run, console: Console) -> str:
    told: set[str] = set()
    tasks: dict[str, Mapping[str, Any]] = {}
    started = next_look = time.monotonic()
    next_beat = started + BEAT_SECONDS
    say = partial(console.print, soft_wrap=True)
    with Live(console=console, refresh_per_second=4, transient=not console.is_terminal) as live:
        while True:
            state, found = _look(run, with_tasks=time.monotonic() >= next_look)
            if found is not None:
                tasks, next_look = found, time.monotonic() + TASKS_SECONDS
                progress = read_progress(run.api, run.dag_id, run.run_id, tasks)
                live.update(draw_tasks(tasks, progress))
            notices = set(_find_notices(run, state, tasks, time.monotonic() - started))
            for notice in notices - told:
                if _is_asking(tasks):
                    question = run.api.get_question(run.dag_id, run.run_id, "approve")
                    console.print(Markdown(question, hyperlinks=False))
                say(notice)
            # What no longer holds is forgotten: a question that is asked again is told again.
            told = notices
            if not console.is_terminal and time.monotonic() >= next_beat:
                next_beat += BEAT_SECONDS
                say(describe_beat(tasks, state, time.monotonic() - started))
            if state in ENDED:
                break
            is_ending = any(tasks.get(name, {}).get("start_date") for name in LAST_TASKS)
            time.sleep(END_POLL_SECONDS if is_ending else POLL_SECONDS)
    if not console.is_terminal:
        console.print(draw_tasks(tasks, None))
    return state


def _look(run: _Run, *, with_tasks: bool) -> tuple[str, dict[str, Mapping[str, Any]] | None]:
    """Read the state of a run, and its tasks if they are wanted or the run has ended.

    The API server may be busy or restarting; the run does not depend on us, so we look again.
    """
    for left in reversed(range(MAX_MISSES + 1)):
        try:
            entry = run.api.get_run(run.dag_id, run.run_id)
            is_due = with_tasks or entry.get("state") in ENDED
            tasks = merge_mapped(run.api.list_tasks(run.dag_id, run.run_id)) if is_due else None
            break
        except InfrastructureError:
            if not left:
                raise
            time.sleep(4 * POLL_SECONDS)
    if not entry:
        raise GatehouseError(
            f"run {run.run_id} of {run.dag_id} must be there to be watched. Received: it is gone; "
            "somebody deleted it. Trigger it again."
        )
    return str(entry.get("state")), tasks


def _find_notices(
    run: _Run, state: str, tasks: Mapping[str, Mapping[str, Any]], seconds: float
) -> Iterator[str]:
    """Say what keeps a run waiting, as far as a person can change it."""
    states = {str(task.get("state")) for task in tasks.values()}
    if (state == "queued" or "up_for_reschedule" in states) and seconds > QUEUE_SECONDS:
        yield _describe_run_ahead(run)
    if _is_asking(tasks):
        until = _read_deadline(run.spec, tasks["approve"])
        yield (
            f"{run.dag_id} waits for your answer until {until}; "
            f"without one the champion stays.\n"
            f"Answer at {run.url}/tasks/approve/required_actions\n"
            "Ctrl-C ends this display only; the run goes on waiting."
        )


def _is_asking(tasks: Mapping[str, Mapping[str, Any]]) -> bool:
    return tasks.get("approve", {}).get("state") == "awaiting_input"


def _describe_run_ahead(run: _Run) -> str:
    """Say which run is under way, and if it is dead, until when it seems to live."""
    address = f"{run.settings.airflow}/dags/{run.dag_id}/runs"
    for ahead in run.api.list_runs(run.dag_id, "running"):
        tasks = run.api.list_tasks(run.dag_id, str(ahead["dag_run_id"]))
        dead = find_dead_task(tasks, socket.getfqdn())
        if dead is not None:
            return (
                f"{run.dag_id} works once at a time, and run {ahead['dag_run_id']} is dead: the "
                f"process of its task {dead['task_id']} is gone. Airflow finds out at the latest "
                f"{_heartbeat_timeout()} s after that, tries the task again, and this run follows: "
                f"{address}/{ahead['dag_run_id']}"
            )
    return f"{run.dag_id} works once at a time, and another run is under way: {address}"


def _heartbeat_timeout() -> str:
    return read_env_file(SHARED_ENVIRONMENT)["AIRFLOW__SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT"]


def _read_deadline(spec: PipelineSpec, approve: Mapping[str, Any]) -> str:
    asked = datetime.fromisoformat(str(approve["start_date"]))
    until = (asked + timedelta(hours=spec.promotion.approval_hours)).astimezone()
    return f"{until:%Y-%m-%d %H:%M %Z}"
