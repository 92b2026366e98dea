"""Parsing all DAG files, now and with a hundred more pipelines, against what Airflow imports.

The reference is the module that reads DAG files in Airflow's DAG processor: its database models are
in memory before a file is read, and the operators that a DAG file names need them.
"""

import tempfile
from collections.abc import Callable
from pathlib import Path

from benchmarks.result import Result
from benchmarks.timing import ROOT, interleave, measure_snippet

# What each pipeline has a DAG of: explore, monitor, score, train.
FAMILIES = 4
MAX_SECONDS = 0.015
IMPORT = "import airflow.dag_processing.processor"
PARSE = (
    IMPORT
    + """
import pathlib, runpy
for path in sorted(pathlib.Path("dags").glob("*.py")):
    runpy.run_path(str(path))
"""
)


def measure(tell: Callable[[str], None]) -> list[Result]:
    """Measure, in fresh processes, seven times each in turn, after one that leaves byte code."""
    with tempfile.TemporaryDirectory() as folder:
        pipelines = ROOT / "include" / "pipelines"
        own = {"GATEHOUSE_PIPELINES_DIR": str(pipelines)}
        many = {"GATEHOUSE_PIPELINES_DIR": folder}
        write_pipelines(Path(folder), pipelines, 100)
        measure_snippet(PARSE, own)
        tell("the best of seven fresh processes of each, in turn")
        imported, parsed, parsed_many = interleave(
            7,
            lambda: measure_snippet(IMPORT),
            lambda: measure_snippet(PARSE, own),
            lambda: measure_snippet(PARSE, many),
            choose=min,
        )
    count = len(list(pipelines.glob("*.yaml")))
    further = (parsed_many.cpu_seconds - parsed.cpu_seconds) / (100 * FAMILIES)
    return [
        Result(
            name=f"parse all DAG files ({count} pipelines)",
            ratio=parsed.seconds / imported.seconds,
            bound=1.3,
            seconds=parsed.seconds,
            reference_seconds=imported.seconds,
            reference="import airflow.dag_processing",
            peak_memory_mb=parsed.peak_memory_mb,
        ),
        Result(
            name=f"parse all DAG files ({count + 100} pipelines)",
            ratio=parsed_many.seconds / imported.seconds,
            seconds=parsed_many.seconds,
            reference_seconds=imported.seconds,
            reference="import airflow.dag_processing",
            peak_memory_mb=parsed_many.peak_memory_mb,
        ),
        Result(
            name=f"parse one DAG: CPU against {MAX_SECONDS * 1_000:.0f} ms",
            ratio=further / MAX_SECONDS,
            bound=1.0,
            seconds=further,
            reference_seconds=MAX_SECONDS,
            reference=f"{FAMILIES} for each of {count + 100} pipelines",
            note=f"{further * 1_000:.1f} ms for each further one",
        ),
    ]


def write_pipelines(folder: Path, pipelines: Path, more: int) -> None:
    """Copy the project's pipelines, and write further ones beside them."""
    for path in pipelines.glob("*.yaml"):
        (folder / path.name).write_bytes(path.read_bytes())
    text = (pipelines / "adult.yaml").read_text(encoding="utf-8")
    for number in range(more):
        renamed = text.replace("name: adult\n", f"name: adult_{number}\n")
        (folder / f"adult_{number}.yaml").write_text(renamed, encoding="utf-8")
