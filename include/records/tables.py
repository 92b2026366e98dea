"""Tables at rest: where they lie, and what `ingest` and `prepare` say of them."""

from typing import Literal

from pydantic import Field

from include.records.run import Record


class TableRef(Record):
    """A table at rest: where, what, how large."""

    uri: str
    key: str = Field(description="Digest of what the table was made from.")
    rows: int
    size_bytes: int
    columns: int
    parts: dict[str, int] = Field(default_factory=dict, description="Rows by part, if divided.")
    is_reused: bool = Field(default=False, description="Found by its key rather than computed.")


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


class TargetScale(Record):
    """How a regression's target is scaled: `(y - center) / width`, of its log1p if asked for."""

    center: float = 0.0
    width: float = Field(default=1.0, gt=0)
    log_origin: float | None = Field(
        default=None, description="With scale log: log1p(y - log_origin) is scaled."
    )


class FeatureSchema(Record):
    """What a network takes in and gives out; stored beside the tables, not in XCom.

    Classification: `classes` in the order of the network's outputs; binary networks give one
    output, the probability of `classes[1]`. Regression: the network predicts the target as
    `scaling` scales it; mean and deviation are those of the training rows, in its own unit.
    """

    inputs: tuple[FeatureInput, ...]
    task: Literal["classification", "regression"]
    target: str
    classes: tuple[str, ...] = ()
    target_mean: float = 0.0
    target_std: float = 1.0
    target_scale: TargetScale | None = Field(
        default=None, description="Regression: null stands for mean and deviation."
    )

    @property
    def scaling(self) -> TargetScale:
        """How the target of a regression is scaled."""
        return self.target_scale or TargetScale(center=self.target_mean, width=self.target_std)

    @property
    def outputs(self) -> int:
        """Number of the network's outputs."""
        return len(self.classes) if len(self.classes) > 2 else 1


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

    @property
    def rows(self) -> int:
        """Rows that were split; of the table's own count those that test are counted twice."""
        return self.train_rows + self.validation_rows + self.test_rows
