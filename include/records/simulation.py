"""What came of walking over the past by several policies of retraining."""

from pydantic import Field

from include.records.run import Record


class PolicyCourse(Record):
    """How one policy would have done."""

    policy: str
    scores: tuple[float | None, ...] = Field(description="The metric of each window.")
    trained: tuple[int, ...] = Field(description="Windows before which it trained.")
    replaced: tuple[int, ...] = Field(description="Those whose candidate became champion.")
    overall: float | None = Field(description="Mean over the windows, weighted by their rows.")
    seconds: float = Field(description="What its trainings took.")


class Simulation(Record):
    """Result of `simulate`."""

    metric: str
    is_higher_better: bool
    starts: tuple[str, ...] = Field(description="When each window begins.")
    rows: tuple[int, ...] = Field(description="Rows of each window.")
    first_rows: int = Field(description="Rows before the first window, from which all begin.")
    epochs: int = Field(description="Most epochs of a training.")
    courses: tuple[PolicyCourse, ...] = Field(description="The first never trains again.")
