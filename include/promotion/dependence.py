"""Which rows speak for themselves: rows, clusters of one key, or blocks of time.

Rows of one customer, or of neighbouring hours, say much the same. Their sums do not: so rows are
gathered into units that are nearly independent, and what is uncertain is measured between units.

Blocks are those of batch means (Carlstein 1986, "The use of subseries values"), with Student's t
between them, which holds its level when blocks are few and unlike (Ibragimov and Müller 2010).
Their length comes from the data: twice the length of Politis and White (2004), as corrected by
Patton, Politis and White (2009), which is chosen for the variance; coverage asks for longer
blocks (Sun, Phillips and Jin 2008). It is never below the root of the number of times.
"""

import math
from typing import Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Codes = npt.NDArray[np.integer[Any]]

MIN_ROWS: Final = 20
MIN_CLUSTERS: Final = 10
MIN_BLOCKS: Final = 6
LENGTH_FACTOR: Final = 2.0


class Dependence(NamedTuple):
    """How test rows hang together.

    `codes` gives each row its cluster, or its place in time, from 0; None for rows that are
    independent. `label` names the column.
    """

    codes: Codes | None = None
    is_time: bool = False
    label: str = ""


class Units(NamedTuple):
    """Sums of a quantity over units, the sizes of these, and how few would be too few."""

    sums: Floats
    sizes: Floats
    fewest: int


def gather_units(shares: Floats, dependence: Dependence) -> Units:
    """Add up rows into units that are nearly independent.

    Args:
        shares: One number a row, with mean 0.
        dependence: How the rows hang together.

    Example:
        >>> customers = Dependence(np.array([0, 0, 1, 1]))
        >>> units = gather_units(np.array([1.0, -1.0, 2.0, -2.0]), customers)
        >>> units.sums.tolist(), units.sizes.tolist()
        ([0.0, 0.0], [2.0, 2.0])
    """
    if dependence.codes is None:
        return Units(shares, np.ones(len(shares)), MIN_ROWS)
    sums = np.asarray(np.bincount(dependence.codes, weights=shares), dtype=np.float64)
    sizes = np.bincount(dependence.codes).astype(np.float64)
    is_there = sizes > 0
    sums, sizes = sums[is_there], sizes[is_there]
    if not dependence.is_time:
        return Units(sums, sizes, MIN_CLUSTERS)
    times = len(sums)
    length = max(LENGTH_FACTOR * choose_block_length(sums), math.sqrt(times))
    blocks = int(times / length)
    if blocks < MIN_BLOCKS:
        return Units(sums[:0], sizes[:0], MIN_BLOCKS)
    starts = np.arange(blocks) * times // blocks
    return Units(np.add.reduceat(sums, starts), np.add.reduceat(sizes, starts), MIN_BLOCKS)


def choose_block_length(series: Floats) -> float:
    """Choose the length of blocks of a series that resemble whole stretches of it.

    The automatic length of Politis and White (2004) for blocks of a fixed length, with the
    correction of Patton, Politis and White (2009).

    Args:
        series: Values in order.

    Returns:
        A length of at least 1, at most a third of the series.
    """
    count = len(series)
    if count < 4:
        return 1.0
    silent = max(5, math.ceil(math.sqrt(math.log10(count))))
    most = min(math.ceil(math.sqrt(count)) + silent, count - 1)
    covariances = _autocovariances(series, most)
    if covariances[0] <= 0:
        return 1.0
    reach = min(2 * _last_loud_lag(covariances, count, silent), most)
    lags = np.arange(1, reach + 1)
    weights = np.minimum(1.0, 2.0 * (1.0 - lags / max(reach, 1)))
    tail = weights * covariances[1 : reach + 1]
    spectrum = covariances[0] + 2.0 * tail.sum()
    if spectrum <= 0:
        return 1.0
    slope = 2.0 * (lags * tail).sum()
    length = (1.5 * (slope / spectrum) ** 2 * count) ** (1 / 3)
    return float(min(max(length, 1.0), 3.0 * math.sqrt(count), count / 3.0))


def _last_loud_lag(covariances: Floats, count: int, silent: int) -> int:
    """Find the lag after which the next few correlations are all within noise."""
    noise = 2.0 * math.sqrt(math.log10(count) / count)
    is_loud = np.abs(covariances[1:] / covariances[0]) >= noise
    for lag in range(len(is_loud) - silent + 1):
        if not is_loud[lag : lag + silent].any():
            return lag
    return int(np.flatnonzero(is_loud)[-1]) + 1


def _autocovariances(series: Floats, most: int) -> Floats:
    centred = series - series.mean()
    size = 1 << (2 * len(series) - 1).bit_length()
    spectrum = np.fft.rfft(centred, size)
    found = np.fft.irfft(spectrum * spectrum.conj(), size)[: most + 1]
    return np.asarray(found / len(series), dtype=np.float64)
