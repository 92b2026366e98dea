"""The steps of a training run, called one after the other in this process."""

from uuid import uuid4

from include.records import RunContext
from include.settings import load_settings
from include.specs.loader import load_pipeline_spec
from include.steps.close_run import close_run
from include.steps.evaluate import evaluate
from include.steps.ingest import ingest
from include.steps.judge import judge
from include.steps.prepare import prepare
from include.steps.promote import promote
from include.steps.report import report
from include.steps.runner import run_step
from include.steps.train import train
from include.steps.validate import validate


def train_once(pipeline: str) -> None:
    """Run every step of `train__<pipeline>` without Airflow."""
    spec = load_pipeline_spec(load_settings().pipelines_dir / f"{pipeline}.yaml")
    run = RunContext(
        pipeline=spec.name, dag_id=f"train__{spec.name}", run_id=f"cold__{uuid4()}", force=True
    )
    ingested = run_step(ingest, spec, run)
    validated = run_step(validate, spec, run, ingested)
    prepared = run_step(prepare, spec, run, validated)
    trained = run_step(train, spec, run, prepared)
    evaluated = run_step(evaluate, spec, run, prepared, trained)
    verdict = run_step(judge, spec, run, evaluated)
    promoted = run_step(promote, spec, run, verdict, evaluated)
    records = (ingested, validated, prepared, trained, evaluated, verdict, promoted)
    run_step(report, spec, run, *records)
    close_run(run, "FINISHED")
