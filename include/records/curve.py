"""The learning curve: its plan, its points, and what they tell."""

from typing import Literal

from pydantic import Field

from include.records.run import Record


class CurvePlan(Record):
    """Result of `plan_curve`: the shares of the training rows to fit on, smallest first."""

    shares: tuple[float, ...] = ()
    train_rows: int = 0


class CurvePoint(Record):
    """Result of `fit_share`: what a network fitted on a share of the training rows comes to."""

    share: float
    rows: int = Field(description="Training rows that it saw.")
    metrics: dict[str, float] = Field(description="Metrics on all test rows.")
    epochs: int
    seconds: float
    run_id: str = Field(default="", description="The nested MLflow run.")


class LearningCurve(Record):
    """Result of `draw_curve`: a metric against training rows, and what twice as many would bring.

    `doubling_gain` is oriented so that above 0 the metric gets better; `low` and `high` bound it
    with the stated confidence. All three are absent where the points do not tell.
    """

    metric: str
    points: tuple[CurvePoint, ...]
    missing: tuple[float, ...] = Field(
        default=(), description="Shares that were planned and gave no point."
    )
    kind: Literal["power_law", "log_line", "unknown"]
    parameters: dict[str, float] = Field(
        default_factory=dict, description="power_law: a + b·rows^-c; log_line: a + b·ln(rows)."
    )
    doubling_gain: float | None = None
    low: float | None = None
    high: float | None = None
    confidence: float = 0.8
    sentence: str
    figure: str = Field(description="Path among the run's files and artifacts.")
