"""Evaluation, importance and explanations of a million test rows: time and peak memory.

The tables are those of `data_plane`, with nine in ten rows for the test. `evaluate` runs as one
step in a process of its own: it measures all test rows, holds the candidate against the trivial
guesses and gradient boosting, ranks the columns, explains rows and logs the model. Imports are not
counted.
"""

import tempfile
from collections.abc import Callable
from pathlib import Path

from benchmarks.data_plane import mlflow_server, run_step_script
from benchmarks.generated_table import write_table
from benchmarks.result import Result
from include.stack.environment import build_environment

TEST_ROWS = 1_000_000
ROWS = 1_120_000
MAX_SECONDS, MAX_MB = 60.0, 1_500.0


def measure(tell: Callable[[str], None]) -> list[Result]:
    """Prepare and train, then evaluate in a process of its own."""
    with tempfile.TemporaryDirectory() as home, mlflow_server(Path(home), tell) as settings:
        environment = build_environment(settings)
        write_table(Path(settings.sources) / f"rows_{ROWS}", ROWS)
        for what in ("prepare", "evaluate"):
            tell(f"{what} of {ROWS:,} rows")
            arguments = ["benchmarks.explaining_step", what, str(ROWS)]
            taken = run_step_script(arguments, environment)
    shared = {"bound": 1.0, "seconds": taken.seconds, "peak_memory_mb": taken.peak_memory_mb}
    name = f"evaluate and explain {TEST_ROWS // 1_000_000} M test rows"
    return [
        Result(
            name=f"{name}: against a minute",
            ratio=taken.seconds / MAX_SECONDS,
            reference_seconds=MAX_SECONDS,
            reference="a minute",
            note=f"CPU {taken.cpu_seconds:.1f} s",
            **shared,
        ),
        Result(
            name=f"{name}: peak memory against {MAX_MB:,.0f} MB",
            ratio=taken.peak_memory_mb / MAX_MB,
            reference_seconds=MAX_SECONDS,
            reference=f"{MAX_MB:,.0f} MB",
            **shared,
        ),
    ]
