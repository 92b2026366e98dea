"""Metrics that wait on disk while the MLflow server is away.

Training goes on without the server: the points are appended to a file of the run and sent, with
their own times and steps, as soon as the server answers again. Sending twice does no harm,
because MLflow keeps equal points once.
"""

import hashlib
import json
import os
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple


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
        digest = hashlib.sha256(run_key.encode()).hexdigest()[:32]
        self.path = directory / f"{digest}.jsonl"

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
