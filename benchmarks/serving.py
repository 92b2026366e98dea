"""`gatehouse serve` against `mlflow models serve`, on the same bundle, by some callers at once."""

import os
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import httpx
import pandas as pd
import yaml

from benchmarks.result import Result
from include.features.preprocessor import fit_preprocessor
from include.modeling.networks import build_network
from include.records import RunContext
from include.serving.bundle import write_bundle
from include.settings import Settings
from include.specs import PipelineSpec
from include.stack.environment import build_environment
from include.stack.services import start_mlflow, stop_stack
from include.tracking.aliases import move_champion
from include.tracking.bundles import log_bundle
from include.tracking.registry import fetch_version, register_model
from include.tracking.runs import open_run

# Rows of a request, callers at once, requests of a round.
CASES = ((1, 1, 100), (1, 8, 160), (1, 32, 320), (1_000, 4, 12))
ROW = {"age": 40, "income": 9.5, "married": False, "job": "nurse", "opened": "2024-01-01"}
SPEC = {
    "name": "loans",
    "source": {"kind": "file", "uri": "loans.csv"},
    "target": {"column": "repaid", "task": "classification"},
    "columns": [
        {"name": "age", "kind": "integer", "min": 18, "max": 100},
        {"name": "income", "kind": "number", "nulls": 0.2},
        {"name": "married", "kind": "boolean"},
        {"name": "job", "kind": "category"},
        {"name": "opened", "kind": "datetime"},
        {"name": "repaid", "kind": "category", "values": ["no", "yes"]},
    ],
    "promotion": {"require": {"accuracy": ">= 0.5"}},
}


class Speed(NamedTuple):
    """Requests in a second, and the times in ms that half and 99 of 100 stay within."""

    per_second: float
    p50_ms: float
    p99_ms: float


def measure(tell: Callable[[str], None]) -> list[Result]:
    """Ask both servers in turn, twice; medians."""
    with tempfile.TemporaryDirectory() as folder, serve_both(Path(folder)) as (ours, theirs, row):
        tell("two rounds of each server and size, in turn")
        results = []
        for rows, callers, requests in CASES:
            body = {"dataframe_records": [row] * rows}
            rounds = [
                [ask_many(address, body, callers, requests) for address in (ours, theirs)]
                for _ in range(2)
            ]
            own, other = (_median([each[place] for each in rounds]) for place in (0, 1))
            results.append(_result(rows, callers, own, other))
    return results


def ask_many(address: str, body: dict[str, Any], callers: int, requests: int) -> Speed:
    """Ask by several callers at once."""
    seconds: list[float] = []

    def ask(client: httpx.Client) -> None:
        for _ in range(requests // callers):
            started = time.perf_counter()
            client.post(address, json=body).raise_for_status()
            seconds.append(time.perf_counter() - started)

    with httpx.Client(timeout=120) as client, ThreadPoolExecutor(callers) as pool:
        client.post(address, json=body).raise_for_status()  # compiles for this size
        started = time.perf_counter()
        list(pool.map(ask, [client] * callers))
        total = time.perf_counter() - started
    shares = statistics.quantiles(seconds, n=100)
    return Speed(len(seconds) / total, shares[49] * 1_000, shares[98] * 1_000)


@contextmanager
def serve_both(folder: Path) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Register a small bundle and serve it both ways; gives the addresses and a row."""
    settings = Settings(home=folder / "home", mlflow_port=_free_port())
    started: list[subprocess.Popen[bytes]] = []
    start_mlflow(settings, lambda _: None)
    try:
        model = register_bundle(settings, folder)
        (folder / "pipelines").mkdir()
        (folder / "pipelines/loans.yaml").write_text(yaml.safe_dump(SPEC), encoding="utf-8")
        ports = [str(_free_port()), str(_free_port())]
        commands = [
            ["include.cli", "serve", "loans", "--port", ports[0]],
            [
                *("mlflow", "models", "serve", "--model-uri", str(model), "--workers", "1"),
                *("--env-manager", "local", "--port", ports[1]),
            ],
        ]
        environment = {
            **build_environment(settings),
            "KERAS_BACKEND": "jax",
            "GATEHOUSE_PIPELINES_DIR": str(folder / "pipelines"),
        }
        started.extend(
            subprocess.Popen(
                [sys.executable, "-m", *command],
                env=environment,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                start_new_session=True,
            )
            for command in commands
        )
        addresses = [f"http://127.0.0.1:{port}" for port in ports]
        for address in addresses:
            _wait(f"{address}/ping")
        yield f"{addresses[0]}/invocations", f"{addresses[1]}/invocations", ROW
    finally:
        for process in started:
            os.killpg(process.pid, signal.SIGTERM)
            process.wait()
        stop_stack(settings)


def register_bundle(settings: Settings, folder: Path) -> Path:
    """Make an untrained network champion of `loans`; gives the directory of its files."""
    spec = PipelineSpec.model_validate(SPEC)
    frame = pd.DataFrame([{**ROW, "repaid": name} for name in ("no", "yes") * 32])
    frame = frame.assign(opened=pd.to_datetime(frame["opened"], utc=True), row_id=range(64))
    fitted = fit_preprocessor(spec, lambda: iter([frame]))
    network = folder / "network.keras"
    build_network(spec.model, fitted.schema).save(network)
    place = folder / "bundle"
    preprocessor = fitted.model_dump_json().encode()
    bundle = write_bundle(place, spec=spec, preprocessor=preprocessor, network=network)
    log = open_run(settings, RunContext(pipeline="loans", dag_id="train__loans", run_id="bench"))
    uri = log_bundle(
        log,
        place,
        name="loans",
        columns=bundle.columns,
        schema=bundle.features,
        example=frame,
        golden=b"{}",
        may_warn=bundle.may_warn,
    )
    version = register_model(
        settings, "loans", bundle_uri=uri, run_id=log.run_id, decision=b"{}", tags={}
    )
    move_champion(settings, "loans", version, expected_current=None)
    return fetch_version(settings, "loans", version)


def _wait(address: str, seconds: float = 180) -> None:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        try:
            if httpx.get(address).is_success:
                return
        except httpx.HTTPError:
            time.sleep(0.3)
    raise TimeoutError(address)


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def _median(speeds: list[Speed]) -> Speed:
    return Speed(*(statistics.median(values) for values in zip(*speeds, strict=True)))


def _result(rows: int, callers: int, own: Speed, other: Speed) -> Result:
    figures = [
        f"{each.per_second:.0f}/s, p50 {each.p50_ms:.0f}, p99 {each.p99_ms:.0f} ms"
        for each in (own, other)
    ]
    return Result(
        name=f"serve {rows:,} {'row' if rows == 1 else 'rows'}, {callers} at once",
        ratio=own.per_second / other.per_second,
        bound=1.0,
        is_minimum=True,
        seconds=1 / own.per_second,
        reference_seconds=1 / other.per_second,
        reference="mlflow models serve",
        note=f"{figures[0]} against {figures[1]}",
    )
