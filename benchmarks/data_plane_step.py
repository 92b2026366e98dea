"""One step on a generated table: `python -m benchmarks.data_plane_step STEP ROWS`.

Prints seconds and peak megabytes as JSON; what the step hands on lies in the data root.
"""

import importlib
import json
import sys
import time
from pathlib import Path

import great_expectations  # noqa: F401 - a warm worker has these, so imports are not counted
import mlflow  # noqa: F401
import pyarrow.parquet as pq

from benchmarks.data_plane import STEPS
from benchmarks.generated_table import FLOATS
from include.quality.pandas_engine import check_frame, to_frame
from include.quality.suites import build_suite
from include.records import TASKS, IngestRecord, RunContext
from include.settings import load_settings
from include.specs import PipelineSpec
from include.steps import killed_tries  # noqa: F401
from include.steps.runner import memory_bytes, run_step
from include.tables.code import code_digest
from include.tables.readers import parquet_files


def main(what: str, rows: int) -> None:
    """Run one step, or the pandas engine, and print its figures."""
    spec = build_spec(rows)
    folder = Path(load_settings().data) / "benchmark" / str(rows)
    folder.mkdir(parents=True, exist_ok=True)
    # A warm worker has read the sources, and imported what a step imports, before it forks a task.
    for name in STEPS:
        importlib.import_module(f"include.steps.{name}")
        code_digest(f"include.steps.{name}")
    cpu_before = time.process_time()
    if what in STEPS:
        seconds = run_one_step(what, spec, folder)
    elif what == "csv":
        seconds = run_one_step("ingest", build_spec(rows, "rows.csv"), folder / what)
    else:
        raw = IngestRecord.model_validate_json((folder / "ingest.json").read_text()).raw
        seconds = check_in_pandas(spec, parquet_files(raw), what.removeprefix("pandas_"))
    figures = [seconds, memory_bytes("VmHWM:") / 1e6, time.process_time() - cpu_before]
    sys.stdout.write("\n" + json.dumps(figures) + "\n")


def run_one_step(name: str, spec: PipelineSpec, folder: Path) -> float:
    """Run a step of the pipeline on what the one before it handed on."""
    step = getattr(importlib.import_module(f"include.steps.{name}"), name)
    place = STEPS.index(name)
    before = [
        TASKS[earlier].record.model_validate_json((folder / f"{earlier}.json").read_text())
        for earlier in STEPS[max(0, place - 1) : place]
    ]
    run = RunContext(pipeline=spec.name, dag_id="benchmark", run_id=spec.name, force=True)
    started = time.perf_counter()
    record = run_step(step, spec, run, *before)
    seconds = time.perf_counter() - started
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{name}.json").write_text(record.model_dump_json())
    return seconds


def check_in_pandas(spec: PipelineSpec, files: list[str], floats: str) -> float:
    """Read files into a frame and check the same rules, as Great Expectations does by default.

    Args:
        spec: The pipeline.
        files: Parquet files of the table that `validate` checks.
        floats: Type of the float columns while they are checked; the cast is not counted.
    """
    started = time.perf_counter()
    frame = to_frame(pq.ParquetDataset(files).read())
    seconds = time.perf_counter() - started
    frame = frame.astype(dict.fromkeys(FLOATS, floats))
    started = time.perf_counter()
    check_frame(frame, build_suite(spec, "training"))
    return seconds + time.perf_counter() - started


def build_spec(rows: int, uri: str = "") -> PipelineSpec:
    """Build the spec of the generated table: a contract of 33 rules and more."""
    columns = [{"name": name, "kind": "number", "min": -10, "max": 10} for name in FLOATS]
    columns += [
        {"name": "letter", "kind": "category", "values": list("abcdefgh")},
        {"name": "flag", "kind": "category", "values": [0, 1]},
        {"name": "id", "kind": "id"},
    ]
    document = {
        "name": f"rows_{rows}",
        "source": {"kind": "file", "uri": uri or f"rows_{rows}/*.parquet"},
        "target": {"column": "flag", "task": "classification"},
        "columns": columns,
    }
    return PipelineSpec.model_validate(document)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
