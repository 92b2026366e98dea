"""What is predicted and what must hold of the rows: target and quality rules."""

from typing import Literal

from pydantic import Field, field_validator

from include.specs.base import SpecModel
from include.specs.columns import Severity, write_as_text
from include.specs.metrics import Task


class TargetSpec(SpecModel):
    """What is predicted."""

    column: str = Field(description="Name of the column to predict.")
    task: Task = Field(description="classification or regression.")
    positive: str | None = Field(
        default=None,
        description="Binary classification: the value that counts as positive; the rarer of the "
        "two unless given.",
    )

    @field_validator("positive", mode="before")
    @classmethod
    def write_positive_as_text(cls, value: object) -> object:
        """Accept a number or a boolean: classes are text at rest."""
        return write_as_text(value) if isinstance(value, bool | int | float) else value


class ServingSpec(SpecModel):
    """How the model answers rows that its contract does not allow."""

    broken_rows: Literal["refuse", "warn"] = Field(
        default="refuse",
        description="Rows with a value that does not cast, is missing where `nulls` is 0, or lies "
        "outside `min`, `max` or `values`. `refuse`: no row of the request is answered, and the "
        "error names the values. `warn`: they are answered with the reason in the column "
        "`warning`, a value that cannot be read taken as missing. Columns whose severity is "
        "warning or info only ever warn.",
    )


class QualityRule(SpecModel, extra="allow"):
    """One expectation of Great Expectations, by its own name and arguments."""

    expect: str = Field(
        description="Name of the expectation (expect_column_values_to_be_between) or the dotted "
        "path of your own class."
    )
    severity: Severity = Field(
        default="critical", description="critical stops the run; warning and info are recorded."
    )
    quarantine: bool = Field(
        default=False, description="Move failing rows to quarantine and go on with the rest."
    )
    where: str | None = Field(
        default=None, description="Row condition as `column op value`, e.g. `age >= 18`."
    )

    @property
    def arguments(self) -> dict[str, object]:
        """The expectation's own arguments, as written."""
        return dict(self.model_extra or {})
