"""The column contract: what each column is, and what of it is taken into training."""

from typing import Annotated, Literal

from pydantic import Field, model_validator

from include.specs.base import SpecModel

NumberFill = Literal["mean", "median", "most_frequent", "forward", "backward", "drop_row"]
Severity = Literal["critical", "warning", "info"]


class ColumnBase(SpecModel):
    """What every kind of column shares."""

    name: str = Field(min_length=1, max_length=200, description="Name as the source writes it.")
    description: str = Field(default="", description="What the column means, for the report.")
    nulls: float = Field(
        default=0.0, ge=0, le=1, description="Largest share of missing values allowed."
    )
    severity: Severity = Field(
        default="critical",
        description="What breaking this column's contract does: critical stops the run, warning "
        "and info are recorded.",
    )
    quarantine: bool = Field(
        default=False,
        description="Move rows that break this column's contract to quarantine and go on with "
        "the rest, up to `quarantine_limit`.",
    )
    missing: tuple[str, ...] | None = Field(
        default=None,
        description="Texts that mean a missing value in this column; those of the source unless "
        'given. `[""]` makes `None` or `NA` a value like others.',
    )
    private: Literal["mask", "hash", "drop"] | None = Field(
        default=None,
        description="Personal data: `mask` keeps the shape only, `hash` a keyed digest, `drop` "
        "nothing. Applied at ingest, before anything is stored or logged. Beside a private "
        "column, reports show small numbers and the shape of all else.",
    )


class NumericColumn(ColumnBase):
    """What number and integer columns share."""

    decimal: Literal[".", ","] = Field(default=".", description="Decimal mark of texts.")
    thousands: Literal["", ",", ".", " ", "'", "_"] = Field(
        default="", description="Mark between thousands that texts may have, in groups of three."
    )
    unit: str = Field(
        default="",
        max_length=20,
        description="What texts may have before or after the number, such as $, % or kg. The "
        "value stays in it: 12% is 12.",
    )
    min: float | None = Field(default=None, description="Smallest value allowed.")
    max: float | None = Field(default=None, description="Largest value allowed.")
    unique: bool = Field(default=False, description="Whether no value may occur twice.")
    fill: NumberFill | float = Field(
        default="median", description="How missing values are filled: a method or a constant."
    )
    indicator: bool = Field(
        default=False, description="Whether to add a 0/1 input that says the value was missing."
    )
    outliers: Literal["keep", "clip", "drop_row", "isolation"] = Field(
        default="keep",
        description="Values outside `outlier_quantiles` of the training rows: kept, clipped to "
        "them, or their training rows dropped. `isolation` looks at all columns so marked at once "
        "and drops the training rows that an isolation forest sets apart.",
    )
    outlier_quantiles: tuple[float, float] = Field(
        default=(0.001, 0.999), description="Lower and upper quantile for `outliers`."
    )
    scale: Literal["standard", "minmax", "robust", "log", "none"] = Field(
        default="standard", description="Scaling, fitted on the training rows; log is log1p first."
    )

    @model_validator(mode="after")
    def check_bounds(self) -> "NumericColumn":
        """Refuse a lower bound above the upper one."""
        if self.min is not None and self.max is not None and self.min > self.max:
            raise ValueError(f"min must not exceed max. Received: min={self.min}, max={self.max}")
        if self.decimal == self.thousands:
            raise ValueError(
                f"decimal and thousands must be different marks. Received: {self.decimal!r} twice"
            )
        low, high = self.outlier_quantiles
        if not 0 <= low < high <= 1:
            raise ValueError(
                f"outlier_quantiles must be two rising numbers in [0, 1]. Received: {[low, high]}"
            )
        return self


class NumberColumn(NumericColumn):
    """A real number."""

    kind: Literal["number"] = Field(description="A real number.")


class IntegerColumn(NumericColumn):
    """A whole number."""

    kind: Literal["integer"] = Field(description="A whole number.")


class BooleanColumn(ColumnBase):
    """True or false, in any of the usual spellings."""

    kind: Literal["boolean"] = Field(description="True or false (also yes/no, t/f, 1/0).")
    fill: Literal["most_frequent", "forward", "backward", "drop_row"] | bool = Field(
        default="most_frequent", description="How missing values are filled."
    )


class CategoryColumn(ColumnBase):
    """One of a set of values, kept as text."""

    kind: Literal["category"] = Field(description="One of a set of values.")
    values: tuple[str, ...] | None = Field(
        default=None,
        min_length=1,
        description="All allowed values. Without it the values seen in training are learned.",
    )
    fill: Literal["own_category", "most_frequent", "forward", "backward", "drop_row"] = Field(
        default="own_category",
        description="Missing values: a category of their own, or filled by a method.",
    )
    encode: Literal["one_hot", "embedding", "hash"] = Field(
        default="one_hot", description="How the network sees the category."
    )
    min_share: float = Field(
        default=0.0, ge=0, lt=1, description="Categories rarer than this are seen as one: rare."
    )
    max_values: int = Field(
        default=100, ge=1, description="Most categories learned; the rest count as rare."
    )
    hash_bins: int = Field(default=64, ge=2, description="Number of bins for `encode: hash`.")

    @model_validator(mode="before")
    @classmethod
    def write_values_as_text(cls, data: object) -> object:
        """Accept numbers and booleans among `values`: a category is text at rest."""
        if isinstance(data, dict) and isinstance(data.get("values"), list | tuple):
            return {**data, "values": tuple(write_as_text(value) for value in data["values"])}
        return data

    @model_validator(mode="after")
    def check_values_differ(self) -> "CategoryColumn":
        """Refuse a value that is listed twice."""
        if self.values is not None and len(set(self.values)) != len(self.values):
            raise ValueError("values must differ from each other")
        return self


class DatetimeColumn(ColumnBase):
    """A point in time."""

    kind: Literal["datetime"] = Field(description="A point in time; UTC where it has no zone.")
    format: str | None = Field(
        default=None,
        description="strptime format; ISO 8601 unless given. unix_s, unix_ms, unix_us and unix_ns "
        "are numbers of seconds (and so on) since 1970.",
    )
    from_parts: tuple[str, ...] = Field(
        default=(),
        max_length=6,
        description="Numeric columns of the source that make up the time, in the order year, "
        "month, day, hour, minute, second; at least the first three. They may be columns of the "
        "contract as well.",
    )
    min: str | None = Field(default=None, description="Earliest time allowed (ISO 8601).")
    max: str | None = Field(default=None, description="Latest time allowed (ISO 8601).")
    parts: tuple[
        Literal["year", "month", "day", "weekday", "hour", "minute", "elapsed_days"], ...
    ] = Field(
        default=("month", "weekday", "hour"),
        description="What the network sees of it; cyclic parts become a sine and a cosine.",
    )

    @model_validator(mode="after")
    def check_from_parts(self) -> "DatetimeColumn":
        """Refuse parts that do not make a day, name a column twice, or come with a format."""
        parts = self.from_parts
        if parts and (len(parts) < 3 or len(set(parts)) < len(parts) or self.format):
            raise ValueError(
                "from_parts must name three to six different columns (year, month, day, …), "
                f"without a format. Received: from_parts={list(parts)}, format={self.format!r}"
            )
        return self


class TextColumn(ColumnBase):
    """Free text."""

    kind: Literal["text"] = Field(description="Free text.")
    max_tokens: int = Field(default=5_000, ge=10, description="Size of the learned vocabulary.")
    length: int = Field(default=64, ge=1, description="Tokens kept of each text.")


class TensorColumn(ColumnBase):
    """An array of fixed shape in every row, such as an image."""

    kind: Literal["tensor"] = Field(description="An array of fixed shape, such as an image.")
    shape: tuple[int, ...] = Field(min_length=1, max_length=4, description="Shape of one value.")
    scale: float = Field(default=1.0, gt=0, description="Divisor that brings values near [0, 1].")
    min: float | None = Field(default=None, description="Smallest element allowed.")
    max: float | None = Field(default=None, description="Largest element allowed.")

    @model_validator(mode="after")
    def check_present(self) -> "TensorColumn":
        """Refuse missing arrays: no fill could stand for one."""
        if self.nulls:
            raise ValueError(
                "an array cannot be missing, since nothing could stand for it: rows without one go "
                f"to quarantine. Received: nulls={self.nulls:g}; leave it out"
            )
        return self


class IdColumn(ColumnBase):
    """Names a row; never a feature."""

    kind: Literal["id"] = Field(description="Names a row; never a feature.")
    unique: bool = Field(default=True, description="Whether no value may occur twice.")


class IgnoreColumn(ColumnBase):
    """Known, and left out."""

    kind: Literal["ignore"] = Field(description="Known and left out; not stored.")


Column = Annotated[
    NumberColumn
    | IntegerColumn
    | BooleanColumn
    | CategoryColumn
    | DatetimeColumn
    | TextColumn
    | TensorColumn
    | IdColumn
    | IgnoreColumn,
    Field(discriminator="kind"),
]


def write_as_text(value: object) -> str:
    """Write a value of YAML as the text that a category or a class is at rest.

    Example:
        >>> [write_as_text(value) for value in (True, 1.0, 2.5, "a")]
        ['true', '1', '2.5', 'a']
    """
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value)


def known_classes(column: Column) -> tuple[str, ...]:
    """Give the classes that a target of this contract can have; none where the rows say it."""
    if isinstance(column, BooleanColumn):
        return ("false", "true")
    return (column.values or ()) if isinstance(column, CategoryColumn) else ()
