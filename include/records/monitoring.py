"""What is found out about a window of scored rows."""

from datetime import datetime
from typing import Literal

from pydantic import Field

from include.records.run import Record

State = Literal["stable", "drift", "too little data", "no baseline"]


class ColumnDrift(Record):
    """How a column of a window differs from the reference."""

    name: str
    state: State
    rows: int
    p_value: float = Field(default=1.0, description="Adjusted for all columns of the window.")
    psi: float = 0.0
    jensen_shannon: float = 0.0
    distance: float = Field(
        default=0.0,
        description="number: Kolmogorov-Smirnov distance; category: largest difference of shares.",
    )
    wasserstein: float = Field(
        default=0.0, description="number: in standard deviations of the reference."
    )
    missing: float = Field(default=0.0, description="Share of missing values.")
    missing_before: float = 0.0
    unknown: float = Field(default=0.0, description="category: share of values it never had.")
    reason: str = ""


class Window(Record):
    """What is found out about the rows of one or more deliveries; a file for each."""

    version: str
    at: datetime
    inputs: tuple[str, ...]
    rows: int
    columns: tuple[ColumnDrift, ...] = Field(description="The prediction is the last of them.")
    accuracy: tuple[float, float, float] | None = Field(
        default=None, description="Estimated without labels, with a 95 % interval."
    )
    accuracy_before: float | None = Field(default=None, description="On the run's test rows.")
    starts_training: bool = False
    why: str = Field(default="", description="Why it starts a training, or does not.")

    @property
    def drifted(self) -> tuple[str, ...]:
        """Columns that drifted."""
        return tuple(each.name for each in self.columns if each.state == "drift")


class MonitorRecord(Record):
    """Result of `compare_window`."""

    version: str
    rows: int
    drifted: tuple[str, ...] = Field(description="At most twenty columns.")
    starts_training: bool
    why: str
    window_uri: str
