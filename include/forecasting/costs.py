"""What the runs of a pipeline took, step by step: every run measures itself.

`run_step` writes the cost of a step among the files of its run. A step that found its table, or
its network, from before took nothing and tells nothing.
"""

from itertools import islice
from typing import Final, NamedTuple

from include.errors import DataError
from include.records import STEPS, StepCost, TrainRecord
from include.records.names import cost_file
from include.specs import PipelineSpec
from include.steps.train.files import read_finished
from include.tables.run_files import RunFiles, list_runs

# Older runs are of other machines and other settings.
MAX_RUNS: Final = 50


class Measurement(NamedTuple):
    """What one step took with one number of rows; `train` with all epochs of the spec."""

    step: str
    rows: int
    seconds: float
    cpu_seconds: float
    memory_bytes: int
    disk_bytes: int
    start_memory_bytes: int = 0
    array_bytes: int = 0


class Costs(NamedTuple):
    """What is known of all steps."""

    measurements: tuple[Measurement, ...]

    @property
    def rows(self) -> tuple[int, ...]:
        """The numbers of rows that were measured, fewest first."""
        return tuple(sorted({each.rows for each in self.measurements}))

    @property
    def steps(self) -> tuple[str, ...]:
        """The steps that were measured, in their order."""
        return tuple(dict.fromkeys(each.step for each in self.measurements))

    def of_step(self, step: str) -> list[Measurement]:
        """The measurements of a step, fewest rows first."""
        return sorted((m for m in self.measurements if m.step == step), key=lambda m: m.rows)


def read_costs(root: str, spec: PipelineSpec) -> Costs:
    """Read what the latest runs of a pipeline took.

    Args:
        root: The data root.
        spec: The pipeline; its epochs say how long a whole training is.

    Raises:
        DataError: No run has ingested and trained yet.
    """
    found: list[Measurement] = []
    for files in islice(list_runs(root, spec.name), MAX_RUNS):
        found += _read_run(files, spec)
    missing = [step for step in ("ingest", "prepare", "train") if not _has(found, step)]
    if missing:
        raise DataError(
            f"a forecast needs a run of {spec.name!r} that measured {', '.join(missing)}. "
            f"Received: none. Run it once, on few rows if need be: gatehouse run {spec.name} "
            "--row-limit 10000"
        )
    return Costs(tuple(sorted(found, key=lambda each: STEPS.index(each.step))))


def _has(found: list[Measurement], step: str) -> bool:
    return any(each.step == step for each in found)


def _read_run(files: RunFiles, spec: PipelineSpec) -> list[Measurement]:
    costs = {
        step: StepCost.model_validate_json(files.read_bytes(cost_file(step)))
        for step in STEPS
        if files.exists(cost_file(step))
    }
    rows = costs["ingest"].rows if "ingest" in costs else 0
    if not rows:
        return []
    trained = read_finished(files)
    measured = [_measure(cost, rows) for cost in costs.values() if not cost.is_reused]
    return [
        _extend(each, trained, spec.training.epochs) if each.step == "train" else each
        for each in measured
        # A training that was finished before is not repeated.
        if each.step != "train" or (trained is not None and trained.seconds <= each.seconds)
    ]


def _measure(cost: StepCost, rows: int) -> Measurement:
    return Measurement(
        step=cost.step,
        rows=rows,
        seconds=cost.wall_seconds,
        cpu_seconds=cost.cpu_seconds,
        memory_bytes=cost.peak_memory_bytes,
        disk_bytes=cost.size_bytes,
        start_memory_bytes=cost.start_memory_bytes,
    )


def _extend(found: Measurement, trained: TrainRecord | None, epochs: int) -> Measurement:
    """Reckon a fit that ended early with all its epochs."""
    if trained is None:
        return found
    missing = max(0, epochs - trained.epochs) * trained.seconds / trained.epochs
    busy = found.cpu_seconds / found.seconds if found.seconds else 1.0
    return found._replace(
        seconds=found.seconds + missing,
        cpu_seconds=found.cpu_seconds + missing * busy,
        array_bytes=trained.array_bytes,
    )
