"""Ingest, validate and prepare on generated tables of 18 columns, up to 5 million rows.

The tables hold 15 standard normal float32 columns, one category of 8 letters, one 0/1 column and
one unique integer. Each step runs in a process of its own, so that its peak memory is its own; its
time is that of the step without imports.

What is compared:

* Growth: each step at 5 million rows against itself at 1 million, in time and in peak memory.
* Memory: each step's peak at 5 million rows against 1.5 GB.
* Scripts: `ingest` and `prepare` together against the same work as a user would write it, with
  pandas and scikit-learn, and with DuckDB, in memory; and the ingest of one CSV file of 1 million
  rows against reading it and writing Parquet. Ours checks, counts and sets aside besides. Up to 1
  million rows each is run twice, in turn, and the shorter time taken: what a busy machine adds is
  nobody's own.
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
from typing import NamedTuple

from benchmarks.generated_table import write_csv, write_table
from benchmarks.result import Result
from benchmarks.timing import ROOT
from benchmarks.training_run import free_port
from include.settings import Settings
from include.stack.environment import build_environment
from include.stack.services import start_mlflow, stop_stack

SIZES = (100_000, 1_000_000, 5_000_000)
STEPS = ("ingest", "validate", "prepare")
# What five million rows may take.
MEMORY_MB = 1_500
# What a user would write instead, in memory; the share of its time that ours may take. DuckDB's is
# an aim: the figure says how far off it is.
SCRIPTS: dict[str, dict[int, float | None]] = {
    "pandas": {1_000_000: 0.6, 5_000_000: 0.3},
    "duckdb": {1_000_000: None, 5_000_000: None},
}
DUCKDB_AIM = 1.5


class Taken(NamedTuple):
    """Wall time, peak resident memory and CPU time of one process."""

    seconds: float
    peak_memory_mb: float
    cpu_seconds: float


def measure(tell: Callable[[str], None]) -> list[Result]:
    """Measure every step at every size, then the pandas engine once at a million rows."""
    with tempfile.TemporaryDirectory() as home, mlflow_server(Path(home), tell) as settings:
        environment = build_environment(settings)
        taken: dict[tuple[str, int], Taken] = {}
        for rows in SIZES:
            folder = Path(settings.sources) / f"rows_{rows}"
            write_table(folder, rows)
            for _ in range(2 if rows <= SIZES[1] else 1):
                for step in STEPS:
                    keep(taken, step, rows, run_once(step, rows, environment), tell)
                for script in SCRIPTS if rows in SCRIPTS["pandas"] else ():
                    keep(taken, script, rows, run_script(script, folder), tell)
        csv = Path(settings.sources) / "rows.csv"
        write_csv(Path(settings.sources) / f"rows_{SIZES[1]}", csv)
        for _ in range(2):
            keep(taken, "csv", SIZES[1], run_once("csv", SIZES[1], environment), tell)
            for name in SCRIPTS:
                keep(taken, f"csv_{name}", SIZES[1], run_script(f"csv_{name}", csv), tell)
        from_csv = taken["csv", SIZES[1]]
        by_script = {name: taken[f"csv_{name}", SIZES[1]] for name in SCRIPTS}
        sql = taken["validate", SIZES[1]]
        as_generated = run_once("pandas_float32", SIZES[1], environment)
        as_stored = run_once("pandas_float64", SIZES[1], environment)
    return [
        *compare_sizes(taken),
        *compare_scripts(taken),
        compare("one CSV of 1 M rows to Parquet", from_csv, by_script["pandas"], "pandas", None),
        compare("one CSV of 1 M rows to Parquet", from_csv, by_script["duckdb"], "DuckDB", 2.0),
        compare_engines(sql, as_generated, "float32, as generated", bound=5.0),
        compare_engines(sql, as_stored, "float64, as stored", bound=None),
    ]


def keep(
    taken: dict[tuple[str, int], Taken],
    what: str,
    rows: int,
    new: Taken,
    tell: Callable[[str], None],
) -> None:
    """Note what was measured, or keep a shorter time from before."""
    tell(f"{what}, {rows:,} rows: {new.seconds:.2f} s, peak {new.peak_memory_mb:.0f} MB")
    taken[what, rows] = min(new, taken.get((what, rows), new))


def compare_sizes(taken: dict[tuple[str, int], Taken]) -> Iterator[Result]:
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


def compare_scripts(taken: dict[tuple[str, int], Taken]) -> Iterator[Result]:
    """Say what `ingest` and `prepare` take of the time of the script a user would write."""
    for script, bounds in SCRIPTS.items():
        for rows, bound in bounds.items():
            ingest, prepare = taken["ingest", rows], taken["prepare", rows]
            ours = Taken(
                ingest.seconds + prepare.seconds,
                max(ingest.peak_memory_mb, prepare.peak_memory_mb),
                ingest.cpu_seconds + prepare.cpu_seconds,
            )
            name = f"ingest + prepare of {rows // 1_000_000} M rows"
            yield compare(name, ours, taken[script, rows], script, bound)


def say_aim(tool: str, bound: float | None) -> str:
    """Say what is aimed at where nothing is bounded."""
    return f"aim ≤ {DUCKDB_AIM}; " if tool == "duckdb" and bound is None else ""


def compare(name: str, ours: Taken, script: Taken, tool: str, bound: float | None) -> Result:
    """Compare with a script that does the same work in memory."""
    return Result(
        name=f"{name}: against a {tool} script",
        ratio=ours.seconds / script.seconds,
        bound=bound,
        seconds=ours.seconds,
        reference_seconds=script.seconds,
        reference=f"{tool}, in memory",
        peak_memory_mb=ours.peak_memory_mb,
        note=f"{say_aim(tool, bound)}CPU {ours.cpu_seconds:.1f} against "
        f"{script.cpu_seconds:.1f} s; the script peaks at {script.peak_memory_mb:.0f} MB",
    )


def compare_engines(sql: Taken, pandas: Taken, columns: str, bound: float | None) -> Result:
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


def run_once(what: str, rows: int, environment: dict[str, str]) -> Taken:
    """Run one step in a fresh process and give what it measured of itself."""
    return run_step_script(["benchmarks.data_plane_step", what, str(rows)], environment)


def run_script(script: str, source: Path) -> Taken:
    """Run a script of `data_plane_scripts.py` on a source, and throw away what it stores."""
    with tempfile.TemporaryDirectory() as target:
        return run_step_script(["benchmarks.data_plane_scripts", script, str(source), target], {})


def run_step_script(arguments: list[str], environment: dict[str, str]) -> Taken:
    """Run a module in a fresh process and give what it measured of itself."""
    done = subprocess.run(
        [sys.executable, "-m", *arguments],
        env={**os.environ, **environment},
        cwd=ROOT,
        capture_output=True,
        check=False,
        text=True,
    )
    if done.returncode != 0:
        raise RuntimeError(f"{arguments} must run. Received:\n{done.stderr[-2000:]}")
    return Taken(*json.loads(done.stdout.splitlines()[-1]))


@contextmanager
def mlflow_server(home: Path, tell: Callable[[str], None]) -> Iterator[Settings]:
    """Start an MLflow server that shares nothing with any other."""
    settings = Settings(home=home, mlflow_port=free_port(), airflow_port=free_port())
    try:
        start_mlflow(settings, tell)
        yield settings
    finally:
        stop_stack(settings)
