"""The trivial model that any network must beat: it knows the target of the training rows only."""

from typing import Any

import numpy as np
import numpy.typing as npt

from include.records import FeatureSchema


def predict_baseline(
    schema: FeatureSchema, train_y: npt.NDArray[Any], rows: int
) -> npt.NDArray[np.float64]:
    """Predict the same for every row: the shares of the classes in training, or the mean.

    By the shares the predicted class is the majority class, and the log loss is that of knowing
    nothing but how often each class occurs.

    Args:
        schema: The task and its classes.
        train_y: Target of the training rows.
        rows: How many rows to predict.

    Example:
        >>> schema = FeatureSchema(
        ...     inputs=(), task="classification", target="y", classes=("no", "yes")
        ... )
        >>> predict_baseline(schema, np.array([0, 0, 0, 1]), rows=1).tolist()
        [[0.75, 0.25]]
    """
    if schema.task == "regression":
        return np.full(rows, np.mean(train_y), dtype=np.float64)
    shares = np.bincount(train_y, minlength=len(schema.classes)) / len(train_y)
    return np.tile(shares, (rows, 1))
