"""The candidate: how it was trained, measured, judged and promoted."""

from typing import Literal

from pydantic import Field

from include.records.run import Record

VerdictKind = Literal["promote", "keep", "inconclusive"]


class TrainRecord(Record):
    """Result of `train`: the candidate."""

    model_uri: str = Field(description="Where the `.keras` file lies.")
    parameters: int
    epochs: int = Field(description="Epochs fitted.")
    best_epoch: int = Field(description="Epoch whose weights were kept, from 1.")
    is_stopped_early: bool
    seconds: float
    metrics: dict[str, float] = Field(description="Last losses and metrics of the fit.")
    history_uri: str = Field(description="CSV of every epoch.")
    array_bytes: int = Field(default=0, description="Size of the arrays it was fitted on.")


class ModelMetrics(Record):
    """Metrics of one model on one part; a metric that cannot be computed is absent."""

    metrics: dict[str, float]
    rows: int


class Comparison(Record):
    """Candidate against champion on the same test rows.

    `difference` is oriented so that above 0 the candidate is better; `low` and `high` bound it
    with the stated confidence, which rises with the number of tries on these rows.
    """

    metric: str
    candidate: float | None
    champion: float | None
    difference: float | None
    low: float | None = None
    high: float | None = None
    confidence: float = 0.95
    units: str = Field(default="rows", description="What the rows were taken as, in words.")
    error: str = ""


class EvaluateRecord(Record):
    """Result of `evaluate`; slices, curves and figures lie in the run's directory."""

    validation: ModelMetrics | None
    test: ModelMetrics
    baseline: ModelMetrics = Field(description="Majority class, or mean, on the test rows.")
    persistence: ModelMetrics | None = Field(
        default=None,
        description="Time series with lags of the target: the best of its values so long ago.",
    )
    champion: ModelMetrics | None = None
    champion_version: str = ""
    comparison: Comparison | None = None
    details_uri: str = Field(description="JSON with slices, confusion and curve points.")
    figures: tuple[str, ...] = Field(default=(), description="Names of the figures.")
    bundle_uri: str = Field(description="MLflow's URI of the logged model, models:/m-….")
    golden_uri: str = Field(description="JSON of rows and the predictions made for them.")
    evidence_uri: str = Field(default="", description="JSON of all that the verdict rests on.")


class Gate(Record):
    """One gate of the verdict, as a sentence and a yes or no.

    `value` is what was held against `bound`, `low` and `high` its interval at the verdict's
    confidence; they are absent where they could not be computed.
    """

    name: str
    is_passed: bool
    detail: str
    value: float | None = None
    bound: float | None = None
    low: float | None = None
    high: float | None = None


class Verdict(Record):
    """Result of `judge`."""

    kind: VerdictKind
    gates: tuple[Gate, ...]
    reason: str
    needs_approval: bool = False
    tries: int = Field(default=1, description="Tries on these rows, this one included.")
    confidence: float = Field(default=0.95, description="Of every interval; rises with the tries.")
    rows_needed: int | None = Field(
        default=None, description="How many more test rows would settle what is inconclusive."
    )
    worst_slice: str = Field(default="", description="The slice that does worst, in words.")
    notes: tuple[str, ...] = Field(default=(), description="What a reader should know.")


class PromoteRecord(Record):
    """Result of `promote`."""

    is_promoted: bool
    version: str = ""
    previous_version: str = ""
    reason: str
    replay_seconds: float = 0.0


class ReportRecord(Record):
    """Result of `report`."""

    uri: str
    size_bytes: int
    artifact: str = Field(default="report.html", description="Path among the run's artifacts.")
    sentence: str = Field(default="", description="What became of the run.")
