"""One pipeline: the models of a YAML file in `include/pipelines/`.

Every field has its default here and its meaning in its description, from which
`docs/spec.md` is generated.
"""

import math
import re
from datetime import date
from functools import cached_property
from typing import Literal

from pydantic import Field, field_validator, model_validator

from include.specs.base import SpecModel
from include.specs.bounds import (
    MAX_BATCH_SIZE,
    MAX_EPOCHS,
    MAX_HIDDEN_LAYERS,
    MAX_LEARNING_RATE,
    MAX_SEED,
    MAX_UNITS,
)
from include.specs.columns import Column, DatetimeColumn, Severity, known_classes, write_as_text
from include.specs.metrics import METRICS, Task, metrics_for
from include.specs.sources import Source

NAME_PATTERN = r"^[a-z][a-z0-9_]{0,59}$"
DOTTED_PATTERN = r"^[A-Za-z_][\w]*(\.[A-Za-z_][\w]*)+$"
ROW_ID = "row_id"
RESERVED_COLUMNS = frozenset({ROW_ID, "part"})


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
        default="drop", description="Rows equal to an earlier one in every stored column, ids too."
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
        default=(), description="Lag and rolling features, computed in order."
    )
    leakage: Literal["fail", "warn"] = Field(
        default="fail",
        description="What happens if one feature by itself determines the target.",
    )


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


class ModelSpec(SpecModel):
    """The network."""

    kind: str = Field(
        default="mlp",
        description="mlp, cnn, or the dotted path of your own builder "
        "`def build(schema: FeatureSchema, model: ModelSpec) -> keras.Model`.",
    )
    hidden: tuple[int, ...] = Field(
        default=(64, 32),
        max_length=MAX_HIDDEN_LAYERS,
        description="Units of the hidden dense layers.",
    )
    filters: tuple[int, ...] = Field(
        default=(32, 64),
        max_length=MAX_HIDDEN_LAYERS,
        description="cnn: filters of the convolution blocks.",
    )
    activation: Literal["relu", "gelu", "selu", "elu", "tanh", "swish"] = Field(
        default="relu", description="Activation of the hidden layers."
    )
    dropout: float = Field(default=0.0, ge=0, lt=1, description="Dropout after hidden layers.")
    l2: float = Field(default=0.0, ge=0, description="L2 penalty on the hidden kernels.")
    options: dict[str, float | int | str | bool] = Field(
        default_factory=dict, description="Arguments for a builder of your own."
    )

    @field_validator("kind")
    @classmethod
    def check_kind(cls, value: str) -> str:
        """Accept a known network or a dotted path."""
        if value not in {"mlp", "cnn"} and not re.match(DOTTED_PATTERN, value):
            raise ValueError(
                "kind must be mlp, cnn or a dotted path such as include.networks.my_builder. "
                f"Received: {value!r}"
            )
        return value

    @field_validator("hidden", "filters")
    @classmethod
    def check_units(cls, value: tuple[int, ...]) -> tuple[int, ...]:
        """Refuse layers without units or beyond any use."""
        if any(not 1 <= units <= MAX_UNITS for units in value):
            raise ValueError(f"units must lie in 1 … {MAX_UNITS}. Received: {list(value)}")
        return value


class EarlyStopping(SpecModel):
    """When to stop before the last epoch."""

    patience: int = Field(default=3, ge=1, description="Epochs without improvement to wait.")
    min_delta: float = Field(default=0.0, ge=0, description="Improvement that counts.")


class TrainingSpec(SpecModel):
    """How the network is fitted."""

    epochs: int = Field(default=20, ge=1, le=MAX_EPOCHS, description="Most passes over the rows.")
    batch_size: int = Field(default=32, ge=1, le=MAX_BATCH_SIZE, description="Rows in one step.")
    optimizer: Literal["adam", "adamw", "sgd", "rmsprop", "nadam"] = Field(
        default="adam", description="Keras optimizer."
    )
    learning_rate: float = Field(
        default=0.001, gt=0, le=MAX_LEARNING_RATE, description="Step size."
    )
    early_stopping: EarlyStopping | None = Field(
        default=EarlyStopping(),
        description="Stop when the validation loss no longer falls, and keep the best weights; "
        "null for none.",
    )
    class_weights: Literal["none", "balanced"] = Field(
        default="none", description="balanced weighs rows by the inverse share of their class."
    )
    seed: int = Field(
        default=0, ge=0, le=MAX_SEED, description="Seed of weights, shuffling and dropout."
    )


class EvaluationSpec(SpecModel):
    """What is measured on validation and test."""

    metrics: tuple[str, ...] = Field(
        default=(), description="Metrics, shown in this order; all of the task unless given."
    )
    slices: tuple[str, ...] = Field(
        default=(), description="Columns by whose values the test metrics are split."
    )

    @field_validator("metrics")
    @classmethod
    def check_known(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        """Refuse a metric that nobody computes."""
        for name in value:
            if name not in METRICS:
                raise ValueError(f"unknown metric. Received: {name!r}; known: {sorted(METRICS)}")
        return value


class Requirement(SpecModel):
    """One absolute gate: a test metric and its bound."""

    metric: str
    is_minimum: bool
    bound: float

    def is_met(self, value: float | None) -> bool:
        """Tell whether a metric passes; a missing or NaN one never does.

        Example:
            >>> Requirement(metric="accuracy", is_minimum=True, bound=0.9).is_met(float("nan"))
            False
        """
        if value is None:
            return False
        return value >= self.bound if self.is_minimum else value <= self.bound

    def __str__(self) -> str:
        return f"{self.metric} {'>=' if self.is_minimum else '<='} {self.bound:g}"


class PromotionSpec(SpecModel):
    """What a candidate must show to become champion."""

    require: dict[str, str] = Field(
        default_factory=dict,
        description='Absolute gates on test metrics, e.g. {accuracy: ">= 0.95"}.',
    )
    compare: str | None = Field(
        default=None,
        description="Test metric that must beat the champion's; log_loss or rmse unless given.",
    )
    approval: Literal["never", "inconclusive", "always"] = Field(
        default="inconclusive",
        description="When a person decides in the Airflow UI; no answer means no.",
    )
    approval_hours: float = Field(
        default=24,
        gt=0,
        le=365 * 24,
        description="Hours until an unanswered request counts as no; a year at most.",
    )

    @field_validator("require")
    @classmethod
    def check_require(cls, value: dict[str, str]) -> dict[str, str]:
        """Refuse bounds that cannot be read."""
        for name, text in value.items():
            parse_requirement(name, text)
        return value

    @cached_property
    def requirements(self) -> tuple[Requirement, ...]:
        """The absolute gates, read."""
        return tuple(parse_requirement(name, text) for name, text in self.require.items())


class ScheduleSpec(SpecModel):
    """When the pipeline retrains by itself."""

    cron: str = Field(description='Cron expression, e.g. "0 3 * * 1" for Mondays at 3:00.')
    timezone: str = Field(default="UTC", description="IANA zone the cron is read in.")
    catchup_from: date | None = Field(
        default=None,
        description="Make up for the runs missed since this day; none are made up for without it.",
    )

    @field_validator("cron")
    @classmethod
    def check_cron(cls, value: str) -> str:
        """Refuse what croniter, Airflow's own reader, cannot read or never reaches."""
        from croniter import croniter
        from croniter.croniter import CroniterError

        try:
            # Airflow asks for both, and if there is none it writes down no DAG of the whole file.
            croniter(value).get_next()
            croniter(value).get_prev()
        except CroniterError as error:
            raise ValueError(
                'cron must be an expression such as "0 3 * * 1" that comes up again and again. '
                f"Received: {value!r}"
            ) from error
        return value

    @field_validator("timezone")
    @classmethod
    def check_timezone(cls, value: str) -> str:
        """Refuse a zone the system does not know."""
        from zoneinfo import ZoneInfo

        try:
            ZoneInfo(value)
        except (KeyError, ValueError, OSError) as error:
            raise ValueError(f"timezone must be an IANA name. Received: {value!r}") from error
        return value


class PipelineSpec(SpecModel):
    """One pipeline: what the user wants, and nothing about where things are."""

    name: str = Field(pattern=NAME_PATTERN, description="Id of the pipeline, its DAGs and model.")
    description: str = Field(default="", description="One line for lists and pages.")
    owner: str = Field(
        default="gatehouse",
        min_length=1,
        max_length=200,
        description="Who is asked when it fails.",
    )
    source: Source = Field(description="Where the rows come from.")
    row_limit: int | None = Field(default=None, ge=1, description="Read at most this many rows.")
    target: TargetSpec = Field(description="What is predicted.")
    columns: tuple[Column, ...] = Field(min_length=1, description="The column contract.")
    quality: tuple[QualityRule, ...] = Field(
        default=(), description="Expectations beyond those the contract writes by itself."
    )
    quarantine_limit: float = Field(
        default=0.01,
        ge=0,
        le=1,
        description="Largest share of rows that may go to quarantine before the run fails.",
    )
    min_rows: int = Field(default=20, ge=1, description="Fewest rows that may train.")
    cleaning: CleaningSpec = Field(default=CleaningSpec(), description="Row-wise cleaning.")
    split: SplitSpec = Field(default=SplitSpec(), description="Train, validation and test.")
    selection: SelectionSpec | None = Field(
        default=None,
        description="Keep the features with most mutual information about the target; all unless "
        "given.",
    )
    model: ModelSpec = Field(default=ModelSpec(), description="The network.")
    training: TrainingSpec = Field(default=TrainingSpec(), description="How it is fitted.")
    evaluation: EvaluationSpec = Field(default=EvaluationSpec(), description="What is measured.")
    promotion: PromotionSpec = Field(
        default=PromotionSpec(), description="What a candidate must show."
    )
    schedule: ScheduleSpec | None = Field(
        default=None, description="When it retrains by itself; by hand only unless given."
    )

    @model_validator(mode="after")
    def check_relations(self) -> "PipelineSpec":
        """Check what concerns several parts at once."""
        self._check_columns()
        self._check_target()
        self._check_metrics()
        self._check_references()
        return self

    @cached_property
    def column_by_name(self) -> dict[str, Column]:
        """The contract by column name."""
        return {column.name: column for column in self.columns}

    @cached_property
    def stored_columns(self) -> tuple[Column, ...]:
        """Columns that are kept at rest: all but ignored and dropped private ones."""
        return tuple(
            column
            for column in self.columns
            if column.kind != "ignore" and column.private != "drop"
        )

    @cached_property
    def feature_columns(self) -> tuple[Column, ...]:
        """Columns that the network may see."""
        return tuple(
            column
            for column in self.stored_columns
            if column.kind != "id"
            and column.name != self.target.column
            and column.private != "mask"
        )

    @cached_property
    def target_column(self) -> Column:
        """The contract of the column that is predicted."""
        return self.column_by_name[self.target.column]

    @cached_property
    def metric_names(self) -> tuple[str, ...]:
        """Metrics to compute: those asked for, and those that promotion needs."""
        asked = self.evaluation.metrics or metrics_for(self.target.task)
        needed = (self.compare_metric, *(gate.metric for gate in self.promotion.requirements))
        return tuple(dict.fromkeys((*asked, *needed)))

    @property
    def compare_metric(self) -> str:
        """The metric that decides between candidate and champion."""
        default = "log_loss" if self.target.task == "classification" else "rmse"
        return self.promotion.compare or default

    def _check_columns(self) -> None:
        names = [column.name for column in self.columns]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise ValueError(f"column names must differ. Received twice: {twice}")
        reserved = sorted(RESERVED_COLUMNS.intersection(names))
        if reserved:
            raise ValueError(f"reserved column names, rename them in the source: {reserved}")

    def _check_target(self) -> None:
        column = self.column_by_name.get(self.target.column)
        if column is None:
            raise ValueError(
                "target.column must be one of the columns. "
                f"Received: {self.target.column!r}; columns: {sorted(self.column_by_name)}"
            )
        allowed = (
            {"category", "boolean", "integer"}
            if self.target.task == "classification"
            else {"number", "integer"}
        )
        if column.kind not in allowed or column.private is not None:
            raise ValueError(
                f"the target of a {self.target.task} must be a column of kind "
                f"{' or '.join(sorted(allowed))}, not private. "
                f"Received: kind={column.kind}, private={column.private}"
            )
        if not self.feature_columns:
            raise ValueError("at least one column beside the target must be a feature")
        self._check_composed_times()
        self._check_positive()

    def _check_composed_times(self) -> None:
        for each in self.feature_columns:
            if isinstance(each, DatetimeColumn) and self.target.column in each.from_parts:
                raise ValueError(
                    "from_parts must not name the target, which its features would then hold. "
                    f"Received: {each.name}: {list(each.from_parts)}"
                )

    def _check_positive(self) -> None:
        positive, classes = self.target.positive, known_classes(self.target_column)
        if positive is not None and classes and positive not in classes:
            raise ValueError(
                f"target.positive must be one of the classes of {self.target.column!r}, "
                f"{list(classes)}. Received: {positive!r}"
            )

    def _check_metrics(self) -> None:
        for name in self.metric_names:
            metric = METRICS.get(name)
            if metric is None or metric.task != self.target.task:
                raise ValueError(
                    f"metrics of a {self.target.task}: {list(metrics_for(self.target.task))}. "
                    f"Received: {name!r}"
                )

    def _check_references(self) -> None:
        known = {column.name for column in self.stored_columns} | {ROW_ID}
        cleaning = self.cleaning
        named = {
            "split.by": [self.split.by],
            "evaluation.slices": list(self.evaluation.slices),
            "cleaning.order_by": [cleaning.order_by] if cleaning.order_by else [],
            "cleaning.group_by": [cleaning.group_by] if cleaning.group_by else [],
            "cleaning.forward_fill": list(cleaning.forward_fill),
            "cleaning.backward_fill": list(cleaning.backward_fill),
            "cleaning.lags": [lag.column for lag in cleaning.lags],
        }
        for key, columns in named.items():
            unknown = sorted(set(columns) - known)
            if unknown:
                raise ValueError(f"{key} must name stored columns. Received: {unknown}")


def parse_requirement(metric: str, text: str) -> Requirement:
    """Read a gate such as `>= 0.95`.

    Raises:
        ValueError: The text is not `>=` or `<=` and a finite number.

    Example:
        >>> str(parse_requirement("accuracy", ">=0.95"))
        'accuracy >= 0.95'
    """
    match = re.fullmatch(r"\s*(>=|<=)\s*(-?\d+(?:\.\d*)?(?:[eE]-?\d+)?)\s*", str(text))
    if match is None:
        raise ValueError(f'a gate is written ">= 0.95" or "<= 0.2". Received: {metric}: {text!r}')
    if not math.isfinite(float(match[2])):
        raise ValueError(f"a gate's bound must be finite. Received: {metric}: {text!r}")
    return Requirement(metric=metric, is_minimum=match[1] == ">=", bound=float(match[2]))
