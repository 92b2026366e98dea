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

from collections.abc import Callable
from typing import Final

import numpy as np
import pandas as pd
import pyarrow.compute as pc

from include.errors import LeakageError
from include.features.contract import FeatureColumn, list_feature_columns, list_lag_columns
from include.features.leak_signs import Codes, explain, explain_copy, number_values
from include.features.row_plan import RowPlan
from include.features.splits import TRAIN
from include.features.typed_values import read_numbers, read_texts
from include.specs import PipelineSpec
from include.specs.columns import (
    DatetimeColumn,
    TensorColumn,
    TextColumn,
)
from include.values.hashing import mix64
from include.values.statistics import Floats

SAMPLE_ROWS: Final = 20_000
TEXT_LENGTH: Final = 200
_FEWEST_ROWS: Final = 30
_FEWEST_OF_A_CLASS: Final = 10
_FEWEST_OF_A_COPY: Final = 5
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
    if len(sample) < _FEWEST_ROWS:
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
        return _search(spec, sample, None, read_numbers(series), explain)
    codes = number_values(read_texts(series).to_pandas())
    fewest_rows: tuple[tuple[int, Explain], ...] = (
        (_FEWEST_OF_A_CLASS, explain),
        (_FEWEST_OF_A_COPY, explain_copy),
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


def sample_training_rows(spec: PipelineSpec, plan: RowPlan) -> pd.DataFrame:
    """Read at most `SAMPLE_ROWS` training rows, those whose hashed positions are the smallest.

    Texts are cut to their first `TEXT_LENGTH` characters, so that memory stays bounded.
    """
    positions = np.flatnonzero(plan.parts == TRAIN)
    if len(positions) > SAMPLE_ROWS:
        priorities = mix64(positions.astype(np.uint64))
        positions = positions[np.argpartition(priorities, SAMPLE_ROWS)[:SAMPLE_ROWS]]
    is_chosen = np.zeros(len(plan.parts), dtype=bool)
    is_chosen[positions] = True
    features = [
        column for column in list_feature_columns(spec) if not isinstance(column, TensorColumn)
    ]
    texts = [column.name for column in features if isinstance(column, TextColumn)]
    columns = (spec.target.column, *(column.name for column in features))
    return pd.concat(
        [
            _cut_texts(batch.frame[is_chosen[batch.positions]], texts)
            for batch in plan.stream(columns, part=TRAIN)
        ],
        ignore_index=True,
    )


def _cut_texts(frame: pd.DataFrame, columns: list[str]) -> pd.DataFrame:
    cut = {
        name: pc.utf8_slice_codeunits(read_texts(frame[name]), 0, TEXT_LENGTH).to_pandas()
        for name in columns
    }
    return frame.assign(**{name: texts.set_axis(frame.index) for name, texts in cut.items()})


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
