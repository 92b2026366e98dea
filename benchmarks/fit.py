"""The `mnist` fit against plain `model.fit` with Keras' defaults, on the same backend and rows.

The images come from the pipeline's source if it is there (`var/data/sources/mnist.npz`, or the
file that GATEHOUSE_BENCH_MNIST names); otherwise from generated ones of the same shape, on which
the times are as good but the accuracy says little.
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

RUNS = 2


def measure(tell: Callable[[str], None]) -> list[Result]:
    """Measure both in turn, each in a process of its own."""
    source = find_images()
    tell(f"images: {source or 'generated'}; {RUNS} runs of each, in turn")
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
        )
    ]


def find_images() -> Path | None:
    """Find MNIST in Keras' layout."""
    named = os.environ.get("GATEHOUSE_BENCH_MNIST")
    sources = Path(load_settings().sources)
    places = [Path(named)] if named else []
    places += [sources / "mnist.npz", sources / "mnist" / "mnist.npz"]
    return next((place for place in places if place.is_file()), None)


def run_fit(which: str, source: Path | None) -> dict[str, Any]:
    """Run one fit in a fresh process and give what it measured of itself."""
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.fit_once", which, str(source or "")],
        env={**os.environ, "KERAS_BACKEND": "jax", "PYTHONPATH": str(ROOT)},
        cwd=ROOT,
        stdout=subprocess.PIPE,
        check=True,
        text=True,
    )
    return dict(json.loads(done.stdout.splitlines()[-1]))
