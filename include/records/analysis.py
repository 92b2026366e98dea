"""What an analysis of a table finds: the vocabulary between `analysis` and `reporting`.

Like records, these models are small, frozen and free of rows; they are stored as JSON in the
run's directory. Values of private columns never enter them.
"""

from typing import Final, Literal

from pydantic import BaseModel, ConfigDict, Field

from include.records.run import Record

Role = Literal["number", "category", "datetime", "id", "private"]
Measure = Literal["pearson", "cramers_v", "correlation_ratio"]
# An association below this explains less than a hundredth of the spread.
NEGLIGIBLE: Final = 0.1


class Finding(BaseModel):
    """The base of all findings."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Histogram(Finding):
    """Counts of rows between edges; one more edge than counts."""

    edges: tuple[float, ...]
    counts: tuple[int, ...]


class LevelCount(Finding):
    """How often a category occurs."""

    value: str
    rows: int


class NumberSummary(Finding):
    """Distribution of a column of numbers."""

    minimum: float
    q05: float
    q25: float
    median: float
    q75: float
    q95: float
    maximum: float
    mean: float
    std: float
    skewness: float
    zeros: float = Field(description="Share of zeros among the values.")
    outliers_low: int = Field(description="Values below the lower of Tukey's fences.")
    outliers_high: int = Field(description="Values above the upper of Tukey's fences.")
    histogram: Histogram


class CategorySummary(Finding):
    """Distribution of a column of categories."""

    levels: tuple[LevelCount, ...] = Field(description="The most frequent ones, at most 12.")
    other_rows: int = Field(description="Rows of all other levels.")


class TimeSummary(Finding):
    """Range of a column of points in time."""

    first: str
    last: str
    step: str = Field(description="The usual step between rows in order, in words.")
    holes: int = Field(description="Steps longer than the usual one.")
    rows_per_step: int = Field(default=1, description="The usual number of rows at one time.")
    short_times: int = Field(default=0, description="Times with fewer rows than usual.")


class ColumnProfile(Finding):
    """One column: what it is, what is missing, how it is distributed."""

    name: str
    kind: str = Field(description="Kind in the contract.")
    role: Role = Field(description="How the analysis treats it.")
    description: str = ""
    is_target: bool = False
    missing: int
    filled_forward: int = Field(description="Missing values that have a value before them.")
    longest_gap: int = Field(description="Most missing values in a row.")
    distinct: int = Field(description="Different values, at most those of the sample.")
    number: NumberSummary | None = None
    category: CategorySummary | None = None
    time: TimeSummary | None = None


class Association(Finding):
    """How strongly two columns go together; `value` is signed for two columns of numbers."""

    left: str
    right: str
    measure: Measure
    value: float
    spearman: float | None = Field(default=None, description="Rank correlation of two numbers.")
    rows: int = Field(description="Rows in which both have a value.")
    chance: float = Field(
        default=0.0, description="What two unrelated columns of this size and shape may reach."
    )

    @property
    def strength(self) -> float:
        """The absolute value."""
        return abs(self.value)

    @property
    def is_negligible(self) -> bool:
        """Whether there is nothing to tell: too weak to matter, or no stronger than chance."""
        return self.strength < max(NEGLIGIBLE, self.chance)


class MissingMap(Finding):
    """Where in the table values are missing: shares by stretch of rows and column."""

    columns: tuple[str, ...]
    rows_per_stretch: int
    shares: tuple[tuple[float, ...], ...] = Field(description="One tuple of stretches a column.")


class RelationPoint(Finding):
    """The target over one bin or level of a feature."""

    label: str
    value: float
    rows: int
    low: float | None = Field(default=None, description="Lower quartile, if there is one.")
    high: float | None = Field(default=None, description="Upper quartile, if there is one.")


class TargetRelation(Finding):
    """How the target goes with one feature."""

    feature: str
    association: Association
    shape: Literal["curve", "bars", "boxes"]
    quantity: str = Field(description="What the points' values are, e.g. `mean of pm2.5`.")
    points: tuple[RelationPoint, ...]


class Timeline(Finding):
    """A column over time."""

    column: str
    quantity: str
    times: tuple[str, ...]
    values: tuple[float | None, ...]
    lows: tuple[float | None, ...] = ()
    highs: tuple[float | None, ...] = ()


class Cycle(Finding):
    """The target's mean over the hours of the day, days of the week or months of the year."""

    unit: Literal["hour", "weekday", "month"]
    labels: tuple[str, ...]
    values: tuple[float | None, ...]


class Memory(Finding):
    """How the target goes with itself some rows earlier."""

    lags: tuple[int, ...]
    values: tuple[float, ...]


class TimeFindings(Finding):
    """Everything along the time column."""

    column: str
    stretch: str = Field(description="What one point of the timelines covers, in words.")
    timelines: tuple[Timeline, ...]
    cycles: tuple[Cycle, ...] = ()
    memory: Memory | None = None


class Remark(Finding):
    """One paragraph of the story: what stands out, and what to do about it."""

    topic: str
    text: str
    advice: str = ""


class Analysis(Finding):
    """The whole analysis of a table."""

    rows: int
    sampled_rows: int = Field(description="Rows behind quantiles and associations.")
    duplicates: int
    is_in_time: bool = Field(default=True, description="Whether the rows follow each other.")
    filled_columns: tuple[str, ...] = Field(description="Columns that were filled forward.")
    profiles: tuple[ColumnProfile, ...]
    missing: MissingMap
    associations: tuple[Association, ...] = Field(description="Each pair once, strongest first.")
    left_out: tuple[str, ...] = Field(default=(), description="Columns without associations.")
    relations: tuple[TargetRelation, ...] = ()
    time: TimeFindings | None = None
    story: tuple[Remark, ...] = ()

    @property
    def is_sampled(self) -> bool:
        """Tell whether quantiles and associations come from a sample."""
        return self.sampled_rows < self.rows - self.duplicates

    @property
    def columns_in_heat_map(self) -> tuple[str, ...]:
        """Columns that have associations, in the order of the table."""
        named = {name for pair in self.associations for name in (pair.left, pair.right)}
        return tuple(profile.name for profile in self.profiles if profile.name in named)


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
