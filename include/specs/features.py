"""From rows to features: cleaning, lags, the split, and which features are worth keeping."""

from typing import Literal

from pydantic import Field, field_validator, model_validator

from include.specs.base import SpecModel
from include.specs.bounds import MAX_SEED
from include.specs.names import ROW_ID


class LagFeatures(SpecModel):
    """Values of earlier rows as columns of the current one, for time series."""

    column: str = Field(description="Numeric column to look back in (the target may be named).")
    lags: tuple[int, ...] = Field(default=(), description="Rows to look back; 1 is the row before.")
    windows: tuple[int, ...] = Field(
        default=(),
        description="Window lengths for a mean over the rows before the current one.",
    )

    @model_validator(mode="after")
    def check_positive(self) -> "LagFeatures":
        """Refuse lags that would look at the present or the future."""
        if any(step < 1 for step in (*self.lags, *self.windows)):
            raise ValueError("lags and windows must be 1 or more: 0 would show the present")
        return self


class CleaningSpec(SpecModel):
    """What happens to whole rows before the split."""

    duplicates: Literal["drop", "keep", "fail"] = Field(
        default="keep",
        description="Rows equal to an earlier one in every stored column, ids too: kept, all of "
        "them in one part, as they may be other things; dropped; or a reason to stop.",
    )
    missing_target: Literal["drop", "fail"] = Field(
        default="fail", description="Rows whose target is missing."
    )
    isolation_share: float = Field(
        default=0.01,
        gt=0,
        le=0.5,
        description="Share of the training rows that `outliers: isolation` sets apart.",
    )
    order_by: str | None = Field(
        default=None,
        description="Column that orders the rows for fills and lags; `split.by` of a time split "
        "unless given.",
    )
    group_by: str | None = Field(
        default=None, description="Column within whose groups forward fill and lags stay."
    )
    forward_fill: tuple[str, ...] = Field(
        default=(), description="Columns whose missing values take the value before, in order."
    )
    backward_fill: tuple[str, ...] = Field(
        default=(),
        description="Columns whose missing values take the value after, in order, within a part.",
    )
    lags: tuple[LagFeatures, ...] = Field(
        default=(),
        description="Lag and rolling features, computed in order. Rows to score look back within "
        "their own file or query only: let it begin as many rows earlier as the lags reach back.",
    )
    horizon: int = Field(
        default=1,
        ge=1,
        description="How many rows ahead is predicted. No lag may be shorter, and windows end so "
        "many rows before the current one.",
    )
    leakage: Literal["fail", "warn"] = Field(
        default="fail",
        description="What happens if one feature by itself determines the target.",
    )

    @model_validator(mode="after")
    def check_horizon(self) -> "CleaningSpec":
        """Refuse lags that would not be known yet."""
        short = sorted({step for lag in self.lags for step in lag.lags if step < self.horizon})
        if short:
            raise ValueError(
                f"lags must not be shorter than the horizon of {self.horizon} rows: their values "
                f"are not known yet when a prediction is made. Received: {short}"
            )
        return self


class SplitSpec(SpecModel):
    """Which rows train, validate and test."""

    method: Literal["hash", "stratified", "group", "time", "given"] = Field(
        default="hash",
        description="hash of a key (stable when rows are appended), stratified by the target, "
        "group (hash of a group's key), time (last rows test), or given by the source's files.",
    )
    by: str = Field(
        default=ROW_ID,
        description="Column to hash, group or order by; `row_id` is the row's place in the source. "
        "No other key stands in two parts, save in a time split.",
    )
    fractions: tuple[float, float, float] = Field(
        default=(0.7, 0.15, 0.15),
        description="Shares of train, validation and test. With method `given` the test share is "
        "the source's and the first two divide the training file.",
    )
    gap: int = Field(default=0, ge=0, description="Rows left out between parts of a time split.")
    seed: int = Field(default=0, ge=0, le=MAX_SEED, description="Salt of the hash.")

    @field_validator("fractions")
    @classmethod
    def check_sum(cls, value: tuple[float, float, float]) -> tuple[float, float, float]:
        """Refuse shares that are negative, empty for train, or do not add up to 1."""
        if min(value) < 0 or value[0] <= 0 or abs(sum(value) - 1) > 1e-6:
            raise ValueError(
                "fractions must be three shares (train > 0) that add up to 1. "
                f"Received: {list(value)}"
            )
        return value


class SelectionSpec(SpecModel):
    """Which features are worth keeping."""

    keep: int = Field(ge=1, description="Most columns kept, those that tell most of the target.")
    always: tuple[str, ...] = Field(
        default=(), description="Columns kept whatever they tell; they count."
    )
