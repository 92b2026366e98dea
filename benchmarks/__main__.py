"""Measure: `python -m benchmarks [name …]`; prints a table and writes JSON.

Exit code 1 if a ratio breaks its bound.
"""

import importlib
import json
import platform
import sys
from datetime import UTC, datetime
from pathlib import Path

import psutil
from rich.console import Console
from rich.table import Table

from benchmarks.result import Result

BENCHMARKS = (
    *("parsing", "fit", "data_plane", "judgement", "explaining", "training_run", "serving"),
    *("steadiness", "monitoring", "scoring", "idle"),
)
RESULTS = Path(__file__).parent / "results"


def main(names: list[str]) -> int:
    """Run the named benchmarks, or all."""
    unknown = sorted(set(names) - set(BENCHMARKS))
    if unknown:
        sys.stderr.write(f"expected some of {list(BENCHMARKS)}. Received: {unknown}\n")
        return 2
    console = Console(highlight=False)
    results: list[Result] = []
    for name in names or BENCHMARKS:
        console.print(f"measuring {name}")
        measured = importlib.import_module(f"benchmarks.{name}").measure(console.print)
        results += measured
        console.print(draw(measured))
    write(results)
    return 0 if all(result.is_kept for result in results) else 1


def draw(results: list[Result]) -> Table:
    """Draw results as a table."""
    table = Table(box=None, pad_edge=False)
    table.add_column("measured")
    for head in ("ratio", "bound", "kept", "seconds", "reference s", "peak MB"):
        table.add_column(head, justify="right")
    table.add_column("reference; note")
    for result in results:
        sign = "≥" if result.is_minimum else "≤"
        bound = f"{sign} {result.bound:g}" if result.bound is not None else ""
        peak = f"{result.peak_memory_mb:,.0f}" if result.peak_memory_mb is not None else ""
        color = "green" if result.is_kept else "red"
        table.add_row(
            result.name,
            f"[{color}]{result.ratio:.2f}[/{color}]",
            bound,
            ("yes" if result.is_kept else "NO") if bound else "",
            f"{result.seconds:.2f}",
            f"{result.reference_seconds:.2f}",
            peak,
            "; ".join(text for text in (result.reference, result.note) if text),
        )
    return table


def write(results: list[Result]) -> None:
    """Write the results beside what they were measured on."""
    RESULTS.mkdir(exist_ok=True)
    now = datetime.now(UTC)
    document = {
        "at": now.isoformat(timespec="seconds"),
        "python": platform.python_version(),
        "cores": psutil.cpu_count(),
        "memory_gb": round(psutil.virtual_memory().total / 1e9),
        "results": [{**result.model_dump(), "is_kept": result.is_kept} for result in results],
    }
    path = RESULTS / f"{now:%Y%m%dT%H%M%SZ}.json"
    path.write_text(json.dumps(document, indent=2), encoding="utf-8")
    sys.stdout.write(f"written to {path}\n")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
