"""How good a classifier probably is on rows whose truth nobody knows yet."""

from collections.abc import Callable
from typing import Final

import numpy as np
import numpy.typing as npt

from include.monitoring.reference import Calibration, Floats
from include.records import Estimate

# More rows would not make an estimate better than its calibration is.
MAX_ROWS: Final = 100_000
LABELS: Final = 4_000_000
# The error of a simulation is known, so that its intervals are those of a normal distribution.
FREEDOM: Final = 1e6


def estimate_performance(
    probabilities: Floats,
    calibration: Calibration,
    measure: Callable[[npt.NDArray[np.int64], Floats], dict[str, float]],
) -> dict[str, Estimate]:
    """Estimate metrics from calibrated probabilities (CBPE, as NannyML calls it).

    A row has each class as often as rows of such a probability had it in the reference. Labels
    are drawn so, and the metrics taken by them: their mean is the estimate, their spread the error
    by chance, to which comes that of a calibration learned from so many rows. It holds while the
    same features mean the same, not under concept drift.

    Args:
        probabilities: What the model said, shape (rows, classes); of more than 100,000 rows evenly
            spaced ones are taken.
        calibration: How often each class was the true one.
        measure: Gives the metrics of class indices and probabilities.

    Returns:
        Estimates of the metrics that every draw gave.
    """
    if len(probabilities) > MAX_ROWS:
        places = np.linspace(0, len(probabilities) - 1, MAX_ROWS).astype(np.int64)
        probabilities = probabilities[places]
    rows = len(probabilities)
    ends = np.cumsum(calibration.apply(probabilities), axis=1)[:, :-1]
    random = np.random.default_rng(0)
    draws = [
        measure((random.random((rows, 1)) > ends).sum(axis=1), probabilities)
        for _ in range(int(np.clip(LABELS / rows, 40, 100)))
    ]
    found = {}
    for name in draws[0]:
        values = np.array([draw[name] for draw in draws if name in draw])
        if len(values) == len(draws):
            error = float(values.std(ddof=1) * np.sqrt(1 + rows / calibration.rows))
            found[name] = Estimate(float(values.mean()), error, FREEDOM, 0.0, rows)
    return found
