"""The power law of a learning curve: fitted, tested against a constant, and bounded."""

import warnings
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt
from scipy import optimize, stats

PARAMETERS: Final = 3
MIN_POWER, MAX_POWER = 0.01, 3.0
RESAMPLES: Final = 1_000
MIN_SCALE: Final = 0.02
POWERS: Final = 100

Values = npt.NDArray[np.float64]


class Law(NamedTuple):
    """A power law over rows as shares of the most rows.

    `rss` is the sum of squares that it leaves, relative to `scatter_scale`.
    """

    floor: float
    drop: float
    power: float
    rss: float

    @property
    def gain(self) -> float:
        """How much the error falls from the most rows to twice as many."""
        return self.drop * (1 - 2**-self.power)


def scatter_scale(error: Values) -> Values:
    """Say how far points scatter beside each other: in proportion to their error, roughly.

    Unweighted, the large errors of small shares would decide, and the small ones of large
    shares, which a forecast starts from, hardly count.
    """
    return np.maximum(np.abs(error), MIN_SCALE * np.abs(error).max(initial=0) or 1.0)


def power_law(share: Values, floor: float, drop: float, power: float) -> Values:
    """Compute floor + drop·share^-power."""
    return np.asarray(floor + drop * share**-power)


def _slopes(share: Values, floor: float, drop: float, power: float) -> Values:
    del floor
    rise = share**-power
    return np.stack([np.ones_like(share), rise, -drop * rise * np.log(share)], axis=1)


def fit_law(n: Values, error: Values) -> Law | None:
    """Fit by least squares, no parameter below 0; None without a fit or with too few points."""
    if len(n) <= PARAMETERS:
        return None
    share, scale = n / n.max(), scatter_scale(error)
    spread = float(np.ptp(error)) or 1e-12
    start = (max(float(error.min()), 0.0) / 2, spread, 0.5)
    bounds = ((0, 0, MIN_POWER), (np.inf, np.inf, MAX_POWER))
    try:
        with warnings.catch_warnings():
            # The covariance is not used: the bootstrap bounds the gain.
            warnings.simplefilter("ignore", optimize.OptimizeWarning)
            found, _ = optimize.curve_fit(
                power_law,
                share,
                error,
                p0=start,
                sigma=scale,
                bounds=bounds,
                jac=_slopes,
            )
    except RuntimeError:
        return None
    floor, drop, power = (float(value) for value in found)
    residuals = (error - power_law(share, floor, drop, power)) / scale
    rss = float(np.square(residuals).sum())
    return Law(floor, drop, power, rss)


def is_better_than_flat(law: Law, error: Values, *, significance: float) -> bool:
    """Hold the law against a constant (F test for two parameters more)."""
    scale, free = scatter_scale(error), len(error) - PARAMETERS
    middle = float(np.average(error, weights=scale**-2))
    total = float(np.square((error - middle) / scale).sum())
    if law.drop <= 0 or total <= 0:
        return False
    if law.rss <= 1e-12 * total:
        return True
    ratio = (total - law.rss) / 2 / (law.rss / free)
    return bool(stats.f.sf(ratio, 2, free) < significance)


def bound_law(
    law: Law, n: Values, error: Values, *, confidence: float, seed: int
) -> tuple[float, float]:
    """Bound the gain by refits to points that scatter around the law as the measured ones do.

    The least share often does not follow the law of the others: with so few rows a network
    takes too few steps. The bounds hold the gain that the other points give without it, too.
    """
    random, free = np.random.default_rng(seed), len(n) - PARAMETERS
    share, scale = n / n.max(), scatter_scale(error)
    # So few points do not tell their scatter either, hence the draw from chi-squared.
    scatter = np.sqrt(law.rss / random.chisquare(free, (RESAMPLES, 1)))
    noise = random.normal(0, 1, (RESAMPLES, len(n))) * scatter * scale
    expected = power_law(share, law.floor, law.drop, law.power)
    gains = _gains_on_grid(share, expected + noise, scale)
    tail = (1 - confidence) / 2
    low, high = (float(bound) for bound in np.quantile(gains, [tail, 1 - tail]))
    others = n > n.min()
    without = fit_law(n[others], error[others])
    known = [low, high, law.gain, *([without.gain] if without else [])]
    return min(known), max(known)


def _gains_on_grid(share: Values, errors: Values, scale: Values) -> Values:
    """Fit laws to many rows of errors at once, and return what each gains by doubling.

    For a given power the law is a straight line, whose least squares are known; so the powers
    are tried one by one.
    """
    weights = scale**-2 / np.sum(scale**-2)
    best = np.full(len(errors), np.inf)
    gains = np.zeros(len(errors))
    for power in np.geomspace(MIN_POWER, MAX_POWER, POWERS):
        x = share**-power
        centre = weights @ x
        pull = weights * (x - centre)
        drop = np.maximum(errors @ pull / (pull @ x), 0)
        floor = errors @ weights - drop * centre
        # A floor below 0 cannot be: the best line through 0 instead.
        through = np.maximum(errors @ (weights * x) / (weights @ np.square(x)), 0)
        drop = np.where(floor < 0, through, drop)
        residuals = errors - np.maximum(floor, 0)[:, None] - drop[:, None] * x
        rss = np.square(residuals) @ weights
        is_better = rss < best
        best = np.where(is_better, rss, best)
        gains = np.where(is_better, drop * (1 - 2**-power), gains)
    return gains
