"""From rows to an estimate with its error, and from that to an interval at any confidence.

A metric is taken with each row's influence on it (Hampel 1974): a mean has the row's own loss,
the area under a curve has placements (DeLong et al. 1988), others their derivative. The metric
then varies as the mean of its influences does, so one rule serves all: Student's t over the
independent units of `dependence`. No resampling is needed, a million rows take a moment, and far
tails, which many tries ask for, are as cheap as near ones.

Skewed units get the correction of Johnson (1978), where it makes a bound more careful.
"""

import math
from collections.abc import Callable
from typing import Final, NamedTuple

import numpy as np
from scipy import stats

from include.promotion.dependence import Dependence, Floats, gather_units
from include.records import Estimate

# Beyond it there is nothing left to bound.
MAX_EXPONENT: Final = 50.0


class Interval(NamedTuple):
    """Bounds of a number."""

    low: float
    high: float


def estimate(value: float, influences: Floats, dependence: Dependence) -> Estimate:
    """Give a measured number its error.

    Args:
        value: The number: a metric of one model, or the difference between two.
        influences: Each row's influence on it, up to a constant; of a difference, those of one
            model less those of the other.
        dependence: How the rows hang together.

    Example:
        >>> losses = np.tile([0.0, 2.0], 50)
        >>> found = estimate(1.0, losses, Dependence())
        >>> round(found.error, 4), found.freedom, found.units
        (0.1005, 99.0, 50)
    """
    rows = len(influences)
    units = gather_units(influences - influences.mean(), dependence)
    effective = rows**2 / np.square(units.sizes).sum() if len(units.sums) else 0.0
    if effective < units.fewest:
        return Estimate(value)
    count = len(units.sums)
    scaled = units.sums * (count / rows)
    spread = float(np.square(scaled).mean())
    skew = float((scaled**3).mean() / (6.0 * spread * count)) if spread > 0 else 0.0
    error = math.sqrt(spread / (count - 1))
    return Estimate(
        value, error, float(effective - 1), skew, count_speaking(influences, dependence, count)
    )


def count_speaking(influences: Floats, dependence: Dependence, count: int) -> int:
    """Count the units that say something: where two models are alike, nothing is said."""
    is_said = influences != 0
    if dependence.codes is None:
        return int(is_said.sum())
    return min(count, len(np.unique(dependence.codes[is_said])))


def bound(found: Estimate, alpha: float) -> Interval | None:
    """Bound a number on either side, each with error `alpha`; None where the rows are too few.

    Args:
        found: The number.
        alpha: How often the truth may lie below, and above; 0.025 is a 95 % interval.
    """
    if found.error is None or not math.isfinite(found.error + found.value):
        return None
    reach = float(stats.t.isf(alpha, found.freedom))
    pull = found.skew * (2.0 * reach**2 + 1.0)
    low = found.value - reach * found.error + min(0.0, pull)
    return Interval(low, found.value + reach * found.error + max(0.0, pull))


def bound_share(found: Estimate, alpha: float) -> Interval | None:
    """Bound a share, such as an accuracy: within 0 and 1, and also where no row went wrong.

    The interval of Clopper and Pearson for as many rows as would give this error, as Korn and
    Graubard (1998) do for rows that hang together.

    Example:
        >>> right = Estimate(0.963, 0.0115, 269, 0.0, 270)
        >>> low, high = bound_share(right, 0.025)
        >>> round(low, 3), round(high, 3)
        (0.933, 0.982)
    """
    if found.error is None or not 0.0 <= found.value <= 1.0:
        return None
    most = found.freedom + 1.0
    rows = most
    if found.error > 0:
        # Fewer degrees of freedom widen as they do in Student's t.
        widened = stats.t.isf(alpha, found.freedom) / stats.norm.isf(alpha)
        rows = min(found.value * (1 - found.value) / (found.error * widened) ** 2, most)
    hits = found.value * rows
    low = stats.beta.ppf(alpha, hits, rows - hits + 1) if hits > 0 else 0.0
    high = stats.beta.isf(alpha, hits + 1, rows - hits) if hits < rows else 1.0
    return Interval(float(low), float(high))


def bound_explained(found: Estimate, alpha: float) -> Interval | None:
    """Bound the explained share of a spread (R²), which is skewed: the wider of two scales.

    The logarithm of what is left unexplained varies more evenly than the share itself.

    Example:
        >>> low, high = bound_explained(Estimate(0.9, 0.02, 1_000.0), 0.025)
        >>> round(low, 3), round(high, 3)
        (0.852, 0.939)
    """
    plain, left = bound(found, alpha), 1.0 - found.value
    if plain is None or found.error is None or left <= 0:
        return plain
    reach = min(float(stats.t.isf(alpha, found.freedom)) * found.error / left, MAX_EXPONENT)
    low, high = 1.0 - left * math.exp(reach), 1.0 - left * math.exp(-reach)
    return Interval(min(plain.low, low), max(plain.high, high))


def is_shown(found: Estimate, alpha: float) -> bool:
    """Tell whether a difference lies above 0, but for a chance of `alpha`.

    Few units that differ cannot show it whatever they say: were both alike, all of m would
    favour one by chance in 1 of 2^m cases.
    """
    bounds = bound(found, alpha)
    return bounds is not None and bounds.low > 0 and 0.5**found.units <= alpha


def count_missing_rows(
    found: Estimate, is_met: Callable[[Estimate], bool], rows: int
) -> int | None:
    """Tell how many more rows would settle what is open, if the number stays what it is.

    Args:
        found: The number.
        is_met: Whether an estimate settles it.
        rows: The rows that there are.

    Returns:
        A count to within a twentieth of all rows; None if a million times the rows would not do.
    """
    if found.error is None:
        return None
    factor = 1.0
    while factor < 1e6:
        factor *= 1.05
        more = found._replace(
            error=found.error / math.sqrt(factor),
            freedom=found.freedom * factor,
            skew=found.skew / factor,
            units=int(found.units * factor),
        )
        if is_met(more):
            return max(1, math.ceil(rows * (factor - 1)))
    return None
