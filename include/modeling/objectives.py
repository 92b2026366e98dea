"""What a fit minimises: loss, optimizer and the one metric shown beside the loss."""

from typing import Any

import keras
import numpy as np
import numpy.typing as npt

from include.modeling.arrays import EPSILON
from include.records import FeatureSchema
from include.specs.model import Loss, TrainingSpec

OPTIMIZERS = {
    "adam": keras.optimizers.Adam,
    "adamw": keras.optimizers.AdamW,
    "sgd": keras.optimizers.SGD,
    "rmsprop": keras.optimizers.RMSprop,
    "nadam": keras.optimizers.Nadam,
}


def build_optimizer(training: TrainingSpec) -> keras.optimizers.Optimizer:
    """Build the optimizer of a spec."""
    return OPTIMIZERS[training.optimizer](learning_rate=training.learning_rate)


def build_loss(schema: FeatureSchema, loss: Loss = "squared") -> keras.losses.Loss:
    """Build the loss of a task: cross-entropy, or the spec's loss of the scaled target."""
    if schema.task == "regression":
        is_absolute = loss == "absolute"
        return keras.losses.MeanAbsoluteError() if is_absolute else keras.losses.MeanSquaredError()
    if schema.outputs == 1:
        return keras.losses.BinaryCrossentropy()
    return keras.losses.SparseCategoricalCrossentropy()


def build_metric(schema: FeatureSchema) -> keras.metrics.Metric:
    """Build the metric shown per epoch, for `model.fit`."""
    if schema.task == "regression":
        return keras.metrics.MeanAbsoluteError(name="mae")
    if schema.outputs == 1:
        return keras.metrics.BinaryAccuracy(name="accuracy")
    return keras.metrics.SparseCategoricalAccuracy(name="accuracy")


def metric_name(schema: FeatureSchema) -> str:
    """Name the metric shown per epoch; `mae` is in units of the scaled target."""
    return "mae" if schema.task == "regression" else "accuracy"


def score_rows(schema: FeatureSchema, target: Any, outputs: Any) -> Any:
    """Return each row's share of the epoch's metric, shape (rows,); numpy or JAX arrays."""
    if schema.task == "regression":
        return abs(target - outputs)[:, 0]
    if schema.outputs == 1:
        return ((outputs > 0.5) == (target > 0.5))[:, 0]
    return outputs.argmax(axis=-1) == target


def measure_outputs(
    schema: FeatureSchema,
    target: npt.NDArray[Any],
    outputs: npt.NDArray[Any],
    loss: Loss = "squared",
) -> dict[str, float]:
    """Compute loss (without penalties) and metric of all rows at once.

    Args:
        schema: The task.
        target: What `to_loss_target` returned.
        outputs: The network's outputs, shape (rows, outputs).
        loss: The spec's loss of a regression.
    """
    rows = np.asarray(outputs, dtype=np.float64)
    if schema.task == "regression":
        errors = np.abs(target - rows)[:, 0]
        losses = errors if loss == "absolute" else np.square(errors)
    elif schema.outputs == 1:
        clipped = np.clip(rows, EPSILON, 1 - EPSILON)
        losses = -(target * np.log(clipped) + (1 - target) * np.log1p(-clipped))[:, 0]
    else:
        likelihood = rows[np.arange(len(rows)), target]
        losses = -np.log(np.clip(likelihood, EPSILON, 1 - EPSILON))
    return {
        "loss": float(losses.mean()),
        metric_name(schema): float(score_rows(schema, target, rows).mean()),
    }
