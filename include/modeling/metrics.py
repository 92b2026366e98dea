"""Metrics of predictions: computed where they are defined, absent where they are not.

Classifications are measured on probabilities, shape (rows, classes); the predicted class is the
most probable one. An absent metric passes no gate, so nothing here guesses a value.

Counts and ranks are taken once for all classes: scikit-learn, which the tests compare with, looks
at its arguments class by class, which takes twenty times as long on the few rows of a slice.
"""

import math
from collections.abc import Callable, Iterable
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from scipy import stats

from include.modeling.arrays import EPSILON
from include.records import FeatureSchema

Values = npt.NDArray[Any]
Floats = npt.NDArray[np.float64]
CALIBRATION_BINS: Final = 15


def compute_metrics(
    schema: FeatureSchema, y: Values, predictions: Values, names: Iterable[str]
) -> dict[str, float]:
    """Compute metrics by name.

    Args:
        schema: The task and its classes.
        y: Class indices, or raw values, shape (rows,).
        predictions: What `predict` returned for the same rows.
        names: Names from `include.specs.metrics`.

    Returns:
        Values in the order of `names`. Absent is what is undefined for these rows: everything
        without rows or with predictions that are not finite; areas under curves where only one
        class occurs; `mape` where a value is 0; `r2` where all values are equal.

    Example:
        >>> schema = FeatureSchema(
        ...     inputs=(), task="classification", target="y", classes=("no", "yes")
        ... )
        >>> sure = np.array([[0.9, 0.1], [0.2, 0.8]])
        >>> compute_metrics(schema, np.array([0, 1]), sure, ["accuracy", "roc_auc"])
        {'accuracy': 1.0, 'roc_auc': 1.0}
    """
    if not len(y) or not np.isfinite(predictions).all():
        return {}
    functions = REGRESSION if schema.task == "regression" else CLASSIFICATION
    found = {name: functions[name](y, predictions) for name in names if name in functions}
    return {
        name: float(value)
        for name, value in found.items()
        if value is not None and math.isfinite(value)
    }


def confusion(y: Values, predictions: Values) -> npt.NDArray[np.int64]:
    """Count rows by true class (first axis) and predicted class (second axis)."""
    classes = predictions.shape[1]
    pairs = np.asarray(y, dtype=np.int64) * classes + predictions.argmax(axis=1)
    return np.bincount(pairs, minlength=classes * classes).reshape(classes, classes)


def calibration_error(y: Values, predictions: Values) -> float:
    """Compute the expected calibration error: mean gap between confidence and accuracy.

    Over 15 bins of equal width on the confidence in the predicted class, weighted by rows (Guo
    et al., 2017, "On Calibration of Modern Neural Networks").
    """
    confidence = predictions.max(axis=1)
    is_right = predictions.argmax(axis=1) == y
    places = np.minimum((confidence * CALIBRATION_BINS).astype(int), CALIBRATION_BINS - 1)
    gaps = np.bincount(places, weights=is_right - confidence, minlength=CALIBRATION_BINS)
    return float(np.abs(gaps).sum() / len(y))


def losses_of_likelihood(y: Values, predictions: Values) -> Values:
    """Return each row's log loss, its likelihood clipped as Keras does."""
    likelihood = predictions[np.arange(len(y)), y]
    return np.asarray(-np.log(np.clip(likelihood, EPSILON, 1.0)))


def hit_rows(y: Values, predictions: Values) -> Values:
    """Return 1 for each row whose most probable class is the true one, else 0."""
    return np.asarray(predictions.argmax(axis=1) == y, dtype=np.float64)


def brier_losses(y: Values, predictions: Values) -> Values:
    """Squared error of the positive class for two classes, summed over classes for more."""
    if predictions.shape[1] == 2:
        return np.asarray(np.square(predictions[:, 1] - y))
    return np.asarray(np.square(predictions - np.eye(predictions.shape[1])[y]).sum(axis=1))


def divide(above: Floats, below: Floats) -> Floats:
    """Divide, with 0 where there is nothing to divide by."""
    return np.divide(above, below, out=np.zeros(len(below)), where=below > 0)


def _of_counts(
    score: Callable[[Floats, Floats, Floats], Floats], weigh: Callable[[Floats, Floats], Floats]
) -> Callable[[Values, Values], float]:
    """Average a score of each class, computed from its hits and its true and predicted rows."""

    def compute(y: Values, predictions: Values) -> float:
        counts = confusion(y, predictions).astype(np.float64)
        hit, true, predicted = counts.diagonal(), counts.sum(axis=1), counts.sum(axis=0)
        return float(np.average(score(hit, true, predicted), weights=weigh(true, predicted)))

    return compute


def _f1(hit: Floats, true: Floats, predicted: Floats) -> Floats:
    return divide(2 * hit, true + predicted)


def _precision(hit: Floats, true: Floats, predicted: Floats) -> Floats:
    del true
    return divide(hit, predicted)


def _recall(hit: Floats, true: Floats, predicted: Floats) -> Floats:
    del predicted
    return divide(hit, true)


def _named(true: Floats, predicted: Floats) -> Floats:
    """Weigh every class alike that occurs or is predicted."""
    return np.asarray(true + predicted > 0, dtype=np.float64)


def _over_classes(
    area: Callable[[npt.NDArray[np.bool_], Floats], float],
) -> Callable[[Values, Values], float | None]:
    """Average one class against the rest over the classes that occur; two classes: the second."""

    def compute(y: Values, predictions: Values) -> float | None:
        present = np.unique(y)
        if len(present) < 2:
            return None
        if predictions.shape[1] == 2:
            return area(y == 1, predictions[:, 1])
        return float(np.mean([area(y == each, predictions[:, each]) for each in present]))

    return compute


def _roc_area(is_positive: npt.NDArray[np.bool_], scores: Floats) -> float:
    """Compute the share of pairs in which the positive row scores higher (Mann and Whitney)."""
    positives = np.count_nonzero(is_positive)
    ranks = stats.rankdata(scores)[is_positive].sum() - positives * (positives + 1) / 2
    return float(ranks / (positives * (len(scores) - positives)))


def rank_precision(
    is_positive: npt.NDArray[np.bool_], scores: Floats
) -> tuple[Floats, Floats, Floats]:
    """Rank rows by score, and take the precision among those that score as much as each or more.

    Returns:
        Of each rank: 1 for a positive row; how many rows, and how many positive ones, come with
        it or before it, rows of equal scores together.
    """
    order = np.argsort(-scores, kind="stable")
    ranked = scores[order]
    hits = is_positive[order].astype(np.float64)
    last = np.searchsorted(-ranked, -ranked, side="right") - 1
    return hits, np.asarray(last + 1, dtype=np.float64), np.cumsum(hits)[last]


def _average_precision(is_positive: npt.NDArray[np.bool_], scores: Floats) -> float:
    hits, above, found = rank_precision(is_positive, scores)
    return float((hits * found / above).sum() / hits.sum())


def _mean_of(losses: Callable[[Values, Values], Values]) -> Callable[[Values, Values], float]:
    return lambda y, predictions: float(losses(y, predictions).mean())


def absolute_errors(y: Values, predictions: Values) -> Values:
    """Return each row's absolute error."""
    return np.asarray(np.abs(predictions - y), dtype=np.float64)


def squared_errors(y: Values, predictions: Values) -> Values:
    """Return each row's squared error."""
    return np.asarray(np.square(predictions - y), dtype=np.float64)


def _mape(y: Values, predictions: Values) -> float | None:
    return None if (y == 0).any() else float(np.abs((predictions - y) / y).mean())


def _r2(y: Values, predictions: Values) -> float | None:
    return None if np.ptp(y) == 0 else float(1 - squared_errors(y, predictions).mean() / np.var(y))


CLASSIFICATION: Final[dict[str, Callable[[Values, Values], float | None]]] = {
    "accuracy": _mean_of(hit_rows),
    "balanced_accuracy": _of_counts(_recall, lambda true, _: np.minimum(true, 1.0)),
    "f1_macro": _of_counts(_f1, _named),
    "f1_weighted": _of_counts(_f1, lambda true, _: true),
    "precision_macro": _of_counts(_precision, _named),
    "recall_macro": _of_counts(_recall, _named),
    "roc_auc": _over_classes(_roc_area),
    "average_precision": _over_classes(_average_precision),
    "log_loss": _mean_of(losses_of_likelihood),
    "brier": _mean_of(brier_losses),
    "calibration_error": calibration_error,
}
REGRESSION: Final[dict[str, Callable[[Values, Values], float | None]]] = {
    "mae": _mean_of(absolute_errors),
    "mse": _mean_of(squared_errors),
    "rmse": lambda y, predictions: math.sqrt(squared_errors(y, predictions).mean()),
    "median_absolute_error": lambda y, predictions: float(
        np.median(absolute_errors(y, predictions))
    ),
    "mape": _mape,
    "r2": _r2,
}
