"""Ingest, validate and prepare on generated tables of 18 columns, up to 5 million rows.

The tables hold 15 standard normal float32 columns, one category of 8 letters, one 0/1 column and
one unique integer. Each step runs in a process of its own, so that its peak memory is its own; its
time is that of the step without imports.

What is compared:

* Growth: each step at 5 million rows against itself at 1 million, in time and in peak memory.
* Memory: each step's peak at 5 million rows against 1.5 GB.
* Engines, at 1 million rows: the whole step `validate` (it reads the Parquet files, runs the
  training suite in SQL, hands the table on, writes its report and logs to MLflow) against the same
  suite on the same raw table on Great Expectations' pandas engine (it reads the same files into a
  frame and checks them). Both include reading; what the step does besides counts against it. The
  pandas engine is measured on float32, as the tables are generated, which is what the claim is
  about, and on float64, as they are stored, for information: it compares the former value by value
  and the latter at once. The cast to float32 is not counted.
"""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from benchmarks.result import Result
from benchmarks.timing import ROOT, Measured
from benchmarks.training_run import free_port
from include.settings import Settings
from include.stack.environment import build_environment
from include.stack.services import start_mlflow, stop_stack

SIZES = (100_000, 1_000_000, 5_000_000)
STEPS = ("ingest", "validate", "prepare")
PART_ROWS = 250_000
# What five million rows may take.
MEMORY_MB = 1_500
FLOATS = [f"x{number}" for number in range(15)]


def measure(tell: Callable[[str], None]) -> list[Result]:
    """Measure every step at every size, then the pandas engine once at a million rows."""
    with tempfile.TemporaryDirectory() as home, mlflow_server(Path(home), tell) as settings:
        environment = build_environment(settings)
        taken: dict[tuple[str, int], Measured] = {}
        for rows in SIZES:
            write_table(Path(settings.sources) / f"rows_{rows}", rows)
            for step in STEPS:
                taken[step, rows] = run_once(step, rows, environment)
                seconds, peak = taken[step, rows]
                tell(f"{step} of {rows:,} rows: {seconds:.1f} s, peak {peak:.0f} MB")
        sql = taken["validate", SIZES[1]]
        as_generated = run_once("pandas_float32", SIZES[1], environment)
        as_stored = run_once("pandas_float64", SIZES[1], environment)
    return [
        *compare_sizes(taken),
        compare_engines(sql, as_generated, "float32, as generated", bound=5.0),
        compare_engines(sql, as_stored, "float64, as stored", bound=None),
    ]


def compare_sizes(taken: dict[tuple[str, int], Measured]) -> Iterator[Result]:
    """Say how time and memory grow from one to five million rows, and what memory that takes."""
    for step in STEPS:
        small, large = taken[step, SIZES[1]], taken[step, SIZES[2]]
        yield Result(
            name=f"{step}: time, 5 M against 1 M rows",
            ratio=large.seconds / small.seconds,
            bound=5.5,
            seconds=large.seconds,
            reference_seconds=small.seconds,
            reference="1 M rows",
            peak_memory_mb=large.peak_memory_mb,
        )
        yield Result(
            name=f"{step}: peak memory, 5 M against 1 M rows",
            ratio=large.peak_memory_mb / small.peak_memory_mb,
            bound=1.5,
            seconds=large.seconds,
            reference_seconds=small.seconds,
            reference=f"{small.peak_memory_mb:.0f} MB",
            peak_memory_mb=large.peak_memory_mb,
        )
        yield Result(
            name=f"{step}: peak memory, 5 M rows against {MEMORY_MB:,} MB",
            ratio=large.peak_memory_mb / MEMORY_MB,
            bound=1.0,
            seconds=large.seconds,
            reference_seconds=small.seconds,
            reference=f"{MEMORY_MB:,} MB",
            peak_memory_mb=large.peak_memory_mb,
        )


def compare_engines(sql: Measured, pandas: Measured, columns: str, bound: float | None) -> Result:
    """Say how much faster the rules run in SQL."""
    return Result(
        name=f"validate 1 M rows: pandas engine ({columns}) against the step",
        ratio=pandas.seconds / sql.seconds,
        bound=bound,
        is_minimum=True,
        seconds=sql.seconds,
        reference_seconds=pandas.seconds,
        reference="the same rules and files on Great Expectations' pandas engine",
        peak_memory_mb=sql.peak_memory_mb,
        note=f"pandas peaks at {pandas.peak_memory_mb:.0f} MB",
    )


def write_table(folder: Path, rows: int) -> None:
    """Write the generated table as Parquet parts: 15 normal floats, a letter, a flag, an id."""
    folder.mkdir(parents=True)
    for part, start in enumerate(range(0, rows, PART_ROWS)):
        count = min(PART_ROWS, rows - start)
        random = np.random.default_rng(part)
        columns = {name: random.standard_normal(count, dtype=np.float32) for name in FLOATS}
        noise = random.standard_normal(count, dtype=np.float32)
        table = pa.table(
            {
                **columns,
                "letter": random.choice(list("abcdefgh"), count),
                "flag": (columns["x0"] + noise > 0).astype("int64"),
                "id": np.arange(start, start + count),
            }
        )
        pq.write_table(table, folder / f"part-{part:05d}.parquet")


def run_once(what: str, rows: int, environment: dict[str, str]) -> Measured:
    """Run one step in a fresh process and give what it measured of itself."""
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.data_plane_step", what, str(rows)],
        env={**os.environ, **environment},
        cwd=ROOT,
        capture_output=True,
        check=False,
        text=True,
    )
    if done.returncode != 0:
        raise RuntimeError(f"{what} of {rows} rows must run. Received:\n{done.stderr[-2000:]}")
    return Measured(*json.loads(done.stdout.splitlines()[-1]))


@contextmanager
def mlflow_server(home: Path, tell: Callable[[str], None]) -> Iterator[Settings]:
    """Start an MLflow server that shares nothing with any other."""
    settings = Settings(home=home, mlflow_port=free_port(), airflow_port=free_port())
    try:
        start_mlflow(settings, tell)
        yield settings
    finally:
        stop_stack(settings)
