"""What the tasks of a scoring run hand on: inputs, shards, and what was delivered."""

from datetime import datetime

from pydantic import Field

from include.records.run import Record
from include.records.tables import TableRef


class ScoringInput(Record):
    """One input, read and checked: its sound rows, and how many are in quarantine."""

    name: str
    stamp: str = Field(default="", description="Size and time of a file, to know it again.")
    table: TableRef = Field(description="The rows that keep the contract.")
    quarantine: TableRef | None = None
    quarantined: int = 0
    warnings: tuple[str, ...] = ()


class Shard(Record):
    """A stretch of the rows of one input."""

    place: int = Field(description="Which input.")
    start: int
    stop: int


class ScoringDetails(Record):
    """All inputs of a run; a file of the run, as they may be many."""

    version: str
    scored_at: datetime
    inputs: tuple[ScoringInput, ...]
    shards: tuple[Shard, ...]
    refused: dict[str, str] = Field(
        default_factory=dict, description="Inputs that cannot be scored, and why."
    )


class ScoringPlan(Record):
    """Result of `read_inputs`."""

    version: str = Field(description="The champion's.")
    inputs: int
    refused: int
    rows: int
    quarantined: int
    shards: int
    details_uri: str


class ShardScores(Record):
    """Result of `predict_shard`."""

    shard: int
    predictions: TableRef


class Shadow(Record):
    """What the champion before said of the same input."""

    version: str
    predictions: tuple[TableRef, ...] = Field(description="In the order of the rows.")
    disagreeing: int = Field(description="Rows of which it says something else.")


class ScoredInput(Record):
    """The receipt of an input: what a version made of it, and where that lies."""

    name: str
    version: str
    stamp: str
    table: TableRef = Field(description="The rows that were scored.")
    predictions: tuple[TableRef, ...] = Field(description="In the order of the rows.")
    rows: int
    quarantined: int
    output: str = Field(description="File or database table that got them.")
    run_key: str
    scored_at: datetime
    shadow: Shadow | None = None


class WayBack(Record):
    """Whether a champion is to give way to the one that it replaced, and why or why not."""

    version: str
    previous: str
    goes_back: bool
    why: str


class ShadowRecord(WayBack):
    """Result of `shadow`: over all inputs of the champion that the one before scored along."""

    rows: int
    disagreement: float = Field(description="Share of the rows.")


class Delivery(Record):
    """Result of `deliver`."""

    version: str
    inputs: int
    rows: int
    quarantined: int
    outputs: tuple[str, ...] = Field(description="At most ten.")
    warnings: tuple[str, ...] = Field(default=(), description="At most ten.")
