"""How far two distributions lie apart, and how likely that is by chance.

Sources: population stability index (Siddiqi 2006), Jensen-Shannon distance (Lin 1991), two-sample
Kolmogorov-Smirnov and chi-square tests as in scipy.
"""

from typing import Final

import numpy as np
from scipy import stats

from include.monitoring.reference import ColumnReference, Floats, take_quantiles

# Shares of nothing have no logarithm.
MIN_SHARE: Final = 1e-4
BINS: Final = 10
# Below so many rows in a cell the chi-square distribution is a poor guess.
MIN_EXPECTED: Final = 5.0


def psi(before: Floats, now: Floats) -> float:
    """Population stability index of two vectors of shares; 0.1 is a small shift, 0.25 a large one.

    Example:
        >>> round(psi(np.array([0.5, 0.5]), np.array([0.6, 0.4])), 4)
        0.0405
    """
    left, right = np.maximum(before, MIN_SHARE), np.maximum(now, MIN_SHARE)
    return float(((right - left) * np.log(right / left)).sum())


def jensen_shannon(before: Floats, now: Floats) -> float:
    """Jensen-Shannon distance of two vectors of shares, to base 2: 0 for equal, 1 for disjoint.

    Example:
        >>> jensen_shannon(np.array([1.0, 0.0]), np.array([0.0, 1.0]))
        1.0
    """
    from scipy.spatial.distance import jensenshannon

    return float(np.nan_to_num(jensenshannon(before, now, base=2)))


def largest_difference(before: Floats, now: Floats) -> float:
    """The largest difference of two shares (L-infinity)."""
    return float(np.abs(before - now).max(initial=0.0))


def wasserstein(reference: ColumnReference, values: Floats) -> float:
    """Wasserstein distance in standard deviations of the reference, of as many quantiles."""
    quantiles = np.asarray(reference.quantiles)
    spread = float(quantiles.std()) or 1.0
    return float(stats.wasserstein_distance(quantiles, take_quantiles(values))) / spread


def kolmogorov_smirnov(reference: ColumnReference, values: Floats) -> tuple[float, float]:
    """Two-sample Kolmogorov-Smirnov test against quantiles.

    Args:
        reference: The reference.
        values: Finite values in rising order.

    Returns:
        The largest distance of the two distribution functions, and how likely one as large is
        between two samples of the same distribution, by the numbers of rows behind them.
    """
    quantiles = np.asarray(reference.quantiles)
    if not len(quantiles) or not len(values):
        return 0.0, 1.0
    # Between two quantiles only the other function moves: it is furthest away beside one of them.
    distance = 0.0
    for side in ("left", "right"):
        ours = np.searchsorted(quantiles, quantiles, side=side) / len(quantiles)
        theirs = np.searchsorted(values, quantiles, side=side) / len(values)
        distance = max(distance, float(np.abs(ours - theirs).max()))
    rows = reference.present * len(values) / (reference.present + len(values))
    # Beyond a thousand rows the quantiles are the distribution to a thousandth, no better.
    certain = max(distance - (1 / len(quantiles) if reference.present > len(quantiles) else 0), 0)
    return distance, float(stats.kstwo.sf(certain, max(1, round(rows))))


def chi_square(before: Floats, now: Floats) -> float:
    """How likely two vectors of counts come from one distribution; rare cells are put together.

    Returns:
        The p-value of the two-sample chi-square test; 1 where fewer than two cells are left.
    """
    table = np.vstack([before, now])
    total, sizes = table.sum(), table.sum(axis=1, keepdims=True)
    if not sizes.all():
        return 1.0
    expected = sizes * table.sum(axis=0) / total
    is_rare = (expected < MIN_EXPECTED).any(axis=0)
    table = np.column_stack([table[:, ~is_rare], table[:, is_rare].sum(axis=1)])
    table = table[:, table.sum(axis=0) > 0]
    if table.shape[1] < 2:
        return 1.0
    return float(stats.chi2_contingency(table, correction=False).pvalue)


def bin_shares(reference: ColumnReference, values: Floats) -> tuple[Floats, Floats]:
    """Give the shares of ten bins, equal in the reference, in reference and values.

    Args:
        reference: The reference.
        values: Finite values in rising order.
    """
    quantiles = np.asarray(reference.quantiles)
    edges = np.unique(np.quantile(quantiles, np.linspace(0, 1, BINS + 1)[1:-1]))
    shares = []
    for side in (quantiles, values):
        ends = np.searchsorted(side, edges, side="right")
        shares.append(np.diff([0, *ends, len(side)]) / max(len(side), 1))
    return shares[0], shares[1]
