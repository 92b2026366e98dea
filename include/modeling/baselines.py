"""The trivial guesses that any network must beat: always alike, or the same as some rows ago."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

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


def predict_past(
    schema: FeatureSchema, frame: pd.DataFrame, lags: Sequence[int]
) -> dict[int, npt.NDArray[np.float64]]:
    """Predict that the target is what it was some rows ago, for each of its lags.

    The shortest lag is the last value known when the prediction is made; among the longer ones
    are seasons. A row that lacks one takes the next longer that it has, as whoever repeats the
    last known value would; without any it is guessed as the mean of training.

    Args:
        schema: The task, with the target's mean; only a regression has a past.
        frame: The rows, with the columns `<target>_lag_<n>`.
        lags: Rows to look back.
    """
    if schema.task != "regression":
        return {}
    guesses: dict[int, npt.NDArray[np.float64]] = {}
    known = np.full(len(frame), schema.target_mean)
    for lag in sorted(set(lags), reverse=True):
        past = frame[f"{schema.target}_lag_{lag}"].to_numpy(dtype=np.float64, na_value=np.nan)
        guesses[lag] = known = np.where(np.isnan(past), known, past)
    return dict(reversed(guesses.items()))
