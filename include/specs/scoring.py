"""Which rows the champion scores, and where its predictions go."""

from typing import Literal

from pydantic import Field, model_validator

from include.specs.base import SpecModel
from include.specs.schedule import ScheduleSpec
from include.specs.sources import Source

AssetEvent = Literal["rows", "champion"]


class ScoringOutput(SpecModel):
    """Where predictions go beside the table of the data root."""

    format: Literal["parquet", "csv", "sql"] = Field(
        default="parquet", description="Files of Parquet or CSV, or a table of a database."
    )
    uri: str = Field(
        default="",
        max_length=4_000,
        description="Directory or URI (s3://…) of the files, one for each input below "
        "`model_version=<n>/`; `predictions/<pipeline>` in the data root unless given.",
    )
    formulas: bool = Field(
        default=False,
        description="CSV: leave texts as they are that a spreadsheet takes for formulas; they get "
        "an apostrophe in front unless set.",
    )
    connection: str = Field(
        default="", description="sql: id of an Airflow connection (PostgreSQL, SQLite or MySQL)."
    )
    table: str = Field(
        default="",
        pattern=r"^([A-Za-z_][A-Za-z0-9_]{0,62})?$",
        description="sql: table to write by upsert; it is made if it is not there.",
    )

    @model_validator(mode="after")
    def check_place(self) -> "ScoringOutput":
        """Refuse a database without a table, and a table without a database."""
        is_complete = bool(self.connection and self.table)
        if (self.format == "sql") != is_complete:
            raise ValueError(
                "format sql needs connection and table, and only sql does. Received: "
                f"format={self.format}, connection={self.connection!r}, table={self.table!r}"
            )
        return self


class ShadowSpec(SpecModel):
    """How the champion before scores along after a promotion, and what follows if both disagree."""

    inputs: int = Field(
        default=3,
        ge=0,
        le=1_000,
        description="First inputs of a new champion that the one before scores as well; 0: none.",
    )
    max_disagreement: float = Field(
        default=0.3,
        gt=0,
        le=1,
        description="Largest share of their rows on which both may disagree: another class, or "
        "numbers more than half a standard deviation of the target apart. It counts as passed "
        "when the lower end of the share's 95 % interval is beyond it.",
    )
    tolerance: float = Field(
        default=0.0,
        ge=0,
        description="How much worse than the one before it may be by late labels of these rows, in "
        "units of `promotion.compare`; it counts as passed when it is surely worse than that, but "
        "for a chance of `monitoring.alpha`.",
    )
    then: Literal["ask", "rollback"] = Field(
        default="ask",
        description="What follows beyond either: a person is asked in the run of the DAG "
        "`rollback`, and no answer keeps the champion; or it goes back by itself, and tells.",
    )


class ScoringSpec(SpecModel):
    """Which rows the champion scores, when, and where its predictions go."""

    source: Source | None = Field(
        default=None,
        description="Rows to score; of files, each one is scored once by each version. The folder "
        "`incoming/<pipeline>` of the sources unless given, read as the pipeline's own file is.",
    )
    schedule: ScheduleSpec | None = Field(
        default=None, description="When it looks for new rows; by hand only unless given."
    )
    on: tuple[AssetEvent, ...] = Field(
        default=(),
        description="Also start when an asset changes: `rows` (`incoming__<pipeline>`, which "
        "whoever delivers rows updates), `champion` (`model__<pipeline>`: what there is is scored "
        "by the new version).",
    )
    output: ScoringOutput = Field(default=ScoringOutput(), description="Where predictions go.")
    key: tuple[str, ...] = Field(
        default=(),
        description="Columns that name a row, written beside its prediction and the key of an "
        "upsert; the columns of kind id unless given, the input and place where there are none.",
    )
    probabilities: bool = Field(
        default=True, description="Write the probability of every class beside the class."
    )
    explanations: bool = Field(
        default=False,
        description="Write beside each prediction the three columns that add most to it, by "
        "integrated gradients; a row takes some hundred passes through the network.",
    )
    shadow: ShadowSpec = Field(
        default=ShadowSpec(), description="The champion before, held against a new one."
    )
    shard_rows: int = Field(
        default=1_000_000,
        ge=1_000,
        le=100_000_000,
        description="Rows that one task predicts; larger inputs are divided, for several workers.",
    )
