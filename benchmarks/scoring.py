"""Scoring a million Adult-like rows, against an in-memory script; peak memory up to five million.

Ours runs the tasks of a scoring run in one process, one after the other: the CSV file is read by
the contract, what breaks it goes to quarantine, the rest is predicted in shards, predictions are
checked and written as Parquet, all logged to MLflow. The script reads the same file with pandas,
encodes it with scikit-learn, calls `model.predict` and writes Parquet. Imports are not counted.
Each is run twice, in turn, and the shorter time taken.
"""

import tempfile
from collections.abc import Callable
from pathlib import Path

from benchmarks.adult_like import write_rows
from benchmarks.data_plane import mlflow_server, run_step_script
from benchmarks.result import Result
from include.stack.environment import build_environment

ROWS, MANY_ROWS = 1_000_000, 5_000_000
TOO_OLD = 0.001
MAX_RATIO, MAX_MB, FLAT = 1.3, 1_000.0, 1.15


def measure(tell: Callable[[str], None]) -> list[Result]:
    """Make a champion and its script, then score with both."""
    with tempfile.TemporaryDirectory() as home, mlflow_server(Path(home), tell) as settings:
        environment, sources = build_environment(settings), Path(settings.sources)
        tell("training a champion")
        run_step_script(["benchmarks.scoring_step", "make"], environment)
        script = ["benchmarks.scoring_script", "fit", home, str(sources / "adult-train.csv")]
        run_step_script(script, {})
        files = {name: sources / "incoming" / "adult" / f"{name}.csv" for name in "abc"}
        for (name, file), rows in zip(files.items(), (ROWS, ROWS, MANY_ROWS), strict=True):
            write_rows(file, rows, seed=ord(name), too_old=TOO_OLD)
        ours, theirs = [], []
        for name in "ab":
            ours.append(run_step_script(["benchmarks.scoring_step", f"{name}.csv"], environment))
            script = ["benchmarks.scoring_script", "score", home, str(files[name])]
            theirs.append(run_step_script(script, {}))
            tell(f"{ROWS:,} rows: {ours[-1].seconds:.1f} s, script {theirs[-1].seconds:.1f} s")
        many = run_step_script(["benchmarks.scoring_step", "c.csv"], environment)
    own, other = min(ours), min(theirs)
    times = {"seconds": own.seconds, "reference_seconds": other.seconds}
    larger = {"seconds": many.seconds, "reference_seconds": own.seconds}
    return [
        Result(
            name="score 1 M Adult-like rows",
            ratio=own.seconds / other.seconds,
            bound=MAX_RATIO,
            peak_memory_mb=own.peak_memory_mb,
            reference="pandas, scikit-learn and model.predict, in memory",
            note=f"CPU {own.cpu_seconds:.1f} against {other.cpu_seconds:.1f} s; "
            f"the script peaks at {other.peak_memory_mb:,.0f} MB",
            **times,
        ),
        Result(
            name="score 5 M rows: peak memory against 1 GB",
            ratio=many.peak_memory_mb / MAX_MB,
            bound=1.0,
            peak_memory_mb=many.peak_memory_mb,
            reference=f"{MAX_MB:,.0f} MB",
            **larger,
        ),
        Result(
            name="score 5 M rows: peak memory against that of 1 M",
            ratio=many.peak_memory_mb / own.peak_memory_mb,
            bound=FLAT,
            peak_memory_mb=many.peak_memory_mb,
            reference=f"{own.peak_memory_mb:,.0f} MB",
            **larger,
        ),
    ]
