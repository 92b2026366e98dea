"""A training run on a warm stack against a cold process of the same steps, and a plain script.

All go to the same MLflow server and recompute every table. The stack is the benchmark's own; its
Airflow stands still while a process runs that has no use for it. Against the script, which is
what one would write without this project, a run is timed as a person sees it: from the command to
its end, once where the champion stays and once where the candidate becomes champion.
"""

import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import yaml

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


PLAIN = """
import runpy
runpy.run_module("benchmarks.plain_training", run_name="__main__")
"""
RUNS = 3
FIRST = tuple(f"digits_{number}" for number in range(RUNS))


def measure(tell: Callable[[str], None]) -> list[Result]:
    """Measure three runs of each in turn, after one that warms the stack."""
    with running_stack(tell) as (settings, api):
        trigger_and_wait(settings, api)
        tell("three runs of each, in turn")
        newcomers = iter(FIRST)
        warm, cold, kept, promoted, plain = interleave(
            RUNS,
            lambda: trigger_and_wait(settings, api),
            lambda: measure_suspended(settings, COLD),
            lambda: command_and_wait(settings, "digits", "keep"),
            lambda: command_and_wait(settings, next(newcomers), "promote"),
            lambda: measure_suspended(settings, PLAIN),
        )
    same = "the same steps in one cold Python process"
    script = "a plain script in one cold Python process"
    return [
        compare("train__digits, warm stack", warm, cold, bound=1.0, reference=same),
        compare("gatehouse run, kept", kept, plain, bound=0.55, reference=script),
        compare("gatehouse run, promoted", promoted, plain, bound=0.65, reference=script),
    ]


def compare(name: str, ours: Measured, theirs: Measured, *, bound: float, reference: str) -> Result:
    """Write a ratio of wall times down."""
    return Result(
        name=name,
        ratio=ours.seconds / theirs.seconds,
        bound=bound,
        seconds=ours.seconds,
        reference_seconds=theirs.seconds,
        reference=reference,
        peak_memory_mb=ours.peak_memory_mb,
        note=f"reference peaks at {theirs.peak_memory_mb:.0f} MB",
    )


def write_pipelines(directory: Path) -> None:
    """Write `digits`, and its twins that have no champion yet, with the epochs of the script."""
    text = (ROOT / "include" / "pipelines" / "digits.yaml").read_text(encoding="utf-8")
    for name in ("digits", *FIRST):
        document = yaml.safe_load(text) | {"name": name, "schedule": None}
        document["training"]["epochs"] = 10
        (directory / f"{name}.yaml").write_text(yaml.safe_dump(document), encoding="utf-8")


@contextmanager
def running_stack(tell: Callable[[str], None]) -> Iterator[tuple[Settings, AirflowApi]]:
    """Start a stack that shares nothing with any other, and stop it at the end."""
    with tempfile.TemporaryDirectory() as home:
        pipelines = Path(home) / "pipelines"
        pipelines.mkdir()
        write_pipelines(pipelines)
        settings = Settings(
            home=Path(home),
            pipelines_dir=pipelines,
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


def command_and_wait(settings: Settings, pipeline: str, verdict: str) -> Measured:
    """Run a pipeline by the command line, from its start to its end."""
    started = time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-m", "include.cli", "run", pipeline, "--force"],
        env={**build_environment(settings), "COLUMNS": "200"},
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    seconds = time.perf_counter() - started
    if done.returncode or f"verdict  {verdict}" not in done.stdout:
        raise RuntimeError(f"{pipeline} must end with {verdict}. Received: {done.stdout[-2_000:]}")
    return Measured(seconds, task_memory_mb(settings))


def measure_suspended(settings: Settings, code: str) -> Measured:
    """Measure a process while Airflow is suspended."""
    names = ("scheduler", "api-server", "dag-processor", "triggerer")
    found = [find_process(settings, name) for name in names]
    groups = [process.pid for process in found if process is not None]
    for group in groups:
        os.killpg(group, signal.SIGSTOP)
    try:
        places = {"MLFLOW_TRACKING_URI": settings.mlflow}
        return measure_snippet(code, {**build_environment(settings), **places})
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
