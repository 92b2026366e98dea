"""A metric against training rows: which rows a share takes, the fitted curve, a doubling's gain.

The curve is the power law `error = a + b·rows^-c` that learning curves follow in practice (Hestness
et al., 2017, "Deep Learning Scaling is Predictable, Empirically"), where `error` is the metric
itself if lower is better and 1 − metric otherwise. With few points it is easy to see a law where
there is chance, so points must show a trend before anything is said.
"""

import math
import warnings
from typing import Any, Final, Literal, NamedTuple

import numpy as np
import numpy.typing as npt
from scipy import optimize, stats

from include.errors import TrainingError

CONFIDENCE: Final = 0.8
# How sure one must be that there is a trend at all.
SIGNIFICANCE: Final = 0.05
FEWEST_POINTS: Final = 3
RESAMPLES: Final = 200
LEAST_POWER, MOST_POWER = 0.01, 3.0
GOLDEN: Final = np.uint64(0x9E3779B97F4A7C15)

Values = npt.NDArray[np.float64]
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


class _Law(NamedTuple):
    """A power law over rows as multiples of the most rows."""

    floor: float
    drop: float
    power: float
    rss: float

    @property
    def gain(self) -> float:
        return self.drop * (1 - 2**-self.power)


class _Line(NamedTuple):
    """A straight line over the logarithm of the rows."""

    start: float
    slope: float
    error: float
    rss: float
    doubt: float


def choose_rows(row_ids: npt.NDArray[Any], share: float, *, seed: int = 0) -> npt.NDArray[np.bool_]:
    """Choose a share of the rows by a hash of their ids.

    A larger share holds all rows of a smaller one, and the choice depends on nothing but the
    ids and the seed.

    Args:
        row_ids: One integer a row, all different.
        share: Above 0, at most 1; the number of rows is rounded up.
        seed: Another seed gives another choice.

    Example:
        >>> ids = np.arange(1_000)
        >>> small, large = choose_rows(ids, 0.1), choose_rows(ids, 0.5)
        >>> int(small.sum()), int(large.sum()), bool(large[small].all())
        (100, 500, True)
    """
    if not 0 < share <= 1:
        raise TrainingError(f"a share lies above 0 and is at most 1. Received: share={share!r}")
    chosen = np.zeros(len(row_ids), dtype=bool)
    order = np.argsort(_mix(row_ids, seed), kind="stable")
    chosen[order[: math.ceil(share * len(row_ids) - 1e-9)]] = True
    return chosen


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
    if points < FEWEST_POINTS:
        few = "1 point" if points == 1 else f"{points} points"
        return _unknown(f"a trend needs at least {FEWEST_POINTS} points, and there is {few}")
    line, law = _fit_line(n, error), _fit_law(n, error)
    is_line, is_law = _is_falling(line), law is not None and _is_better_than_flat(law, error)
    if law is not None and is_law and not (is_line and _is_closer(line, law, len(n))):
        low, high = _bound_law(law, n, error, seed=seed)
        return _describe_law(law, n.max(), low, high, is_higher_better=is_higher_better)
    if is_line:
        return _describe_line(line, error, n, is_higher_better=is_higher_better)
    scatter = float(np.std(error, ddof=1))
    return _unknown(f"the {len(n)} points show no trend beyond their scatter of ±{scatter:.2g}")


def _mix(row_ids: npt.NDArray[Any], seed: int) -> npt.NDArray[np.uint64]:
    """Hash integers (the finalizer of splitmix64; Steele, Lea and Flood, 2014)."""
    with np.errstate(over="ignore"):
        mixed = row_ids.astype(np.int64).view(np.uint64) + GOLDEN * np.uint64(seed + 1)
        mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        return np.asarray(mixed ^ (mixed >> np.uint64(31)), dtype=np.uint64)


def _power(share: Values, floor: float, drop: float, power: float) -> Values:
    return np.asarray(floor + drop * share**-power)


def _fit_law(n: Values, error: Values) -> _Law | None:
    if len(n) <= FEWEST_POINTS:
        return None
    share = n / n.max()
    spread = float(np.ptp(error)) or 1e-12
    start = (max(float(error.min()), 0.0) / 2, spread, 0.5)
    bounds = ((0, 0, LEAST_POWER), (np.inf, np.inf, MOST_POWER))
    try:
        with warnings.catch_warnings():
            # The covariance is not used: the bootstrap bounds the gain.
            warnings.simplefilter("ignore", optimize.OptimizeWarning)
            found, _ = optimize.curve_fit(_power, share, error, p0=start, bounds=bounds)
    except RuntimeError:
        return None
    rss = float(np.square(error - _power(share, *found)).sum())
    return _Law(*(float(value) for value in found), rss)


def _fit_line(n: Values, error: Values) -> _Line:
    found = stats.linregress(np.log(n), error)
    rss = float(np.square(error - found.intercept - found.slope * np.log(n)).sum())
    doubt = float(found.pvalue) / 2 if found.slope < 0 else 1.0
    return _Line(float(found.intercept), float(found.slope), float(found.stderr), rss, doubt)


def _is_falling(line: _Line) -> bool:
    return line.doubt < SIGNIFICANCE


def _is_better_than_flat(law: _Law, error: Values) -> bool:
    """Hold the law against a constant (F test for two parameters more)."""
    total, free = float(np.square(error - error.mean()).sum()), len(error) - 3
    if law.drop <= 0 or total <= 0:
        return False
    if law.rss <= 1e-12 * total:
        return True
    ratio = (total - law.rss) / 2 / (law.rss / free)
    return bool(stats.f.sf(ratio, 2, free) < SIGNIFICANCE)


def _is_closer(line: _Line, law: _Law, points: int) -> bool:
    return line.rss / (points - 2) < law.rss / (points - 3)


def _bound_law(law: _Law, n: Values, error: Values, *, seed: int) -> tuple[float, float]:
    """Refit the law to points scattered around it as much as the measured ones may be."""
    random, free = np.random.default_rng(seed), len(n) - 3
    expected = _power(n / n.max(), law.floor, law.drop, law.power)
    gains = [law.gain]
    for _ in range(RESAMPLES):
        # So few points do not tell their scatter either, hence the draw from chi-squared.
        scatter = math.sqrt(law.rss / random.chisquare(free))
        again = _fit_law(n, np.maximum(expected + random.normal(0, scatter, len(n)), 0))
        if again is not None:
            gains.append(again.gain)
    tail = (1 - CONFIDENCE) / 2
    low, high = np.quantile(gains, [tail, 1 - tail])
    return min(float(low), law.gain), max(float(high), law.gain)


def _describe_law(
    law: _Law, most: float, low: float, high: float, *, is_higher_better: bool
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
