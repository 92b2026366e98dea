"""One pipeline: the model of a YAML file in `include/pipelines/`.

Every field has its default here and its meaning in its description, from which
`docs/spec.md` is generated.
"""

import hashlib
from functools import cached_property
from typing import Any, Literal

from pydantic import Field, model_validator

from include.errors import did_you_mean
from include.specs.base import SpecModel
from include.specs.bounds import MAX_ROWS
from include.specs.columns import Column, DatetimeColumn, known_classes
from include.specs.data import QualityRule, ServingSpec, TargetSpec
from include.specs.features import CleaningSpec, SelectionSpec, SplitSpec
from include.specs.metrics import METRICS, metrics_for
from include.specs.model import EvaluationSpec, ModelSpec, TrainingSpec
from include.specs.monitoring import MonitoringSpec
from include.specs.names import RESERVED_COLUMNS, ROW_ID
from include.specs.notify import NotifySpec
from include.specs.promotion import PromotionSpec
from include.specs.schedule import ScheduleSpec
from include.specs.scoring import ScoringSpec
from include.specs.sources import FileOptions, FileSource, Source
from include.specs.target_options import check_target_options

NAME_PATTERN = r"^[a-z][a-z0-9_]{0,59}$"


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
    row_limit: int | None = Field(
        default=None, ge=1, le=MAX_ROWS, description="Read at most this many rows."
    )
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
    serving: ServingSpec = Field(
        default=ServingSpec(), description="How the champion answers rows it is asked about."
    )
    scoring: ScoringSpec = Field(
        default=ScoringSpec(), description="New rows: which the champion scores, and to where."
    )
    monitoring: MonitoringSpec = Field(
        default=MonitoringSpec(),
        description="How scored rows and the champion's performance are watched.",
    )
    notify: NotifySpec = Field(default=NotifySpec(), description="Who is told what happens.")
    schedule: ScheduleSpec | None = Field(
        default=None, description="When it retrains by itself; by hand only unless given."
    )
    on: tuple[Literal["data"], ...] = Field(
        default=(),
        description="Also retrain when an asset changes: `data` (`raw__<pipeline>`, which whoever "
        "delivers rows updates). Drift starts a training by `monitoring.on_drift`.",
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
    def digest(self) -> str:
        """SHA-256 of all that it says, defaults too."""
        return hashlib.sha256(self.model_dump_json().encode()).hexdigest()

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
    def row_names(self) -> tuple[str, ...]:
        """Columns that name a row of predictions: those asked for, or the readable ids."""
        ids = (each.name for each in self.stored_columns if each.kind == "id" and not each.private)
        return self.scoring.key or tuple(ids)

    def to_score(self) -> "PipelineSpec":
        """Give the pipeline with the rows to score in place of those that train."""
        return self.replace(source=self.scoring.source or self.read_file(f"incoming/{self.name}"))

    def read_file(self, uri: str) -> FileSource:
        """Give the source that reads another file as the pipeline's own is read."""
        options = {}
        if isinstance(self.source, FileOptions):
            options = self.source.model_dump(include=set(FileOptions.model_fields))
        return FileSource(kind="file", uri=uri, **options)

    def replace(self, **parts: Any) -> "PipelineSpec":
        """Give the pipeline with other parts, which are not checked again."""
        kept = {name: getattr(self, name) for name in type(self).model_fields}
        return type(self).model_construct(**{**kept, **parts})

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
        """Metrics to compute: those asked for, and those that promotion and monitoring need."""
        asked = self.evaluation.metrics or metrics_for(self.target.task)
        bounds = (*self.promotion.requirements, *self.monitoring.requirements)
        needed = (self.compare_metric, *(gate.metric for gate in bounds))
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
                f"Received: {self.target.column!r}; columns: {sorted(self.column_by_name)}."
                f"{did_you_mean(self.target.column, self.column_by_name)}"
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
        check_target_options(column, self.target.task)
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
        if self.monitoring.labels is not None and not self.row_names:
            raise ValueError(
                "monitoring.labels need columns that name a row, by which they are joined. "
                "Received: no scoring.key, and no column of kind id"
            )
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
            "scoring.key": list(self.scoring.key),
        }
        for key, columns in named.items():
            unknown = sorted(set(columns) - known)
            if unknown:
                raise ValueError(f"{key} must name stored columns. Received: {unknown}")
