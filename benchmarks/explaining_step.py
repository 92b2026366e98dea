"""Run the steps up to `train`, or `evaluate`: `python -m benchmarks.explaining_step WHAT ROWS`.

Prints seconds and peak megabytes of `evaluate` as JSON; what the steps hand on lies in the data
root.
"""

import json
import sys
import time
from pathlib import Path

import mlflow  # noqa: F401 - a warm worker has it, so its import is not counted

from benchmarks.data_plane_step import build_spec
from include.records import PrepareRecord, RunContext, TrainRecord
from include.settings import load_settings
from include.specs import PipelineSpec
from include.steps.evaluate import evaluate
from include.steps.ingest import ingest
from include.steps.prepare import prepare
from include.steps.runner import memory_bytes, run_step
from include.steps.train import train
from include.steps.validate import validate


def main(what: str, rows: int) -> None:
    """Prepare and train, or evaluate."""
    spec = _build_spec(rows)
    run = RunContext(pipeline=spec.name, dag_id="benchmark", run_id="explaining")
    folder = Path(load_settings().data) / "benchmark"
    folder.mkdir(parents=True, exist_ok=True)
    places = folder / "prepare.json", folder / "train.json"
    if what == "evaluate":
        prepared = PrepareRecord.model_validate_json(places[0].read_text())
        trained = TrainRecord.model_validate_json(places[1].read_text())
        cpu_before, started = time.process_time(), time.perf_counter()
        run_step(evaluate, spec, run, prepared, trained)
        seconds, cpu = time.perf_counter() - started, time.process_time() - cpu_before
        sys.stdout.write("\n" + json.dumps([seconds, memory_bytes("VmHWM:") / 1e6, cpu]) + "\n")
        return
    prepared = run_step(
        prepare, spec, run, run_step(validate, spec, run, run_step(ingest, spec, run))
    )
    trained = run_step(train, spec, run, prepared)
    for place, record in zip(places, (prepared, trained), strict=True):
        place.write_text(record.model_dump_json())
    sys.stdout.write("\n[0, 0, 0]\n")


def _build_spec(rows: int) -> PipelineSpec:
    """Build the spec of the generated table with nine in ten rows for the test."""
    return PipelineSpec.model_validate(
        {
            **build_spec(rows).model_dump(mode="json", exclude_unset=True),
            "split": {"fractions": [0.08, 0.02, 0.9]},
            "training": {"epochs": 2, "batch_size": 256},
            "evaluation": {"slices": ["letter"]},
        }
    )


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
