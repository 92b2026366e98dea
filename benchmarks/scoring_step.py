"""A champion of Adult-like rows, and a scoring run: `python -m benchmarks.scoring_step WHAT`.

`make` takes the pipeline `adult` through its steps and makes the candidate champion; `FILE` runs
the tasks of a scoring run for the file of that name and prints seconds, peak megabytes and CPU
seconds as JSON.
"""

import json
import sys
import time
from pathlib import Path

import great_expectations  # noqa: F401 - a warm worker has it, so its import is not counted
import mlflow  # noqa: F401

from benchmarks.adult_like import write_rows
from benchmarks.timing import ROOT
from include.records import RunContext
from include.settings import load_settings
from include.specs.loader import load_pipeline_spec
from include.steps.evaluate import evaluate
from include.steps.ingest import ingest
from include.steps.prepare import prepare
from include.steps.runner import memory_bytes, run_step
from include.steps.score.deliver import deliver
from include.steps.score.inputs import find_new_inputs, read_inputs
from include.steps.score.predict import predict_shard
from include.steps.train import train
from include.steps.validate import validate
from include.tables.code import code_digest
from include.tracking.aliases import move_champion
from include.tracking.registry import register_model
from include.tracking.runs import open_run

TRAINING_ROWS = {"adult-train.csv": 40_000, "adult-test.csv": 5_000}
PIPELINE = ROOT / "include" / "pipelines" / "adult.yaml"


def make() -> None:
    """Train on Adult-like rows, and promote."""
    settings, spec = load_settings(), load_pipeline_spec(PIPELINE)
    spec = spec.replace(training=spec.training.model_copy(update={"epochs": 2}))
    for seed, (name, rows) in enumerate(TRAINING_ROWS.items()):
        write_rows(Path(settings.sources) / name, rows, seed=seed)
    run = RunContext(pipeline=spec.name, dag_id="train__adult", run_id="benchmark")
    checked = run_step(validate, spec, run, run_step(ingest, spec, run))
    prepared = run_step(prepare, spec, run, checked)
    trained = run_step(train, spec, run, prepared)
    evaluated = run_step(evaluate, spec, run, prepared, trained)
    version = register_model(
        *(settings, spec.name),
        bundle_uri=evaluated.bundle_uri,
        run_id=open_run(settings, run).run_id,
        decision=b"{}",
        tags={},
    )
    move_champion(settings, spec.name, version, expected_current=None)
    sys.stdout.write("\n[0, 0, 0]\n")


def score(name: str) -> None:
    """Score one file of the folder of incoming rows, and say what that took."""
    spec = load_pipeline_spec(PIPELINE)
    wanted = spec.replace(source=spec.read_file(f"incoming/adult/{name}"))
    run = RunContext(pipeline=spec.name, dag_id="score__adult", run_id=name)
    for step in (read_inputs, predict_shard, deliver):
        code_digest(step.__module__)  # the scheduler has read the sources before it forks a task
    started, cpu = time.perf_counter(), time.process_time()
    version, inputs = find_new_inputs(wanted, is_asked=True)
    planned = run_step(read_inputs, wanted, run, version=version, inputs=inputs)
    shards = [
        run_step(predict_shard, wanted, run, planned, shard=each, cost_name=f"shard_{each}")
        for each in range(planned.shards)
    ]
    delivered = run_step(deliver, wanted, run, planned, shards=shards)
    taken = time.perf_counter() - started, memory_bytes("VmHWM:") / 1e6, time.process_time() - cpu
    assert delivered.rows
    assert delivered.quarantined
    sys.stdout.write("\n" + json.dumps(taken) + "\n")


if __name__ == "__main__":
    make() if sys.argv[1] == "make" else score(sys.argv[1])
