"""When the rows that are scored count as another world than the one a model was trained in."""

from typing import Literal

from pydantic import Field

from include.specs.promotion import Requirements
from include.specs.schedule import ScheduleSpec
from include.specs.sources import Source


class MonitoringSpec(Requirements):
    """How scored rows are watched, and what follows if they drift or the champion gets worse."""

    schedule: ScheduleSpec | None = Field(
        default=None, description="When windows are looked at; after every delivery unless given."
    )
    labels: Source | None = Field(
        default=None,
        description="Rows of `scoring.key` and the target, as they become known; of rows with the "
        "same key the last one counts. The folder `labels/<pipeline>` of the sources unless given, "
        "read as the pipeline's own file is.",
    )
    require: dict[str, str] = Field(
        default_factory=dict,
        description='What the champion must go on showing, e.g. {accuracy: ">= 0.8"}. Performance '
        "is lost where the whole interval breaks a bound: of the metric by late labels, or without "
        "them by its estimate.",
    )
    alpha: float = Field(
        default=0.01,
        gt=0,
        le=0.5,
        description="Probability of a false alarm in a window in which nothing moved, over all "
        "columns together; and of one in all bounds of `require`.",
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
        description="What a drift or a lost performance does: it stands in the record of the "
        "window; or it starts a training as well.",
    )
    cooldown_days: float = Field(
        default=1.0, ge=0, description="Days between two trainings that windows start."
    )
    weekly_budget: int = Field(
        default=2, ge=1, description="Most trainings within seven days that windows start."
    )
