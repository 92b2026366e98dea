"""The `mnist` fit against plain `model.fit` with Keras' defaults, on the same backend and rows.

The images are MNIST's: `var/data/sources/mnist.npz`, where `make run PIPELINE=mnist SOURCE=…` puts
them, or the file that GATEHOUSE_BENCH_MNIST names.
"""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.result import Result
from benchmarks.timing import ROOT
from include.settings import load_settings

RUNS = 3
# Two fits of the same network from other shuffles differ by about this much.
ACCURACY_TOLERANCE = 0.005


def measure(tell: Callable[[str], None]) -> list[Result]:
    """Measure both in turn, each in a process of its own."""
    source = find_images()
    tell(f"{RUNS} runs of each, in turn")
    rows = [(run_fit("ours", source), run_fit("plain", source)) for _ in range(RUNS)]
    ours, plain = ([row[place] for row in rows] for place in (0, 1))
    seconds, reference = (median(each["seconds"] for each in some) for some in (ours, plain))
    accuracy = median(each["accuracy"] for each in ours)
    theirs = median(each["accuracy"] for each in plain)
    return [
        Result(
            name="fit of mnist, 5 epochs",
            ratio=seconds / reference,
            bound=0.75,
            seconds=seconds,
            reference_seconds=reference,
            reference="model.fit with Keras' defaults",
            peak_memory_mb=max(each["peak_memory_mb"] for each in ours),
            note=f"test accuracy {accuracy:.4f} against {theirs:.4f}; "
            f"plain peaks at {max(each['peak_memory_mb'] for each in plain):.0f} MB",
        ),
        Result(
            name="test accuracy of that fit",
            ratio=accuracy / theirs,
            bound=1 - ACCURACY_TOLERANCE,
            is_minimum=True,
            seconds=seconds,
            reference_seconds=reference,
            reference="model.fit with Keras' defaults",
        ),
    ]


def find_images() -> Path:
    """Find MNIST in Keras' layout.

    Raises:
        FileNotFoundError: It is nowhere.
    """
    named = os.environ.get("GATEHOUSE_BENCH_MNIST")
    sources = Path(load_settings().sources)
    places = [Path(named)] if named else []
    places += [sources / "mnist.npz", sources / "mnist" / "mnist.npz"]
    found = next((place for place in places if place.is_file()), None)
    if found is None:
        raise FileNotFoundError(
            f"expected MNIST in Keras' layout at one of {[str(place) for place in places]}. "
            "Received: no such file. Name one: GATEHOUSE_BENCH_MNIST=path/to/mnist.npz make bench"
        )
    return found


def run_fit(which: str, source: Path) -> dict[str, Any]:
    """Run one fit in a fresh process and give what it measured of itself."""
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.fit_once", which, str(source)],
        env={**os.environ, "KERAS_BACKEND": "jax", "PYTHONPATH": str(ROOT)},
        cwd=ROOT,
        stdout=subprocess.PIPE,
        check=True,
        text=True,
    )
    return dict(json.loads(done.stdout.splitlines()[-1]))
