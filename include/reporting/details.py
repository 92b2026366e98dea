"""What the page shows of the details that `evaluate` leaves in the run's directory."""

from pydantic import BaseModel, ConfigDict, Field


class SliceRow(BaseModel):
    """Test metrics of the rows that share one value of a column."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    column: str
    value: str
    rows: int
    is_small: bool = Field(default=False, description="Too few rows to read much into.")
    metrics: dict[str, float | None] = Field(default_factory=dict)


class EvaluationDetails(BaseModel):
    """The part of the details that the page shows as tables; keys it does not know are left."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    slices: tuple[SliceRow, ...] = ()


class Addresses(BaseModel):
    """Where to look further; empty where there is nothing to see."""

    model_config = ConfigDict(frozen=True)

    report: str = ""
    comparison: str = Field(default="", description="Candidate's and champion's run side by side.")
    mlflow: str = ""
    airflow: str = ""
