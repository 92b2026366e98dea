"""Each row's influence on a metric: what the metric would gain if that row weighed more.

A metric of many rows is close to its true value plus the mean of its influences (Hampel 1974,
"The influence curve and its role in robust estimation"), also where it is no mean itself. How sure
it is follows from how they vary, row by row, or cluster by cluster where rows hang together.
Influences are given up to a constant, which differences from their mean do not see.
"""

import math
from collections.abc import Callable
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from scipy import stats

from include.modeling.metrics import (
    CALIBRATION_BINS,
    absolute_errors,
    brier_losses,
    confusion,
    divide,
    hit_rows,
    losses_of_likelihood,
    rank_precision,
    squared_errors,
)

Values = npt.NDArray[Any]
Floats = npt.NDArray[np.float64]
Influence = Callable[[Values, Values], Floats]


def compute_influences(metric: str, y: Values, predictions: Values) -> Floats:
    """Compute each row's influence on a metric that is defined for these rows.

    Args:
        metric: Name of the metric.
        y: Class indices, or raw values, shape (rows,).
        predictions: What `predict` returned for the same rows.

    Example:
        >>> y, predicted = np.array([1.0, 2.0]), np.array([1.5, 2.0])
        >>> compute_influences("mae", y, predicted).tolist()
        [0.5, 0.0]
    """
    return np.asarray(INFLUENCES[metric](y, predictions), dtype=np.float64)


def _of_root(y: Values, predictions: Values) -> Floats:
    losses = squared_errors(y, predictions)
    root = math.sqrt(losses.mean())
    return np.asarray(losses / (2 * root) if root > 0 else losses)


def _of_r2(y: Values, predictions: Values) -> Floats:
    losses, spread = squared_errors(y, predictions), np.square(y - y.mean())
    total = spread.mean()
    return np.asarray((losses.mean() / total * spread - losses) / total)


def _of_median(y: Values, predictions: Values) -> Floats:
    """Weigh rows on either side by the density at the median, with Bofinger's bandwidth (1975)."""
    losses = absolute_errors(y, predictions)
    width = min(0.25, 0.648 * len(losses) ** -0.2)
    low, middle, high = np.quantile(losses, [0.5 - width, 0.5, 0.5 + width])
    return np.asarray(np.where(losses > middle, 0.5, -0.5) * (high - low) / (2 * width))


def _of_mape(y: Values, predictions: Values) -> Floats:
    return np.asarray(np.abs((predictions - y) / y))


def _of_calibration(y: Values, predictions: Values) -> Floats:
    confidence = predictions.max(axis=1)
    gaps = hit_rows(y, predictions) - confidence
    places = np.minimum((confidence * CALIBRATION_BINS).astype(int), CALIBRATION_BINS - 1)
    signs = np.sign(np.bincount(places, weights=gaps, minlength=CALIBRATION_BINS))
    return np.asarray(signs[places] * gaps)


def _of_counts(
    weigh: Callable[[Floats, Floats, Floats], tuple[Floats, Floats, Floats]],
) -> Influence:
    """Differentiate what is computed from hits, true and predicted shares of each class."""

    def compute(y: Values, predictions: Values) -> Floats:
        counts = confusion(y, predictions) / len(y)
        of_hit, of_true, of_predicted = weigh(
            counts.diagonal(), counts.sum(axis=1), counts.sum(axis=0)
        )
        predicted = predictions.argmax(axis=1)
        hits = np.where(predicted == y, of_hit[y], 0.0)
        return np.asarray(hits + of_true[y] + of_predicted[predicted])

    return compute


def _balanced(hit: Floats, true: Floats, predicted: Floats) -> tuple[Floats, Floats, Floats]:
    return _scale(*_recall(hit, true), np.zeros_like(hit), classes=int(np.count_nonzero(true)))


def _macro_recall(hit: Floats, true: Floats, predicted: Floats) -> tuple[Floats, Floats, Floats]:
    named = int(np.count_nonzero(true + predicted))
    return _scale(*_recall(hit, true), np.zeros_like(hit), classes=named)


def _macro_precision(hit: Floats, true: Floats, predicted: Floats) -> tuple[Floats, Floats, Floats]:
    of_hit, of_predicted = _recall(hit, predicted)
    named = int(np.count_nonzero(true + predicted))
    return _scale(of_hit, np.zeros_like(hit), of_predicted, classes=named)


def _macro_f1(hit: Floats, true: Floats, predicted: Floats) -> tuple[Floats, Floats, Floats]:
    both = true + predicted
    of_hit, of_both = 2 * divide(np.ones_like(both), both), -2 * divide(hit, np.square(both))
    return _scale(of_hit, of_both, of_both, classes=int(np.count_nonzero(both)))


def _weighted_f1(hit: Floats, true: Floats, predicted: Floats) -> tuple[Floats, Floats, Floats]:
    both = true + predicted
    score = 2 * divide(hit, both)
    of_hit, of_both = 2 * divide(true, both), -2 * true * divide(hit, np.square(both))
    return of_hit, score + of_both, of_both


def _recall(hit: Floats, of: Floats) -> tuple[Floats, Floats]:
    return divide(np.ones_like(of), of), -divide(hit, np.square(of))


def _scale(*derivatives: Floats, classes: int) -> tuple[Floats, Floats, Floats]:
    first, second, third = (each / max(classes, 1) for each in derivatives)
    return first, second, third


def _over_classes(of_scores: Callable[[npt.NDArray[np.bool_], Floats], Floats]) -> Influence:
    """Average one class against the rest, as the metric does; of two, the second alone counts."""

    def compute(y: Values, predictions: Values) -> Floats:
        if predictions.shape[1] == 2:
            return of_scores(y == 1, predictions[:, 1])
        total, present = np.zeros(len(y)), np.unique(y)
        for each in present:
            total += of_scores(y == each, predictions[:, each])
        return total / len(present)

    return compute


def _of_roc(is_positive: npt.NDArray[np.bool_], scores: Floats) -> Floats:
    """Place each row among those of the other class (DeLong, DeLong and Clarke-Pearson 1988)."""
    share = is_positive.mean()
    among_all = stats.rankdata(scores)
    placed = np.empty(len(scores))
    for side, mask in ((1.0, is_positive), (0.0, ~is_positive)):
        others = among_all[mask] - stats.rankdata(scores[mask])
        wins = others / (~mask).sum()
        placed[mask] = wins if side else 1.0 - wins
    area = placed[is_positive].mean()
    return np.asarray((placed - area) / np.where(is_positive, share, 1.0 - share))


def _of_average_precision(is_positive: npt.NDArray[np.bool_], scores: Floats) -> Floats:
    """Differentiate the mean precision at the positives, by its own and by every row above it."""
    order = np.argsort(-scores, kind="stable")
    first = np.searchsorted(-scores[order], -scores[order], side="left")
    hits, above, found = rank_precision(is_positive, scores)
    rows, share = len(scores), hits.mean()
    above, found = above / rows, found / rows
    precision = found / above
    score = (hits * precision).sum() / hits.sum()
    # Sums over the positives at or below each row: it stands among those above them.
    gain = np.cumsum((hits / above)[::-1])[::-1][first] / rows
    cost = np.cumsum((hits * found / np.square(above))[::-1])[::-1][first] / rows
    influences = np.empty(rows)
    influences[order] = (hits * (gain - score + precision) - cost) / share
    return influences


# On the same rows these order two models as a mean does, whose error holds with fewer rows.
ORDERED_AS: Final = {"rmse": "mse", "r2": "mse"}
# Averages over classes: as sure as what they say of the rarest.
OVER_CLASSES: Final = frozenset(
    {
        "balanced_accuracy",
        "f1_macro",
        "precision_macro",
        "recall_macro",
        "roc_auc",
        "average_precision",
    }
)
INFLUENCES: Final[dict[str, Influence]] = {
    "accuracy": hit_rows,
    "balanced_accuracy": _of_counts(_balanced),
    "f1_macro": _of_counts(_macro_f1),
    "f1_weighted": _of_counts(_weighted_f1),
    "precision_macro": _of_counts(_macro_precision),
    "recall_macro": _of_counts(_macro_recall),
    "roc_auc": _over_classes(_of_roc),
    "average_precision": _over_classes(_of_average_precision),
    "log_loss": losses_of_likelihood,
    "brier": brier_losses,
    "calibration_error": _of_calibration,
    "mae": absolute_errors,
    "mse": squared_errors,
    "rmse": _of_root,
    "median_absolute_error": _of_median,
    "mape": _of_mape,
    "r2": _of_r2,
}
