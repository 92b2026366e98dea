"""Run a Python snippet in a fresh process and learn its time and peak memory."""

import json
import os
import statistics
import subprocess
import sys
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[1]
MEASURED = """
import json, resource, time
started, cpu = time.perf_counter(), time.process_time()
{code}
print()
print(json.dumps([time.perf_counter() - started,
                  resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
                  time.process_time() - cpu]))
"""


class Measured(NamedTuple):
    """Wall time in seconds, peak resident memory in MB, and CPU time where it was taken."""

    seconds: float
    peak_memory_mb: float
    cpu_seconds: float = 0.0


def measure_snippet(code: str, environment: Mapping[str, str] | None = None) -> Measured:
    """Time a snippet in a process of its own; the interpreter's start is left out."""
    done = subprocess.run(
        [sys.executable, "-c", MEASURED.format(code=code)],
        env={
            **os.environ,
            "PYTHONPATH": str(ROOT),
            "PYTHONDONTWRITEBYTECODE": "",  # as in the stack: byte code is kept
            **(environment or {}),
        },
        cwd=ROOT,
        stdout=subprocess.PIPE,
        check=True,
        text=True,
    )
    return Measured(*json.loads(done.stdout.splitlines()[-1]))


def interleave(
    runs: int,
    *measurements: Callable[[], Measured],
    choose: Callable[[Iterable[float]], float] = statistics.median,
) -> list[Measured]:
    """Take measurements in turn, so that a slow minute hits all alike, and choose one time of each.

    The median is fair to what waits for others. For what only computes, `min` is the better
    choice: whatever a busy machine adds to it is not its own.
    """
    taken = [[measure() for measure in measurements] for _ in range(runs)]
    return [
        Measured(
            choose([row[place].seconds for row in taken]),
            max(row[place].peak_memory_mb for row in taken),
            choose([row[place].cpu_seconds for row in taken]),
        )
        for place in range(len(measurements))
    ]
