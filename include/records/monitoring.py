"""What is found out about a window of scored rows."""

from datetime import datetime
from typing import Final, Literal

from pydantic import Field

from include.records.run import Record
from include.records.scoring import WayBack

State = Literal["stable", "drift", "too little data", "no baseline"]
# Names the entry of the classifier that tells rows of a window from those of the reference.
TOGETHER: Final = "(all columns together)"


class ColumnDrift(Record):
    """How a column of a window differs from the reference."""

    name: str
    state: State
    rows: int
    p_value: float = Field(default=1.0, description="Adjusted for all columns of the window.")
    psi: float = Field(
        default=0.0,
        description="Of all columns together: that of two normal distributions of the same area.",
    )
    jensen_shannon: float = 0.0
    distance: float = Field(
        default=0.0,
        description="number: Kolmogorov-Smirnov distance; category: largest difference of shares; "
        "all columns together: area under the classifier's ROC curve, 0.5 if nothing differs.",
    )
    wasserstein: float = Field(
        default=0.0, description="number: in standard deviations of the reference."
    )
    missing: float = Field(default=0.0, description="Share of missing values.")
    missing_before: float = 0.0
    unknown: float = Field(default=0.0, description="category: share of values it never had.")
    reason: str = ""


class Performance(Record):
    """A metric on the rows of a window, measured or estimated, with a 95 % interval."""

    metric: str
    value: float
    low: float | None = Field(default=None, description="None where the rows are too few.")
    high: float | None = None
    lost: str = Field(default="", description="The bound that it surely breaks.")


class Window(Record):
    """What is found out about the rows of one or more deliveries; a file for each."""

    version: str
    at: datetime
    number: int = Field(default=0, description="Of the pipeline's windows, from 1.")
    run_key: str = Field(default="", description="The run that looked at it.")
    inputs: tuple[str, ...]
    rows: int
    quarantined: int = 0
    columns: tuple[ColumnDrift, ...] = Field(
        description="The last ones are the prediction, and all columns together."
    )
    mean: float | None = Field(default=None, description="Regression: mean of the predictions.")
    shares: dict[str, float] = Field(
        default_factory=dict, description="Shares of the most frequent predicted classes."
    )
    estimated: tuple[Performance, ...] = Field(
        default=(), description="Without labels, by calibrated probabilities."
    )
    real: tuple[Performance, ...] = Field(default=(), description="On the rows with labels.")
    labelled: int = Field(default=0, description="Rows whose label has come.")
    labels: str = Field(default="", description="Key of the labels that it was measured by.")
    before: dict[str, float] = Field(
        default_factory=dict, description="The metrics on the test rows."
    )
    started_at: datetime | None = Field(default=None, description="When it started a training.")
    why: str = Field(default="", description="Why it starts a training, or does not.")

    @property
    def drifted(self) -> tuple[str, ...]:
        """Columns that drifted."""
        return tuple(each.name for each in self.columns if each.state == "drift")

    @property
    def lost(self) -> tuple[str, ...]:
        """Bounds that the performance surely breaks: the real one, and the estimate before."""
        return tuple(each.lost for each in self.real or self.estimated if each.lost)

    @property
    def state(self) -> State:
        """What is to be said of its columns: drift of any, else that nothing can be said."""
        states = {each.state for each in self.columns}
        return next(
            (each for each in ("drift", "stable", "too little data") if each in states),
            "no baseline",
        )


class MonitorRecord(Record):
    """Result of `compare_window`."""

    version: str
    rows: int
    drifted: tuple[str, ...] = Field(description="At most twenty columns.")
    lost: tuple[str, ...] = Field(default=(), description="Bounds that the performance breaks.")
    starts_training: bool
    why: str
    window_uri: str
    back: WayBack | None = Field(
        default=None, description="By labels of the rows that the champion before scored along."
    )
