"""What steps hand each other: small frozen models that travel through XCom.

Records carry places, keys, counts and metrics; never rows. A test holds each under 8 KB.
Long details lie as JSON in the run's directory and a record carries their place.
"""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

VerdictKind = Literal["promote", "keep", "inconclusive"]


class Record(BaseModel):
    """The base of all records."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class RunContext(Record):
    """Which run a step works for, and as what it is known on either side."""

    pipeline: str
    dag_id: str
    run_id: str = Field(description="Airflow's run id, or any text that names the run.")
    airflow_url: str = Field(default="", description="Page of the DAG run in the Airflow UI.")
    note: str = Field(default="", description="What the person who triggered it wrote.")
    force: bool = Field(default=False, description="Recompute tables that could be reused.")
    learning_curve: bool = Field(
        default=False, description="Fit on shares of the training rows as well."
    )
    try_number: int = 1

    @property
    def run_key(self) -> str:
        """The key under which the MLflow run is found again: `<dag_id>/<run_id>`."""
        return f"{self.dag_id}/{self.run_id}"


class TableRef(Record):
    """A table at rest: where, what, how large."""

    uri: str
    key: str = Field(description="Digest of what the table was made from.")
    rows: int
    size_bytes: int
    columns: int
    parts: dict[str, int] = Field(default_factory=dict, description="Rows by part, if divided.")
    is_reused: bool = Field(default=False, description="Found by its key rather than computed.")


class StepCost(Record):
    """What a step took."""

    step: str
    wall_seconds: float
    cpu_seconds: float
    peak_memory_bytes: int
    rows: int = 0
    size_bytes: int = 0


class IngestRecord(Record):
    """Result of `ingest`."""

    raw: TableRef
    source: str = Field(description="What was read, without secrets.")
    source_digest: str = Field(description="SHA-256 of the content as read.")
    rejected: TableRef | None = Field(
        default=None, description="Rows that could not be read, with line and reason."
    )
    rejected_rows: int = Field(
        default=0, description="Rows of the source that `rejected` names; one may have many cells."
    )
    dropped_columns: tuple[str, ...] = Field(
        default=(), description="Columns of the source that the contract does not know; at most 20."
    )
    notes: tuple[str, ...] = Field(
        default=(), description="What a reader should know, e.g. row counts around a join."
    )


class RuleOutcome(Record):
    """One expectation's outcome, bounded: at most five examples, none of them private."""

    rule: str = Field(description="The expectation's name, or what the reader checked.")
    column: str = ""
    severity: Literal["critical", "warning", "info"]
    is_met: bool
    engine: Literal["sql", "pandas", "reader"]
    unexpected: int = 0
    checked: int = 0
    examples: tuple[str, ...] = ()
    advice: str = Field(default="", description="What was expected, and what to do next.")
    error: str = Field(default="", description="Why the rule could not be checked, if so.")


class QualityReport(Record):
    """All outcomes of one suite; stored as JSON, not in XCom."""

    suite: Literal["training", "scoring"]
    rows: int
    outcomes: tuple[RuleOutcome, ...]
    quarantined: int = 0
    seconds: float = 0.0

    @property
    def failures(self) -> tuple[RuleOutcome, ...]:
        """Outcomes that are not met, critical ones first."""
        order = {"critical": 0, "warning": 1, "info": 2}
        failed = [outcome for outcome in self.outcomes if not outcome.is_met]
        return tuple(sorted(failed, key=lambda outcome: order[outcome.severity]))


class ValidateRecord(Record):
    """Result of `validate`."""

    checked: TableRef
    quarantine: TableRef | None = None
    report_uri: str = Field(description="Where the QualityReport lies as JSON.")
    rules: int
    warnings: int
    quarantined: int


class FeatureInput(Record):
    """One input of the network."""

    name: str
    kind: Literal["dense", "index", "tokens", "tensor"]
    shape: tuple[int, ...] = Field(description="Shape of one row; () never occurs, index is (1,).")
    dtype: Literal["float32", "int32"] = "float32"
    size: int = Field(default=0, description="index, tokens: number of distinct codes.")
    columns: tuple[str, ...] = Field(
        default=(), description="Names of the positions of a dense input; may be very many."
    )


class FeatureSchema(Record):
    """What a network takes in and gives out; stored beside the tables, not in XCom.

    Classification: `classes` in the order of the network's outputs; binary networks give one
    output, the probability of `classes[1]`. Regression: the network predicts
    `(y - target_mean) / target_std`.
    """

    inputs: tuple[FeatureInput, ...]
    task: Literal["classification", "regression"]
    target: str
    classes: tuple[str, ...] = ()
    target_mean: float = 0.0
    target_std: float = 1.0

    @property
    def outputs(self) -> int:
        """Number of the network's outputs."""
        return len(self.classes) if len(self.classes) > 2 else 1


class RawColumn(Record):
    """One column that a model asks of its callers, as the signature and the bundle state it."""

    name: str
    kind: Literal["number", "integer", "boolean", "category", "datetime", "text", "id", "tensor"]
    is_nullable: bool = Field(default=False, description="Whether values may be missing.")
    is_private: bool = Field(default=False, description="Whether examples must not show it.")
    shape: tuple[int, ...] = Field(default=(), description="tensor: shape of one value.")


class PrepareRecord(Record):
    """Result of `prepare`.

    The features table has the parts `train`, `validation`, `test` (arrays) and `test_rows` (the
    rows of `test` before transformation, in the same order), and the files `preprocessor.json`,
    `schema.json` and `cleaning.json`.
    """

    features: TableRef
    preprocessor_uri: str
    schema_uri: str
    train_rows: int
    validation_rows: int
    test_rows: int
    inputs: int = Field(description="Numbers that the network sees of one row.")
    cleaning: dict[str, int] = Field(
        default_factory=dict, description="Counts by action, e.g. duplicates dropped."
    )
    warnings: tuple[str, ...] = Field(default=(), description="At most ten.")


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


class ModelMetrics(Record):
    """Metrics of one model on one part; a metric that cannot be computed is absent."""

    metrics: dict[str, float]
    rows: int


class Comparison(Record):
    """Candidate against champion on the same test rows.

    `difference` is oriented so that above 0 the candidate is better; `low` and `high` bound it
    with the stated confidence (paired bootstrap over rows).
    """

    metric: str
    candidate: float | None
    champion: float | None
    difference: float | None
    low: float | None = None
    high: float | None = None
    confidence: float = 0.95
    resamples: int = 0
    error: str = ""


class EvaluateRecord(Record):
    """Result of `evaluate`; slices, curves and figures lie in the run's directory."""

    validation: ModelMetrics | None
    test: ModelMetrics
    baseline: ModelMetrics = Field(description="Majority class, or mean, on the test rows.")
    persistence: ModelMetrics | None = Field(
        default=None,
        description="Time series with lags of the target: its value `persistence_lag` rows ago.",
    )
    persistence_lag: int = 0
    champion: ModelMetrics | None = None
    champion_version: str = ""
    comparison: Comparison | None = None
    details_uri: str = Field(description="JSON with slices, confusion and curve points.")
    figures: tuple[str, ...] = Field(default=(), description="Names of the figures.")
    bundle_uri: str = Field(description="MLflow's URI of the logged model, models:/m-….")
    golden_uri: str = Field(description="JSON of rows and the predictions made for them.")


class Gate(Record):
    """One gate of the verdict, as a sentence and a yes or no."""

    name: str
    is_passed: bool
    detail: str


class Verdict(Record):
    """Result of `judge`."""

    kind: VerdictKind
    gates: tuple[Gate, ...]
    reason: str
    needs_approval: bool = False


class PromoteRecord(Record):
    """Result of `promote`."""

    is_promoted: bool
    version: str = ""
    previous_version: str = ""
    reason: str
    replay_seconds: float = 0.0


class ExploreRecord(Record):
    """Result of `explore`: the story of a table."""

    uri: str = Field(description="Where the page lies.")
    size_bytes: int = Field(description="Size of the page.")
    pairs_uri: str = Field(description="Where the pairs lie as CSV.")
    findings_uri: str = Field(description="Where everything that was found lies as JSON.")
    rows: int
    sampled_rows: int = Field(description="Rows behind quantiles and associations.")
    missing: int = Field(description="Missing values in all columns.")
    duplicates: int
    pairs: int = Field(description="Pairs of columns that were compared.")
    strongest: tuple[str, ...] = Field(default=(), description="The three strongest pairs.")
    artifact: str = Field(default="explore.html", description="Path among the run's artifacts.")


class CurvePlan(Record):
    """Result of `plan_curve`: the shares of the training rows to fit on, smallest first."""

    shares: tuple[float, ...] = ()
    train_rows: int = 0


class CurvePoint(Record):
    """Result of `fit_share`: what a network fitted on a share of the training rows comes to."""

    share: float
    rows: int = Field(description="Training rows that it saw.")
    metrics: dict[str, float] = Field(description="Metrics on all test rows.")
    epochs: int
    seconds: float
    run_id: str = Field(default="", description="The nested MLflow run.")


class LearningCurve(Record):
    """Result of `draw_curve`: a metric against training rows, and what twice as many would bring.

    `doubling_gain` is oriented so that above 0 the metric gets better; `low` and `high` bound it
    with the stated confidence. All three are absent where the points do not tell.
    """

    metric: str
    points: tuple[CurvePoint, ...]
    missing: tuple[float, ...] = Field(
        default=(), description="Shares that were planned and gave no point."
    )
    kind: Literal["power_law", "log_line", "unknown"]
    parameters: dict[str, float] = Field(
        default_factory=dict, description="power_law: a + b·rows^-c; log_line: a + b·ln(rows)."
    )
    doubling_gain: float | None = None
    low: float | None = None
    high: float | None = None
    confidence: float = 0.8
    sentence: str
    figure: str = Field(description="Path among the run's files and artifacts.")


class ReportRecord(Record):
    """Result of `report`."""

    uri: str
    size_bytes: int
    artifact: str = Field(default="report.html", description="Path among the run's artifacts.")
