"""Measuring models on the parts of the features table, for the step `evaluate`."""

import logging
from collections.abc import Sequence
from typing import Any, NamedTuple

import keras
import numpy as np
import numpy.typing as npt
import pandas as pd

from include.modeling.comparison import compare_predictions
from include.modeling.metrics import compute_metrics
from include.modeling.prediction import predict
from include.modeling.slices import Rows, Slice, measure_slices
from include.records import Comparison, FeatureSchema, ModelMetrics, TableRef
from include.specs import PipelineSpec
from include.steps.evaluate.champion import ChampionScores
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


def measure_persistence(
    spec: PipelineSpec, schema: FeatureSchema, test: ScoredRows
) -> tuple[ModelMetrics | None, int]:
    """Measure the guess that the target is what it was the longest of its lags ago.

    Rows without that much history are guessed as the mean of training.

    Returns:
        The metrics and the lag in rows; None and 0 where the target has no lags.
    """
    steps = [step for lag in spec.cleaning.lags if lag.column == schema.target for step in lag.lags]
    if schema.task != "regression" or not steps:
        return None, 0
    past = test.frame[f"{schema.target}_lag_{max(steps)}"].astype("float64")
    guess = past.fillna(schema.target_mean).to_numpy()
    return measure(schema, test.y, guess, names=spec.metric_names), max(steps)


def measure_validation(
    network: keras.Model, features: TableRef, schema: FeatureSchema, *, names: Sequence[str]
) -> ModelMetrics | None:
    """Measure the candidate on the validation rows; None where there are none."""
    arrays = read_arrays(features, schema, "validation")
    if not arrays.rows:
        return None
    return measure(schema, arrays.y, predict(network, arrays.inputs, schema=schema), names=names)


def measure_champion(
    schema: FeatureSchema,
    y: npt.NDArray[Any],
    champion: ChampionScores | None,
    *,
    names: Sequence[str],
) -> ModelMetrics | None:
    """Measure the champion; None where there is none or it could not score the rows."""
    if champion is None or champion.predictions is None:
        return None
    return measure(schema, y, champion.predictions, names=names)


def compare_with_champion(
    spec: PipelineSpec,
    schema: FeatureSchema,
    test: ScoredRows,
    champion: ChampionScores | None,
) -> Comparison | None:
    """Compare on the spec's metric; a champion that failed gives a comparison with its error."""
    if champion is None:
        return None
    metric = spec.compare_metric
    if champion.predictions is None:
        found = compute_metrics(schema, test.y, test.predictions, [metric])
        return Comparison(
            metric=metric,
            candidate=found.get(metric),
            champion=None,
            difference=None,
            error=champion.error,
        )
    return compare_predictions(
        schema,
        test.y,
        candidate=test.predictions,
        champion=champion.predictions,
        metric=metric,
        seed=spec.training.seed,
    )


def measure_test_slices(
    spec: PipelineSpec, schema: FeatureSchema, test: ScoredRows
) -> tuple[Slice, ...]:
    """Measure the slices that the spec asks for; private columns and tensors have none."""
    columns = []
    for name in spec.evaluation.slices:
        column = spec.column_by_name.get(name)
        if column is not None and (column.private is not None or column.kind == "tensor"):
            why = "private" if column.private else "a tensor"
            logger.warning("no slices by column %s: it is %s", name, why)
        else:
            columns.append(name)
    rows = Rows(test.y, test.predictions)
    return measure_slices(schema, rows, test.frame[columns], metrics=spec.metric_names)
