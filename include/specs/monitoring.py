"""When the rows that are scored count as another world than the one a model was trained in."""

from typing import Literal

from pydantic import Field

from include.specs.base import SpecModel
from include.specs.schedule import ScheduleSpec


class MonitoringSpec(SpecModel):
    """How scored rows are watched, and what follows if they drift."""

    schedule: ScheduleSpec | None = Field(
        default=None, description="When windows are looked at; after every delivery unless given."
    )
    alpha: float = Field(
        default=0.01,
        gt=0,
        le=0.5,
        description="Probability of a false alarm in a window in which nothing moved, over all "
        "columns together.",
    )
    min_shift: float = Field(
        default=0.1,
        ge=0,
        description="Least population stability index that matters, however certain a shift is.",
    )
    min_rows: int = Field(
        default=100, ge=10, description="Fewest rows of a window that say anything."
    )
    ignore: tuple[str, ...] = Field(
        default=(), description="Columns that move by their nature, such as a date."
    )
    on_drift: Literal["tell", "retrain"] = Field(
        default="tell",
        description="What a drift does: it stands in the record of the window; or it starts a "
        "training as well.",
    )
    cooldown_days: float = Field(
        default=1.0, ge=0, description="Days between two trainings that drift starts."
    )
    weekly_budget: int = Field(
        default=2, ge=1, description="Most trainings within seven days that drift starts."
    )
