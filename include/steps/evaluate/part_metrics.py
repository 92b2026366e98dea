"""Measuring models on the parts of the features table, for the step `evaluate`."""

import logging
from collections.abc import Sequence
from typing import Any, NamedTuple

import keras
import numpy as np
import numpy.typing as npt
import pandas as pd

from include.modeling.metrics import compute_metrics
from include.modeling.prediction import predict
from include.modeling.slices import Rows, Slice, measure_slices
from include.records import FeatureSchema, ModelMetrics, TableRef
from include.specs import PipelineSpec
from include.steps.evaluate.evidence import list_slice_columns
from include.steps.train.feature_arrays import read_arrays
from include.tables.store import read_frame

logger = logging.getLogger(__name__)


class ScoredRows(NamedTuple):
    """The test rows as stored, their target, and what the candidate predicts for them."""

    frame: pd.DataFrame
    y: npt.NDArray[Any]
    predictions: npt.NDArray[np.float64]


def score_test_rows(network: keras.Model, features: TableRef, schema: FeatureSchema) -> ScoredRows:
    """Predict the test rows; `prepare` made sure that there are some."""
    arrays = read_arrays(features, schema, "test")
    predictions = predict(network, arrays.inputs, schema=schema)
    return ScoredRows(read_frame(features, part="test_rows"), arrays.y, predictions)


def measure(
    schema: FeatureSchema,
    y: npt.NDArray[Any],
    predictions: npt.NDArray[Any],
    *,
    names: Sequence[str],
) -> ModelMetrics:
    """Compute the named metrics."""
    return ModelMetrics(metrics=compute_metrics(schema, y, predictions, names), rows=len(y))


def measure_validation(
    network: keras.Model, features: TableRef, schema: FeatureSchema, *, names: Sequence[str]
) -> ModelMetrics | None:
    """Measure the candidate on the validation rows; None where there are none."""
    arrays = read_arrays(features, schema, "validation")
    if not arrays.rows:
        return None
    return measure(schema, arrays.y, predict(network, arrays.inputs, schema=schema), names=names)


def measure_test_slices(
    spec: PipelineSpec, schema: FeatureSchema, test: ScoredRows
) -> tuple[Slice, ...]:
    """Measure the slices that the spec asks for; private columns and tensors have none."""
    columns = list_slice_columns(spec)
    for name in spec.evaluation.slices:
        if name not in columns:
            column = spec.column_by_name[name]
            why = "private" if column.private else "a tensor"
            logger.warning("no slices by column %s: it is %s", name, why)
    rows = Rows(test.y, test.predictions)
    return measure_slices(schema, rows, test.frame[columns], metrics=spec.metric_names)
