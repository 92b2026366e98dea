"""The candidate: how it was trained, measured, judged and promoted."""

from typing import Final, Literal

from pydantic import Field

from include.records.run import Record

VerdictKind = Literal["promote", "keep", "inconclusive"]
PROMOTE: Final = "Promote the candidate"


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
    reference: ModelMetrics | None = Field(
        default=None, description="Gradient boosting on the same feature rows."
    )
    champion: ModelMetrics | None = None
    champion_version: str = ""
    comparison: Comparison | None = None
    details_uri: str = Field(description="JSON with slices, confusion and curve points.")
    figures: tuple[str, ...] = Field(default=(), description="Names of the figures.")
    bundle_uri: str = Field(description="MLflow's URI of the logged model, models:/m-….")
    golden_uri: str = Field(description="JSON of rows and the predictions made for them.")
    evidence_uri: str = Field(default="", description="JSON of all that the verdict rests on.")
    explanations_uri: str = Field(default="", description="JSON of why the model says so.")


class Gate(Record):
    """One gate of the verdict, as a sentence and a yes or no.

    A gate that had nothing to test is not made, and stops nobody.
    `value` is what was held against `bound`, `low` and `high` its interval at the verdict's
    confidence; they are absent where they could not be computed.
    """

    name: str
    is_passed: bool
    is_made: bool = True
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
    warnings: tuple[str, ...] = Field(
        default=(), description="What no gate asks and a reader should look at, as clauses."
    )

    @property
    def keeps_champion(self) -> bool:
        """Whether nothing is promoted and nobody is asked."""
        return self.kind != "promote" and not self.needs_approval


class Answer(Record):
    """What a person said to the question whether a candidate becomes champion."""

    is_yes: bool
    by: str
    reason: str = Field(default="", max_length=500, description="Why, in the person's words.")


def list_options(champion: str) -> tuple[str, str]:
    """Name the answers by what they do: yes, then no.

    Example:
        >>> list_options("3"), list_options("")[1]
        (('Promote the candidate', 'Keep version 3'), 'Do not promote')
    """
    return PROMOTE, f"Keep version {champion}" if champion else "Do not promote"


class Question(Record):
    """Result of `approve`: what a person reads who decides about a candidate, as Markdown."""

    subject: str
    body: str
    options: tuple[str, str] = Field(description="Yes, then no.")


class PromoteRecord(Record):
    """Result of `promote`."""

    is_promoted: bool
    version: str = ""
    previous_version: str = ""
    reason: str
    replay_seconds: float = 0.0
    answer: Answer | None = None


class ReportRecord(Record):
    """Result of `report`."""

    uri: str
    size_bytes: int
    artifact: str = Field(default="report.html", description="Path among the run's artifacts.")
    sentence: str = Field(default="", description="What became of the run.")
    steps: tuple[str, ...] = Field(default=(), description="Those whose records it tells of.")
