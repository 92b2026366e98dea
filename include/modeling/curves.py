"""The points behind the figures of an evaluation, few enough to be kept as JSON."""

from typing import Any, Final

import numpy as np
import numpy.typing as npt
from sklearn import metrics as sk

from include.modeling.metrics import CALIBRATION_BINS, confusion
from include.records import FeatureSchema
from include.records.figures import (
    CalibrationBin,
    Confusion,
    Curves,
    PrecisionRecall,
    Residuals,
    RocCurve,
)

Values = npt.NDArray[Any]
MAX_POINTS: Final = 200
MAX_CURVES: Final = 12
MAX_CONFUSED: Final = 100
MAX_DOTS: Final = 2_000
RESIDUAL_BINS: Final = 40


def trace_curves(schema: FeatureSchema, y: Values, predictions: Values) -> Curves:
    """Trace what can be drawn of these predictions; nothing without rows or with NaN.

    Args:
        schema: The task and its classes.
        y: Class indices, or raw values.
        predictions: What `predict` returned for the same rows.
    """
    if not len(y) or not np.isfinite(predictions).all():
        return Curves()
    if schema.task == "regression":
        return Curves(residuals=_trace_residuals(y, predictions))
    counts = confusion(y, predictions)
    is_shown = len(schema.classes) <= MAX_CONFUSED
    rows = tuple(tuple(row) for row in counts.tolist())
    return Curves(
        confusion=Confusion(classes=schema.classes, counts=rows) if is_shown else None,
        roc=_trace_roc(schema, y, predictions),
        precision_recall=_trace_precision(schema, y, predictions),
        calibration=_trace_calibration(y, predictions),
    )


def _trace_roc(schema: FeatureSchema, y: Values, predictions: Values) -> tuple[RocCurve, ...]:
    """Trace one class against the rest; of two classes the second, of very many none."""
    if len(schema.classes) > MAX_CURVES:
        return ()
    places = [1] if len(schema.classes) == 2 else range(len(schema.classes))
    curves = []
    for place in places:
        is_class = y == place
        if is_class.all() or not is_class.any():
            continue
        alarms, hits, _ = sk.roc_curve(is_class, predictions[:, place])
        kept = _thin(len(alarms))
        curves.append(
            RocCurve(
                name=schema.classes[place],
                false_positive=tuple(alarms[kept].tolist()),
                true_positive=tuple(hits[kept].tolist()),
                area=float(sk.auc(alarms, hits)),
            )
        )
    return tuple(curves)


def _trace_precision(
    schema: FeatureSchema, y: Values, predictions: Values
) -> PrecisionRecall | None:
    """Trace the second of two classes; nothing of more, or where only one of them occurs."""
    if len(schema.classes) != 2 or len(np.unique(y)) < 2:
        return None
    precision, recall, _ = sk.precision_recall_curve(y, predictions[:, 1])
    kept = _thin(len(recall))
    return PrecisionRecall(
        name=schema.classes[1],
        recall=tuple(recall[kept].tolist()),
        precision=tuple(precision[kept].tolist()),
        share=float(np.mean(y)),
        area=float(sk.average_precision_score(y, predictions[:, 1])),
    )


def _trace_calibration(y: Values, predictions: Values) -> tuple[CalibrationBin, ...]:
    confidence = predictions.max(axis=1)
    is_right = predictions.argmax(axis=1) == y
    places = np.minimum((confidence * CALIBRATION_BINS).astype(int), CALIBRATION_BINS - 1)
    return tuple(
        CalibrationBin(
            confidence=float(confidence[places == place].mean()),
            accuracy=float(is_right[places == place].mean()),
            rows=int((places == place).sum()),
        )
        for place in np.unique(places)
    )


def _trace_residuals(y: Values, predictions: Values) -> Residuals:
    chosen = np.arange(len(y))
    if len(y) > MAX_DOTS:
        chosen = np.random.default_rng(0).choice(chosen, MAX_DOTS, replace=False)
    counts, edges = np.histogram(predictions - y, bins=RESIDUAL_BINS)
    return Residuals(
        actual=tuple(y[chosen].tolist()),
        predicted=tuple(predictions[chosen].tolist()),
        edges=tuple(edges.tolist()),
        counts=tuple(counts.tolist()),
    )


def _thin(points: int) -> Values:
    """Choose at most MAX_POINTS places, first and last included."""
    return np.unique(np.linspace(0, points - 1, min(points, MAX_POINTS)).round().astype(int))
