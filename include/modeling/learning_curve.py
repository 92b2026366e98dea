"""A metric against training rows: the fitted curve, and what twice the rows would bring.

The curve is the power law `error = a + b·rows^-c` that learning curves follow in practice (Hestness
et al., 2017, "Deep Learning Scaling is Predictable, Empirically"), where `error` is the metric
itself if lower is better and 1 − metric otherwise. With few points it is easy to see a law where
there is chance, so points must show a trend before anything is said.
"""

import math
from typing import Final, Literal, NamedTuple

import numpy as np
import numpy.typing as npt
from scipy import stats

from include.errors import TrainingError
from include.modeling.power_law import (
    Law,
    Values,
    bound_law,
    fit_law,
    is_better_than_flat,
    scatter_scale,
)

CONFIDENCE: Final = 0.8
# How sure one must be that there is a trend at all.
SIGNIFICANCE: Final = 0.05
MIN_POINTS: Final = 3
CurveKind = Literal["power_law", "log_line", "unknown"]


class CurveFit(NamedTuple):
    """A fitted curve; without support in the points it is `unknown` and `reason` says why.

    `parameters` give the metric: a + b·rows^-c, or a + b·ln(rows). `gain` is what twice the rows
    would bring, above 0 where the metric gets better, between `low` and `high`.
    """

    kind: CurveKind
    parameters: dict[str, float]
    gain: float | None = None
    low: float | None = None
    high: float | None = None
    reason: str = ""

    def predict(self, rows: npt.ArrayLike) -> Values:
        """Return the metric that the curve gives for numbers of rows."""
        n, found = np.asarray(rows, dtype=np.float64), self.parameters
        if self.kind == "power_law":
            return np.asarray(found["a"] + found["b"] * n ** -found["c"])
        if self.kind == "log_line":
            return np.asarray(found["a"] + found["b"] * np.log(n))
        raise TrainingError("a curve that is unknown predicts nothing. Received: kind='unknown'")


class _Line(NamedTuple):
    """A straight line over the logarithm of the rows; `doubt` is the chance of none."""

    start: float
    slope: float
    error: float
    rss: float
    doubt: float


def fit_learning_curve(
    rows: npt.ArrayLike, values: npt.ArrayLike, *, is_higher_better: bool, seed: int = 0
) -> CurveFit:
    """Fit a metric against training rows.

    A power law if the points support it, a straight line in the logarithm of the rows if only
    that, and neither if they show no trend. The range comes from the scatter of the points
    around the curve (parametric bootstrap, or Student's t for the line).

    Args:
        rows: Training rows of each point.
        values: The metric of each point.
        is_higher_better: The metric's direction; such a metric has 1 as its best value.
        seed: Seed of the bootstrap.

    Example:
        >>> rows = np.array([100, 200, 500, 1000, 2000])
        >>> fit = fit_learning_curve(rows, 0.1 + 4 * rows**-0.5, is_higher_better=False)
        >>> fit.kind, round(fit.parameters["c"], 2), round(fit.gain, 4)
        ('power_law', 0.5, 0.0262)
    """
    n = np.asarray(rows, dtype=np.float64)
    y = np.asarray(values, dtype=np.float64)
    error = 1 - y if is_higher_better else y
    points = len(np.unique(n))
    if points < MIN_POINTS:
        few = "1 point" if points == 1 else f"{points} points"
        return _unknown(f"a trend needs at least {MIN_POINTS} points, and there is {few}")
    line, law = _fit_line(n, error), fit_law(n, error)
    is_line = line.doubt < SIGNIFICANCE
    if law is not None and _is_law_better(law, line if is_line else None, error):
        low, high = bound_law(law, n, error, confidence=CONFIDENCE, seed=seed)
        return _describe_law(law, float(n.max()), low, high, is_higher_better=is_higher_better)
    if is_line:
        return _describe_line(line, error, n, is_higher_better=is_higher_better)
    scatter = float(np.std(error, ddof=1))
    return _unknown(f"the {len(n)} points show no trend beyond their scatter of ±{scatter:.2g}")


def _fit_line(n: Values, error: Values) -> _Line:
    """Fit by least squares, weighted as the law is, and test whether the line falls."""
    weights, x = scatter_scale(error) ** -2, np.log(n)
    centre, middle = np.average(x, weights=weights), np.average(error, weights=weights)
    width = float(weights @ np.square(x - centre))
    slope = float((weights * (x - centre)) @ (error - middle)) / width
    start = float(middle - slope * centre)
    rss = float(weights @ np.square(error - start - slope * x))
    free = len(n) - 2
    deviation = math.sqrt(rss / free / width)
    if deviation > 0:
        doubt = float(stats.t.cdf(slope / deviation, free))
    else:
        doubt = 0.0 if slope < 0 else 1.0
    return _Line(start, slope, deviation, rss, doubt)


def _is_law_better(law: Law, line: _Line | None, error: Values) -> bool:
    """Hold the law against a constant, and against a line that shows a trend if there is one."""
    if not is_better_than_flat(law, error, significance=SIGNIFICANCE):
        return False
    points = len(error)
    return line is None or law.rss / (points - 3) <= line.rss / (points - 2)


def _describe_law(
    law: Law, most: float, low: float, high: float, *, is_higher_better: bool
) -> CurveFit:
    sign = -1 if is_higher_better else 1
    parameters = {
        "a": 1 - law.floor if is_higher_better else law.floor,
        "b": sign * law.drop * most**law.power,
        "c": law.power,
    }
    return CurveFit("power_law", parameters, law.gain, low, high)


def _describe_line(line: _Line, error: Values, n: Values, *, is_higher_better: bool) -> CurveFit:
    sign = -1 if is_higher_better else 1
    parameters = {
        "a": 1 - line.start if is_higher_better else line.start,
        "b": sign * line.slope,
    }
    # No error falls below 0, whatever the line says.
    room = max(0.0, line.start + line.slope * math.log(n.max()))
    step = line.error * float(stats.t.ppf((1 + CONFIDENCE) / 2, len(error) - 2))
    gain, low, high = (
        min(max(0.0, -slope * math.log(2)), room)
        for slope in (line.slope, line.slope + step, line.slope - step)
    )
    return CurveFit("log_line", parameters, gain, low, high)


def _unknown(reason: str) -> CurveFit:
    return CurveFit("unknown", {}, reason=reason)
