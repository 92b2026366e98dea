"""The arrays that a network is fitted on, and the form of target that its loss takes."""

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from include.errors import TrainingError
from include.records import FeatureSchema
from include.values.scaling import scale_target

# Keras clips probabilities here before it takes their logarithm; so does whatever we report.
EPSILON = 1e-7


class Arrays(NamedTuple):
    """Rows ready for a network.

    `inputs` holds one array per input, shape (rows, *input shape). `y` is the class index
    (classification) or the raw value (regression), shape (rows,).
    """

    inputs: dict[str, npt.NDArray[Any]]
    y: npt.NDArray[Any]

    @property
    def rows(self) -> int:
        """Number of rows."""
        return len(self.y)

    @property
    def size_bytes(self) -> int:
        """Size of all arrays, in memory or on disk."""
        return sum(int(array.nbytes) for array in (*self.inputs.values(), self.y))


def to_loss_target(schema: FeatureSchema, y: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Return the target as the loss takes it.

    Several classes: int32 indices, shape (rows,). Two classes: float32 zeros and ones, shape
    (rows, 1). Regression: float32, scaled as the schema says, (rows, 1).

    Example:
        >>> schema = FeatureSchema(
        ...     inputs=(), task="regression", target="y", target_mean=10, target_std=2
        ... )
        >>> to_loss_target(schema, np.array([10.0, 14.0])).tolist()
        [[0.0], [2.0]]
    """
    if schema.task == "regression":
        scaled = scale_target(y, schema.scaling)
        return np.asarray(scaled, dtype=np.float32).reshape(-1, 1)
    if schema.outputs == 1:
        return np.asarray(y, dtype=np.float32).reshape(-1, 1)
    return np.asarray(y, dtype=np.int32)


def balance_rows(schema: FeatureSchema, y: npt.NDArray[Any]) -> npt.NDArray[np.float32]:
    """Weigh rows by the inverse share of their class, so that the mean weight is 1.

    A class without rows gets no weight and takes none from the others.

    Raises:
        TrainingError: The task is a regression, which has no classes.

    Example:
        >>> schema = FeatureSchema(
        ...     inputs=(), task="classification", target="y", classes=("a", "b")
        ... )
        >>> balance_rows(schema, np.array([0, 0, 0, 1])).astype(float).round(3).tolist()
        [0.667, 0.667, 0.667, 2.0]
    """
    if schema.task == "regression":
        raise TrainingError(
            "class weights need a classification. Received: training.class_weights=balanced "
            "with target.task=regression. Set class_weights to none."
        )
    counts = np.bincount(y, minlength=len(schema.classes))
    present = np.count_nonzero(counts)
    weights = len(y) / (present * np.maximum(counts, 1))
    return np.asarray(weights[y], dtype=np.float32)
