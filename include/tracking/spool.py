"""What waits on disk while the MLflow server is away: metrics, and how runs ended.

Training goes on without the server: the points are appended to a file of the run and sent, with
their own times and steps, as soon as the server answers again. Sending twice does no harm,
because MLflow keeps equal points once. A run whose end could not be said leaves a note, by which
whoever finds the server back says it.
"""

import hashlib
import json
import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Literal, NamedTuple

from pydantic import BaseModel, ValidationError

from include.records import RunContext

EndState = Literal["FINISHED", "FAILED", "KILLED"]


class UnsaidEnd(BaseModel):
    """How a run ended, which the server does not know yet."""

    run: RunContext
    state: EndState


class EndNotes:
    """The notes of runs whose end could not be said, one file each."""

    def __init__(self, directory: Path) -> None:
        """Name the directory where they lie, beside the metrics that wait."""
        self._directory = directory

    def keep(self, run: RunContext, state: EndState) -> None:
        """Write a note; the latest of a run counts."""
        self._directory.mkdir(parents=True, exist_ok=True)
        path = self._path(run)
        temporary = path.with_suffix(f".{os.getpid()}")
        temporary.write_text(UnsaidEnd(run=run, state=state).model_dump_json(), encoding="utf-8")
        temporary.replace(path)

    def read(self) -> Iterator[UnsaidEnd]:
        """Give all notes; one that a crash or another release damaged is left out."""
        for path in sorted(self._directory.glob("*.end.json")):
            try:
                yield UnsaidEnd.model_validate_json(path.read_bytes())
            except (OSError, ValidationError):
                continue

    def forget(self, run: RunContext) -> None:
        """Remove the note of a run, once its end is said or it goes on."""
        self._path(run).unlink(missing_ok=True)

    def _path(self, run: RunContext) -> Path:
        return self._directory / f"{_digest(run.run_key)}.end.json"


class MetricPoint(NamedTuple):
    """One value of one metric."""

    key: str
    value: float
    timestamp_ms: int
    step: int


class MetricSpool:
    """The waiting metrics of one run, one JSON line each."""

    def __init__(self, directory: Path, run_key: str) -> None:
        """Name the spool of a run.

        Args:
            directory: Where spools lie.
            run_key: The run's key; the file is named by its digest.
        """
        self.path = directory / f"{_digest(run_key)}.jsonl"

    @property
    def is_empty(self) -> bool:
        """Whether nothing waits."""
        return not self.path.exists()

    def append(self, points: Iterable[MetricPoint]) -> None:
        """Add points at the end; they are on disk when this returns."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with self.path.open("a", encoding="utf-8") as file:
            file.writelines(json.dumps(point) + "\n" for point in points)
            file.flush()
            os.fsync(file.fileno())

    def read(self) -> list[MetricPoint]:
        """Return all waiting points; a line cut off by a crash is left out."""
        if self.is_empty:
            return []
        points = []
        for line in self.path.read_text(encoding="utf-8").splitlines():
            try:
                points.append(MetricPoint(*json.loads(line)))
            except (ValueError, TypeError):
                continue
        return points

    def clear(self) -> None:
        """Forget the points, once they are sent."""
        self.path.unlink(missing_ok=True)


def _digest(run_key: str) -> str:
    return hashlib.sha256(run_key.encode()).hexdigest()[:32]
