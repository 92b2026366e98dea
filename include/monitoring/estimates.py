"""How good a classifier probably is on rows whose truth nobody knows yet."""

import numpy as np

from include.monitoring.reference import Calibration, Floats


def estimate_accuracy(sureness: Floats, calibration: Calibration) -> tuple[float, float, float]:
    """Estimate the accuracy from calibrated sureness, with a 95 % interval of chance alone.

    Each row is right with the probability that rows of such sureness were in the reference, so the
    share of right ones is the mean of these probabilities (confidence-based performance
    estimation, NannyML). It holds while the same features mean the same, not under concept drift.

    Args:
        sureness: Probability of the predicted class, one for each row.
        calibration: How often such answers were right.

    Returns:
        The estimate, and the ends of the interval.
    """
    steps = np.searchsorted(np.asarray(calibration.edges), sureness, side="left")
    right = np.asarray(calibration.shares)[np.minimum(steps, len(calibration.shares) - 1)]
    mean = float(right.mean())
    error = float(np.sqrt((right * (1 - right)).sum())) / len(right)
    return mean, max(0.0, mean - 1.96 * error), min(1.0, mean + 1.96 * error)
