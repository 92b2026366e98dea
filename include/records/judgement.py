"""What a verdict rests on: estimates with their errors, rivals, slices and tries."""

from typing import Literal, NamedTuple

from pydantic import Field

from include.records.run import Record


class Estimate(NamedTuple):
    """A measured number and what bounds it; `error` is None where the rows are too few.

    `skew` pulls a bound of skewed units, `units` counts those that say something.
    """

    value: float
    error: float | None = None
    freedom: float = 0.0
    skew: float = 0.0
    units: int = 0


class Rival(Record):
    """A model, or a guess, that the candidate is held against on the same rows.

    `gaps` are oriented: above 0 the candidate is better.
    """

    name: str
    metrics: dict[str, float]
    gaps: dict[str, Estimate]


class SliceGap(Record):
    """Candidate against champion on the rows that share a value."""

    column: str
    value: str
    rows: int
    candidate: float | None
    gap: Estimate | None = None


class Tries(Record):
    """How often candidates were held against this champion on these rows, this one included."""

    number: int = 1
    rows: str = Field(default="", description="Digest of the test rows.")
    candidate: str = Field(default="", description="Digest of what the candidate predicts.")


class TriedRows(Record):
    """Test rows, by a sketch of their hashes, and the candidates that were tried on them."""

    sketch: tuple[str, ...]
    tries: tuple[str, ...]


class Evidence(Record):
    """All that a verdict rests on; a file of the run, from which it can be judged again."""

    rows: int
    units: str = Field(description="What the rows were taken as, e.g. `rows`, in words.")
    estimates: dict[str, Estimate] = Field(description="The candidate's test metrics.")
    guesses: tuple[Rival, ...] = Field(description="What any model must beat.")
    reference: Rival | None = Field(
        default=None, description="Gradient boosting on the same feature rows."
    )
    reference_note: str = Field(default="", description="Why there is none.")
    champion: Rival | None = None
    champion_version: str = ""
    champion_error: str = Field(default="", description="Why it could not be compared with.")
    is_unreadable: bool = Field(
        default=False, description="The champion does not understand the rows."
    )
    rows_left_out: int = Field(
        default=0, description="Test rows that one of both models learned from: not compared on."
    )
    disturbance: str = Field(
        default="", description="What somebody did to the champion's alias by hand."
    )
    flaw: str = Field(default="", description="Why the rows show nothing, however many.")
    slices: tuple[SliceGap, ...] = Field(
        default=(), description="Slices with enough rows, on the metric that decides."
    )
    classes: int = Field(default=0, description="Classes of the target; 0 for numbers.")
    unpredicted: dict[str, int] = Field(
        default_factory=dict,
        description="Classes with enough test rows that the candidate never predicts, and these "
        "rows, most first.",
    )
    tries: Tries = Tries()
    cleaning: dict[str, int] = Field(
        default_factory=dict, description="What cleaning did, by action, as `prepare` counted it."
    )


class KeyMetric(Record):
    """A metric on which a verdict rests: the one that decides, or one with a bound.

    `change` is candidate less champion, whatever is better; `low` and `high` bound it at the
    verdict's confidence.
    """

    name: str
    is_deciding: bool
    required: str = Field(default="", description="Its bound in words, e.g. `at least 0.9`.")
    candidate: float | None
    champion: float | None = None
    change: float | None = None
    low: float | None = None
    high: float | None = None


class Outcome(Record):
    """What became of a candidate, for whoever lists, shows or approves it."""

    badge: str = Field(description="In a word or two.")
    title: str = Field(description="As a sentence without its full stop.")
    why: str = Field(description="The reason, a clause.")
    tone: Literal["good", "warn", "bad", ""]

    @property
    def sentence(self) -> str:
        """What became of it and why, in one sentence."""
        return f"{self.title}: {self.why}."
