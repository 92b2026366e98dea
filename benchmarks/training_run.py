"""A warm `train__digits`, from REST trigger to success, against the same steps in one cold process.

Both go to the same MLflow server and recompute every table. The stack is the benchmark's own; its
Airflow stands still while the cold process runs, which has no use for it.
"""

import os
import signal
import socket
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil

from benchmarks.result import Result
from benchmarks.timing import ROOT, Measured, interleave, measure_snippet
from include.settings import Settings
from include.stack.airflow_api import AirflowApi
from include.stack.environment import build_environment
from include.stack.services import find_process, start_stack, stop_stack

COLD = """
from benchmarks.cold_training import train_once
train_once("digits")
"""


def measure(tell: Callable[[str], None]) -> list[Result]:
    """Measure three runs of each in turn, after one that warms the stack."""
    with running_stack(tell) as (settings, api):
        trigger_and_wait(settings, api)
        tell("three runs of each, in turn")
        warm, cold = interleave(
            3,
            lambda: trigger_and_wait(settings, api),
            lambda: measure_cold(settings),
        )
    return [
        Result(
            name="train__digits, warm stack",
            ratio=warm.seconds / cold.seconds,
            bound=1.0,
            seconds=warm.seconds,
            reference_seconds=cold.seconds,
            reference="the same steps in one cold Python process",
            peak_memory_mb=warm.peak_memory_mb,
            note=f"cold process peaks at {cold.peak_memory_mb:.0f} MB",
        )
    ]


@contextmanager
def running_stack(tell: Callable[[str], None]) -> Iterator[tuple[Settings, AirflowApi]]:
    """Start a stack that shares nothing with any other, and stop it at the end."""
    with tempfile.TemporaryDirectory() as home:
        settings = Settings(
            home=Path(home),
            pipelines_dir=ROOT / "include" / "pipelines",
            airflow_port=free_port(),
            mlflow_port=free_port(),
        )
        try:
            start_stack(settings, tell)
            with AirflowApi(settings) as api:
                while api.get_dag("train__digits") is None:
                    time.sleep(0.5)
                api.unpause("train__digits")
                yield settings, api
        finally:
            stop_stack(settings)


def measure_cold(settings: Settings) -> Measured:
    """Measure the cold process while Airflow is suspended."""
    names = ("scheduler", "api-server", "dag-processor", "triggerer")
    found = [find_process(settings, name) for name in names]
    groups = [process.pid for process in found if process is not None]
    for group in groups:
        os.killpg(group, signal.SIGSTOP)
    try:
        return measure_snippet(COLD, build_environment(settings))
    finally:
        for group in groups:
            os.killpg(group, signal.SIGCONT)


def trigger_and_wait(settings: Settings, api: AirflowApi) -> Measured:
    """Trigger one run and wait for its success; memory is that of the scheduler and its tasks."""
    started, peak = time.perf_counter(), 0.0
    run_id = api.trigger("train__digits", {"force": True})
    state, looks = "", 0
    while state not in {"success", "failed"}:
        time.sleep(0.1)
        state, looks = str(api.get_run("train__digits", run_id).get("state")), looks + 1
        # A walk through all processes is not free.
        if looks % 10 == 0:
            peak = max(peak, task_memory_mb(settings))
    if state != "success":
        raise RuntimeError(f"train__digits must succeed. Received: {state}.")
    return Measured(time.perf_counter() - started, peak)


def task_memory_mb(settings: Settings) -> float:
    """Largest resident memory among the processes forked by the scheduler, in MB."""
    scheduler = find_process(settings, "scheduler")
    sizes = [0]
    for child in scheduler.children(recursive=True) if scheduler else []:
        try:
            sizes.append(child.memory_info().rss)
        except psutil.Error:
            continue
    return max(sizes) / 1e6


def free_port() -> int:
    """Give a port that nobody listens on now."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])
