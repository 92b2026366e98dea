"""What a verdict rests on: estimates with their errors, rivals, slices and tries."""

from typing import NamedTuple

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

    def __str__(self) -> str:
        return f"{self.column} = {self.value}"


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
    tries: Tries = Tries()
    cleaning: dict[str, int] = Field(
        default_factory=dict, description="What cleaning did, by action, as `prepare` counted it."
    )
