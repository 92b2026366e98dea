"""The probe: ingest, validate, prepare and train on a few small numbers of rows, and measure.

Every step runs in a fresh process. The tables are those of a pipeline that exists for the probe
only and are removed afterwards; the runs stay in an MLflow experiment of their own.
"""

import itertools
import logging
import os
import secrets
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, Final, NamedTuple

from include.errors import DataError, GatehouseError
from include.forecasting.probe_child import RECORDS, Answer, Job
from include.records import IngestRecord, PrepareRecord, RunContext
from include.settings import PROJECT_ROOT, Settings
from include.specs import PipelineSpec
from include.tables.removal import remove_run, remove_tables

logger = logging.getLogger(__name__)

STEPS: Final = tuple(RECORDS)
EXPERIMENT: Final = "gatehouse-forecasts"
EPOCHS: Final = 3
FRACTIONS: Final = (1 / 4, 1 / 2, 1)
FEWEST_ROWS: Final = 30
STEP_SECONDS: Final = 3_600

Tell = Callable[[str], None]


class Measurement(NamedTuple):
    """What one step took with one number of rows; `train` with all epochs of the spec."""

    step: str
    rows: int
    seconds: float
    cpu_seconds: float
    memory_bytes: int
    disk_bytes: int
    array_bytes: int = 0


class Probe(NamedTuple):
    """All measurements, and what a reader should know about them."""

    measurements: tuple[Measurement, ...]
    notes: tuple[str, ...]

    @property
    def most_rows(self) -> int:
        """The largest number of rows that was measured."""
        return max(each.rows for each in self.measurements)

    def of_step(self, step: str) -> list[Measurement]:
        """The measurements of a step, fewest rows first."""
        return sorted((m for m in self.measurements if m.step == step), key=lambda m: m.rows)


def run_probe(
    spec: PipelineSpec,
    settings: Settings,
    *,
    most_rows: int,
    environment: Mapping[str, str],
    tell: Tell,
) -> Probe:
    """Measure a pipeline on shares of its own source.

    Args:
        spec: The pipeline.
        settings: Where things are.
        most_rows: Rows of the largest share, if the source has as many.
        environment: Variables of the processes.
        tell: Told before each step.

    Raises:
        DataError: The source cannot be read, or fewer than two numbers of rows can be measured.
        InfrastructureError: A server is away.
    """
    prober = _Prober(spec, settings, environment=environment, tell=tell)
    try:
        return prober.run(most_rows)
    finally:
        prober.clean_up()


def make_probe_spec(spec: PipelineSpec, name: str, rows: int) -> PipelineSpec:
    """Write the spec of a probe: the same work, but few rows stop nothing.

    A rule on the whole table may fail on its first rows, so rules warn only; early stopping is
    off, so that every probe fits the same number of epochs.
    """
    document = spec.model_dump()
    document |= {"name": name, "row_limit": rows, "min_rows": 1, "quarantine_limit": 1.0}
    document["cleaning"]["leakage"] = "warn"
    document["training"]["early_stopping"] = None
    document["training"]["epochs"] = min(EPOCHS, spec.training.epochs)
    document["quality"] = [{**rule, "severity": "warning"} for rule in document["quality"]]
    return PipelineSpec.model_validate(document)


class _Prober:
    """Runs the steps of one probe and keeps what they took."""

    def __init__(
        self,
        spec: PipelineSpec,
        settings: Settings,
        *,
        environment: Mapping[str, str],
        tell: Tell,
    ) -> None:
        self._spec, self._settings, self._tell = spec, settings, tell
        self._token = secrets.token_hex(4)
        self._name = f"{spec.name[:40]}_probe_{self._token}"
        self._runs: list[RunContext] = []
        paths = [str(PROJECT_ROOT), environment.get("PYTHONPATH", "")]
        self._environment = {
            "KERAS_BACKEND": "jax",
            **{k: v for k, v in environment.items() if k != "JAX_COMPILATION_CACHE_DIR"},
            "PYTHONPATH": os.pathsep.join(filter(None, paths)),
        }

    def run(self, most_rows: int) -> Probe:
        """Measure the largest share first: it tells how many rows there are."""
        measurements, notes = list[Measurement](), list[str]()
        largest, ingested = self._ingest(most_rows)
        available = ingested.raw.rows
        if available < most_rows:
            notes.append(f"the source has {available:,} rows, fewer than the probe would take")
        sizes = {max(FEWEST_ROWS, round(available * part)) for part in FRACTIONS}
        sizes = {size for size in sizes if size <= available}
        for size in sorted(sizes) if len(sizes) > 1 else ():
            try:
                first = (largest, ingested) if size == available else self._ingest(size)
                measurements += self._measure(size, *first)
            except _FewRowsError as error:
                notes.append(f"{size:,} rows could not be measured: {error}")
        rows = {each.rows for each in measurements}
        if len(rows) < 2:
            raise DataError(
                "a forecast needs two numbers of rows that go through every step. Received: "
                f"{len(rows)}; {'; '.join(notes) or 'the source has too few rows'}."
            )
        return Probe(tuple(measurements), tuple(notes))

    def clean_up(self) -> None:
        """Remove the tables and files of the probe."""
        remove_tables(self._settings.data, self._name)
        for run in self._runs:
            remove_run(self._settings.data, run)

    def _ingest(self, rows: int) -> tuple[Measurement, IngestRecord]:
        answer = self._call("ingest", rows, before="")
        record = IngestRecord.model_validate_json(answer.record)
        return _measure("ingest", record.raw.rows, answer), record

    def _measure(
        self, rows: int, first: Measurement, ingested: IngestRecord
    ) -> Iterable[Measurement]:
        """Take one number of rows through all steps after `ingest`."""
        measured, before = [first], ingested.model_dump_json()
        arrays = 0
        for step in STEPS[1:]:
            answer = self._call(step, rows, before=before)
            before = answer.record
            if step == "prepare":
                record = PrepareRecord.model_validate_json(before)
                arrays = record.train_rows * (4 * record.inputs + 8)
            found = _measure(step, ingested.raw.rows, answer)
            if step == "train":
                found = _extend(found, answer, self._spec.training.epochs, arrays)
            measured.append(found)
        return measured

    def _call(self, step: str, rows: int, *, before: str) -> Answer:
        self._tell(f"{step} of {rows:,} rows")
        run = RunContext(
            pipeline=EXPERIMENT,
            dag_id="forecast",
            run_id=f"{self._spec.name} {rows} rows {self._token}",
            note=self._spec.name,
            force=True,
        )
        if run not in self._runs:
            self._runs.append(run)
        spec = make_probe_spec(self._spec, self._name, rows)
        answer = _run_process(Job(step=step, spec=spec, run=run, before=before), self._environment)
        if answer.error and answer.is_of_these_rows and step != "ingest":
            raise _FewRowsError(f"{step} failed: {answer.error.splitlines()[0][:300]}")
        if answer.error:
            raise DataError(f"the probe's {step} failed: {answer.error}")
        return answer


class _FewRowsError(Exception):
    """This number of rows cannot go through all steps."""


def _run_process(job: Job, environment: Mapping[str, str]) -> Answer:
    with tempfile.TemporaryDirectory() as scratch:
        question, answer = Path(scratch) / "job.json", Path(scratch) / "answer.json"
        question.write_text(job.model_dump_json(), encoding="utf-8")
        done = subprocess.run(
            [sys.executable, "-m", "include.forecasting.probe_child", str(question), str(answer)],
            env=dict(environment),
            capture_output=True,
            text=True,
            timeout=STEP_SECONDS,
            check=False,
        )
        logger.debug("%s", done.stderr)
        if done.returncode or not answer.exists():
            raise GatehouseError(
                f"the probe's process for {job.step} must end with an answer. Received: exit code "
                f"{done.returncode} and\n{done.stderr[-1_500:]}\nTry again with fewer --probe-rows."
            )
        return Answer.model_validate_json(answer.read_bytes())


def _measure(step: str, rows: int, answer: Answer) -> Measurement:
    cost: Any = answer.cost
    return Measurement(
        step=step,
        rows=rows,
        seconds=cost.wall_seconds,
        cpu_seconds=cost.cpu_seconds,
        memory_bytes=cost.peak_memory_bytes,
        disk_bytes=cost.size_bytes,
    )


def _extend(found: Measurement, answer: Answer, epochs: int, arrays: int) -> Measurement:
    """Add the epochs that the probe did not fit; the first one compiles and is no measure."""
    ends = answer.epoch_seconds
    later = [after - before for before, after in itertools.pairwise(ends)]
    missing = (epochs - len(ends)) * (statistics.median(later) if later else 0.0)
    busy = found.cpu_seconds / found.seconds if found.seconds else 1.0
    return found._replace(
        seconds=found.seconds + missing,
        cpu_seconds=found.cpu_seconds + missing * busy,
        array_bytes=arrays,
    )
