"""Does one feature give the target away? Checked on a bounded sample of training rows.

A feature made from the target, or written after it was known, makes a perfect score and a
useless model. A column is reported if by itself it determines the target: a number that ranks
it (area under the ROC curve, or rank correlation, of `LIMIT` or more; with several classes,
ranges of the number that hold one class each), or a category or text whose values have one target
each and are far fewer than the rows; values that are rare count as one. Classes with few rows are
left out of this; if fewer than two remain, a column is reported that copies the target under any
names. Tensors and lag features are not looked at, nor are texts beyond their first `TEXT_LENGTH`
characters.
"""

import itertools
from collections.abc import Callable, Iterator
from typing import Final

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from include.errors import LeakageError
from include.features.contract import FeatureColumn, list_feature_columns, list_lag_columns
from include.features.leak_signs import Codes, explain, explain_bands, explain_copy, number_values
from include.features.row_plan import Batch, RowPlan
from include.features.splits import TRAIN
from include.features.typed_values import read_numbers, read_texts
from include.specs import PipelineSpec
from include.specs.columns import (
    DatetimeColumn,
    TensorColumn,
    TextColumn,
)
from include.values.frames import to_frame
from include.values.hashing import mix64
from include.values.statistics import Floats

SAMPLE_ROWS: Final = 20_000
TEXT_LENGTH: Final = 200
_MIN_ROWS: Final = 30
_MIN_OF_A_CLASS: Final = 10
_MIN_OF_A_COPY: Final = 5
Explain = Callable[[FeatureColumn, pd.Series, Codes | None, Floats], str]


def check_columns(spec: PipelineSpec) -> None:
    """Check that no feature is put together from the target.

    Raises:
        LeakageError: One is.
    """
    for column in spec.feature_columns:
        if not isinstance(column, DatetimeColumn) or not column.parts:
            continue
        if spec.target.column in column.from_parts:
            raise LeakageError(
                f"expected no feature that is made from the target {spec.target.column!r}. "
                f"Received: column {column.name!r} with from_parts={list(column.from_parts)}. "
                "Take the target out of from_parts, or give the column `parts: []` if it only "
                "orders the rows."
            )


def check_leakage(spec: PipelineSpec, sample: pd.DataFrame) -> list[str]:
    """Check every feature of a sample of training rows against the target.

    Returns:
        Warnings, if the spec says that leaks only warn.

    Raises:
        LeakageError: A feature determines the target.
    """
    if len(sample) < _MIN_ROWS:
        return []
    found = find_leaks(spec, sample)
    if not found or spec.cleaning.leakage == "warn":
        return [f"column {name!r} alone determines the target: {how}" for name, how in found]
    listed = "; ".join(f"{name!r} ({how})" for name, how in found[:5])
    raise LeakageError(
        f"expected no feature that by itself determines the target {spec.target.column!r}. "
        f"Received: {listed}. If it is made from the target or known only after it, give it "
        "`kind: ignore`; if it is known when a prediction is made, set "
        "`cleaning: {leakage: warn}`."
    )


def find_leaks(spec: PipelineSpec, sample: pd.DataFrame) -> list[tuple[str, str]]:
    """Find the features that determine the target, and how each was seen."""
    series = sample[spec.target.column]
    if spec.target.task == "regression":
        target = read_numbers(series, str(series.name))
        bands = (explain_bands,) if spec.split.method != "time" else ()
        signs = (_search(spec, sample, None, target, one) for one in (*bands, explain))
        return list(dict(itertools.chain.from_iterable(signs)).items())
    codes = number_values(read_texts(series).to_pandas())
    fewest_rows: tuple[tuple[int, Explain], ...] = (
        (_MIN_OF_A_CLASS, explain),
        (_MIN_OF_A_COPY, explain_copy),
    )
    for fewest, explain_column in fewest_rows:
        chosen = np.bincount(codes)[codes] >= fewest
        kept = number_values(codes[chosen])
        if np.unique(kept).size > 1:
            return _search(spec, sample[chosen], kept, kept.astype(np.float64), explain_column)
    return []


def list_checked_columns(spec: PipelineSpec) -> list[FeatureColumn]:
    """List the features that are looked at."""
    exempt = {*list_lag_columns(spec), spec.cleaning.order_by}
    if spec.split.method == "time":
        exempt.add(spec.split.by)
    return [
        column
        for column in list_feature_columns(spec)
        if column.name not in exempt and not isinstance(column, TensorColumn)
    ]


class TrainingSample:
    """At most `SAMPLE_ROWS` training rows, those whose hashed positions are the smallest.

    Texts are cut to their first `TEXT_LENGTH` characters, so that memory stays bounded.
    """

    def __init__(self, spec: PipelineSpec, plan: RowPlan) -> None:
        """Choose rows, of which none was read yet."""
        positions = np.flatnonzero(plan.parts == TRAIN)
        if len(positions) > SAMPLE_ROWS:
            priorities = mix64(positions.astype(np.uint64))
            positions = positions[np.argpartition(priorities, SAMPLE_ROWS)[:SAMPLE_ROWS]]
        self._is_chosen = np.zeros(len(plan.parts), dtype=bool)
        self._is_chosen[positions] = True
        features = [
            column for column in list_feature_columns(spec) if not isinstance(column, TensorColumn)
        ]
        self._texts = [column.name for column in features if isinstance(column, TextColumn)]
        self.columns = tuple(
            dict.fromkeys((spec.target.column, *(column.name for column in features)))
        )
        self._plan = plan
        self._taken: list[pa.Table] = []

    def stream(self, *more: str) -> Iterator[pa.Table]:
        """Stream all training rows, with further columns, and take the chosen the first time."""
        is_taken = bool(self._taken)
        for batch in self._plan.stream((*self.columns, *more), part=TRAIN):
            if not is_taken:
                self._take(batch)
            yield batch.rows

    def _take(self, batch: Batch) -> None:
        chosen = pa.array(self._is_chosen[batch.positions])
        rows = batch.rows.select(list(self.columns)).filter(chosen)
        for name in self._texts:
            texts = pc.utf8_slice_codeunits(read_texts(rows.column(name)), 0, TEXT_LENGTH)
            rows = rows.set_column(rows.schema.get_field_index(name), name, texts)
        self._taken.append(rows)

    def to_frame(self) -> pd.DataFrame:
        """Give the rows taken, in table order."""
        return to_frame(pa.concat_tables(self._taken))


def sample_training_rows(spec: PipelineSpec, plan: RowPlan) -> pd.DataFrame:
    """Read a sample of the training rows."""
    sample = TrainingSample(spec, plan)
    for _ in sample.stream():
        pass
    return sample.to_frame()


def _search(
    spec: PipelineSpec,
    sample: pd.DataFrame,
    codes: Codes | None,
    target: Floats,
    explain_column: Explain,
) -> list[tuple[str, str]]:
    found = []
    for column in list_checked_columns(spec):
        how = explain_column(column, sample[column.name], codes, target)
        if how:
            found.append((column.name, how))
    return found
