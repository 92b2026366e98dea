"""The target: class indices for a classification, raw numbers for a regression."""

from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
from pydantic import Field

from include.errors import DataError
from include.features.encoders import Fitted, Fitter
from include.features.numbers import NumberFitter
from include.features.typed_values import read_numbers, read_texts
from include.records import TargetScale
from include.specs import PipelineSpec
from include.specs.columns import IntegerColumn, NumberColumn
from include.specs.metrics import Task
from include.values.statistics import ValueCounts


class TargetEncoder(Fitted):
    """What turns the target column into what the network is fitted to."""

    column: str
    task: Task
    classes: tuple[str, ...] = Field(default=(), description="Classes in the network's order.")
    mean: float = 0.0
    std: float = Field(default=1.0, gt=0)
    scale: TargetScale | None = None

    def encode(self, values: pa.Array) -> npt.NDArray[Any]:
        """Give int32 class indices, or float64 numbers in their own unit.

        Raises:
            DataError: A target is missing, or of a class that training never saw.
        """
        if self.task == "regression":
            numbers = read_numbers(values, self.column)
            _check_none_missing(self.column, np.isnan(numbers))
            return numbers
        texts = read_texts(values)
        _check_none_missing(self.column, pc.is_null(texts).to_numpy(zero_copy_only=False))
        places = pc.index_in(texts, value_set=pa.array(self.classes, texts.type))
        if places.null_count:
            unseen = pc.unique(texts.filter(pc.is_null(places))).to_pylist()
            raise DataError(
                f"target {self.column!r}: expected the classes of the training rows, "
                f"{list(self.classes)}. Received: {unseen[:5]}. Add rows of these classes to "
                "training (`split: {method: stratified}` spreads them), or correct the labels."
            )
        return np.asarray(places.to_numpy(zero_copy_only=False).astype(np.int32))


class ClassFitter(Fitter):
    """Fits the `TargetEncoder` of a classification."""

    def __init__(self, spec: PipelineSpec) -> None:
        """Begin without rows."""
        super().__init__(spec.target.column)
        self._spec = spec
        self._counts = ValueCounts()

    def observe(self, values: pa.Array) -> None:
        """Count classes."""
        self._counts.update(read_texts(values))

    def finish(self) -> TargetEncoder:  # type: ignore[override]  # a target is no feature
        """Give the encoder.

        Raises:
            DataError: There are fewer than two classes, or a class of the contract is missing.
        """
        return TargetEncoder(
            column=self.column,
            task="classification",
            classes=order_classes(self._spec, dict(self._counts.ranked())),
        )


class NumberTargetFitter(NumberFitter):
    """Fits the `TargetEncoder` of a regression; its scaling is found as a feature's is."""

    def __init__(self, column: NumberColumn | IntegerColumn) -> None:
        """Begin without rows; a target has no gaps, and outliers of it are what is to be told."""
        super().__init__(column.model_copy(update={"fill": "mean", "outliers": "keep"}))

    def finish(self) -> TargetEncoder:  # type: ignore[override]  # a target is no feature
        """Give the encoder."""
        encoder = super().finish()
        if encoder is None:
            raise DataError(
                f"target {self.column!r}: expected numbers among the training rows. Received: "
                "none. Check the source, or the column named as target."
            )
        return TargetEncoder(
            column=self.column,
            task="regression",
            mean=self.moments.mean,
            std=self.moments.std or 1.0,
            scale=TargetScale(
                center=encoder.center, width=encoder.width, log_origin=encoder.log_origin
            ),
        )


def build_target_fitter(spec: PipelineSpec) -> ClassFitter | NumberTargetFitter:
    """Build what fits the target's encoder."""
    column = spec.target_column
    if spec.target.task == "regression" and isinstance(column, NumberColumn | IntegerColumn):
        return NumberTargetFitter(column)
    return ClassFitter(spec)


def order_classes(spec: PipelineSpec, counts: dict[str, int]) -> tuple[str, ...]:
    """Order the classes seen in training: as the contract lists them, else sorted.

    Of two classes the positive one comes last: `target.positive`, else the rarer.

    Raises:
        DataError: There are fewer than two classes, a class of the contract has no training
            row, or the positive class is not among them.
    """
    listed = getattr(spec.target_column, "values", None)
    classes = tuple(listed) if listed else tuple(sort_naturally(counts))
    _check_classes(spec, classes, counts)
    if len(classes) != 2:
        return classes
    positive = spec.target.positive
    if positive is None:
        return classes if counts[classes[1]] <= counts[classes[0]] else classes[::-1]
    if positive not in classes:
        raise DataError(
            f"target {spec.target.column!r}: expected target.positive to be one of "
            f"{list(classes)}. Received: {positive!r}. Correct it in the pipeline's YAML."
        )
    return classes if classes[1] == positive else classes[::-1]


def sort_naturally(values: dict[str, int]) -> list[str]:
    """Sort texts, as numbers if all of them are: 2 stands before 10.

    Example:
        >>> sort_naturally({"10": 1, "2": 1})
        ['2', '10']
    """
    try:
        return sorted(values, key=float)
    except ValueError:
        return sorted(values)


def _check_classes(spec: PipelineSpec, classes: tuple[str, ...], counts: dict[str, int]) -> None:
    name = spec.target.column
    if len(counts) < 2:
        raise DataError(
            f"target {name!r}: expected at least two classes among the training rows. "
            f"Received: {sorted(counts)}. Check the source, or the column named as target."
        )
    missing = [value for value in classes if value not in counts]
    if missing:
        raise DataError(
            f"target {name!r}: expected training rows of every class. Received: none of "
            f"{missing[:10]}. Use `split: {{method: stratified}}`, bring more rows, or take the "
            "class out of the column's `values`."
        )


def _check_none_missing(column: str, missing: npt.NDArray[np.bool_]) -> None:
    if missing.any():
        raise DataError(
            f"target {column!r}: expected a value in every row. Received: {int(missing.sum())} "
            "missing. Set `cleaning: {missing_target: drop}`, or complete the source."
        )
