"""One step of a probe in a process of its own, so that its peak of memory is its own.

    python -m include.forecasting.probe_child JOB ANSWER

Both are files of JSON: what to run, and what came of it.
"""

import importlib
import sys
from pathlib import Path
from typing import Any, Final

from include.errors import DataError, GatehouseError, TrainingError
from include.records import (
    IngestRecord,
    PrepareRecord,
    Record,
    RunContext,
    StepCost,
    TrainRecord,
    ValidateRecord,
)
from include.settings import load_settings
from include.specs import PipelineSpec

# Each step takes the record of the step before.
RECORDS: Final[dict[str, type[Record]]] = {
    "ingest": IngestRecord,
    "validate": ValidateRecord,
    "prepare": PrepareRecord,
    "train": TrainRecord,
}
TAGS: Final = {"gatehouse.kind": "forecast"}


class Job(Record):
    """What a process is asked to run."""

    step: str
    spec: PipelineSpec
    run: RunContext
    before: str = ""


class Answer(Record):
    """What came of it; with an error there is no record and no cost."""

    record: str = ""
    cost: StepCost | None = None
    epoch_seconds: tuple[float, ...] = ()
    error: str = ""
    is_of_these_rows: bool = False


def main(job_file: Path, answer_file: Path) -> None:
    """Run a job and write its answer."""
    job = Job.model_validate_json(job_file.read_bytes())
    try:
        answer = run_job(job)
    except GatehouseError as error:
        # Few rows may lack what all rows have: another number of rows is worth a try.
        is_of_these_rows = isinstance(error, DataError | TrainingError)
        answer = Answer(error=str(error), is_of_these_rows=is_of_these_rows)
    answer_file.write_text(answer.model_dump_json(), encoding="utf-8")


def run_job(job: Job) -> Answer:
    """Run a step and measure it.

    Raises:
        GatehouseError: The step failed.
    """
    from include.steps.runner import run_step
    from include.tables.run_files import RunFiles
    from include.tracking.runs import open_run

    settings = load_settings()
    log = open_run(settings, job.run)
    log.set_tags({**TAGS, "gatehouse.pipeline": job.run.note})
    step = getattr(importlib.import_module(f"include.steps.{job.step}"), job.step)
    seconds: list[float] = []
    extras: dict[str, Any] = {}
    if job.step == "train":
        extras["on_progress"] = lambda progress: seconds.append(progress.seconds)
    try:
        record: Record = run_step(step, job.spec, job.run, *_read_before(job), **extras)
    except BaseException:
        log.client.set_terminated(log.run_id, status="FAILED")
        raise
    log.client.set_terminated(log.run_id, status="FINISHED")
    cost = RunFiles(settings.data, job.run).read_bytes(f"costs/{job.step}.json")
    return Answer(
        record=record.model_dump_json(),
        cost=StepCost.model_validate_json(cost),
        epoch_seconds=tuple(seconds),
    )


def _read_before(job: Job) -> tuple[Record, ...]:
    steps = list(RECORDS)
    place = steps.index(job.step)
    return (RECORDS[steps[place - 1]].model_validate_json(job.before),) if place else ()


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
