"""Why a model says what it says: computed by `explaining`, told by the report, CLI and server.

Values of private columns never enter these records.
"""

from pydantic import Field

from include.records.run import Record


class ColumnPart(Record):
    """Where the numbers of one column stand in the network's inputs."""

    column: str
    input: str = Field(description="Name of the network's input.")
    start: int = Field(default=0, description="First position, of a dense input.")
    stop: int | None = Field(default=None, description="Behind the last; None: the whole input.")
    patch: tuple[int, int] | None = Field(
        default=None, description="Place in the grid of patches, where the column is an array."
    )
    rows: tuple[int, int] | None = Field(default=None, description="Rows of the patch.")
    columns: tuple[int, int] | None = Field(default=None, description="Columns of the patch.")


class Importance(Record):
    """How much worse the metric gets when one column's values are dealt out anew."""

    column: str
    value: float = Field(description="Mean over the repeats; above 0 the model needs the column.")
    spread: float = Field(description="Standard deviation over the repeats.")
    slice_value: float | None = Field(default=None, description="The same on the worst slice.")
    slice_spread: float | None = None
    patch: tuple[int, int] | None = None


class Importances(Record):
    """Permutation importance of all columns, with what it was measured on."""

    metric: str
    baseline: float = Field(description="The metric of the sampled rows as they are.")
    rows: int = Field(description="Sampled test rows.")
    of_rows: int = Field(description="All test rows.")
    repeats: int
    planned_repeats: int
    seconds: float
    budget_seconds: float
    slice_name: str = Field(default="", description="The worst slice, in words; empty: none.")
    slice_rows: int = 0
    slice_baseline: float | None = None
    columns: tuple[Importance, ...] = Field(description="The most important first.")
    grid: tuple[int, int] | None = Field(
        default=None, description="Patches down and across, of the first array column."
    )


class Attribution(Record):
    """What one column's value adds to the output, against the reference row."""

    column: str
    shown: str = Field(description="The value, or why it is not shown.")
    amount: float


class Picture(Record):
    """An array as grey or coloured image, and what each place of it adds to the output."""

    column: str
    shape: tuple[int, ...] = Field(description="(height, width) or (height, width, channels).")
    values: tuple[float, ...] = Field(description="0 to 1, row by row.")
    heat: tuple[float, ...] = Field(description="Amounts, (height, width), row by row.")


class ExplainedRow(Record):
    """A row, what the model says to it, and what each column adds to that.

    The amounts sum up to `output - reference_output`, but for `gap`.
    """

    row: str = Field(description="Which row, e.g. `12`.")
    said: str
    actual: str = Field(default="", description="What was true, where that is known.")
    is_wrong: bool = Field(default=False, description="Another class than the true one was said.")
    output: float = Field(
        description="Classification: the probability of what is said. Regression: the prediction."
    )
    reference_output: float
    gap: float = Field(description="Sum of the amounts less `output - reference_output`.")
    attributions: tuple[Attribution, ...] = Field(description="The largest first.")
    pictures: tuple[Picture, ...] = ()


class ThresholdPoint(Record):
    """What a threshold costs, as the mean over rows."""

    threshold: float
    cost: float


class ThresholdChoice(Record):
    """The threshold that costs least on the validation rows, and what it costs on the test rows."""

    positive: str
    false_positive: float = Field(description="Cost of one false positive.")
    false_negative: float = Field(description="Cost of one false negative.")
    threshold: float
    validation_rows: int
    validation_cost: float = Field(description="Mean cost of a validation row.")
    test_cost: float = Field(description="Mean cost of a test row at this threshold.")
    half_cost: float = Field(description="Mean cost of a test row at 0.5.")
    never_cost: float = Field(description="If every test row were answered no.")
    always_cost: float = Field(description="If every test row were answered yes.")
    points: tuple[ThresholdPoint, ...] = Field(description="On the validation rows.")


class Course(Record):
    """Actual and predicted values of a stretch of time."""

    title: str
    rows_per_point: int
    times: tuple[str, ...]
    actual: tuple[float, ...]
    predicted: tuple[float, ...]


class ReferenceMetric(Record):
    """One metric of candidate and reference on the same test rows.

    `difference` is oriented: above 0 the candidate is better; `low` and `high` bound it.
    """

    name: str
    candidate: float
    reference: float
    difference: float
    low: float | None = None
    high: float | None = None


class ReferenceFit(Record):
    """Gradient boosting on the same feature rows, or why there is none."""

    note: str = Field(default="", description="Why there is none, or what was left out.")
    rows: int = Field(default=0, description="Training rows that it saw.")
    trees: int = Field(default=0, description="Rounds of boosting.")
    seconds: float = 0.0
    budget_seconds: float = 0.0
    is_cut: bool = Field(default=False, description="Its time was over before it was done.")
    is_reused: bool = Field(default=False, description="Fitted by an earlier run.")
    confidence: float = Field(default=0.95, description="Of the bounds of its metrics.")
    metrics: tuple[ReferenceMetric, ...] = ()


class Explanations(Record):
    """All that the report tells of why; a file of the run."""

    importances: Importances | None = None
    reference_row: tuple[tuple[str, str], ...] = Field(
        default=(), description="Columns and values of the row that rows are held against."
    )
    explained_as: str = Field(default="", description="What amounts are of, in words.")
    sample: tuple[ExplainedRow, ...] = ()
    hardest: tuple[ExplainedRow, ...] = ()
    threshold: ThresholdChoice | None = None
    courses: tuple[Course, ...] = ()
    reference: ReferenceFit | None = None
    notes: tuple[str, ...] = Field(default=(), description="What could not be told, and why.")
    seconds: float = 0.0
