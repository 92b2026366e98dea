"""Scaling of a regression's target, there and back: the same in training and when it answers."""

from typing import Any, Final

import numpy as np
import numpy.typing as npt

from include.records import TargetScale
from include.values.statistics import Floats

# Beyond, a float64 is infinite.
MAX_LOG: Final = 700.0


def take_log(values: Floats, origin: float) -> Floats:
    """Take log1p of what lies above the origin; what lies below counts as the origin."""
    return np.asarray(np.log1p(np.maximum(values - origin, 0.0)))


def scale_target(values: Floats, scale: TargetScale) -> Floats:
    """Scale a target as the network is fitted to it.

    Example:
        >>> scale_target(np.array([10.0, 14.0]), TargetScale(center=10, width=2)).tolist()
        [0.0, 2.0]
    """
    if scale.log_origin is not None:
        values = take_log(values, scale.log_origin)
    return np.asarray((values - scale.center) / scale.width)


def unscale_target(outputs: npt.NDArray[np.float64], scale: TargetScale) -> npt.NDArray[np.float64]:
    """Give a network's outputs in the target's own unit; with a log never below its origin.

    Example:
        >>> scale = TargetScale(center=1, width=2, log_origin=0)
        >>> unscale_target(scale_target(np.array([0.0, 99.0]), scale), scale).round(6).tolist()
        [0.0, 99.0]
        >>> unscale_target(np.array([-7.0]), scale).tolist()
        [0.0]
    """
    return np.asarray(unscale(outputs, scale, np))


def unscale(outputs: Any, scale: TargetScale, library: Any) -> Any:
    """Do so with the arrays of a library that has NumPy's functions, such as JAX for gradients."""
    values = outputs * scale.width + scale.center
    if scale.log_origin is None:
        return values
    return library.expm1(library.clip(values, 0.0, MAX_LOG)) + scale.log_origin


def widest_step(predictions: npt.NDArray[np.float64], scale: TargetScale) -> float:
    """Give the largest change of a prediction by a change of 1 in the network's output."""
    if scale.log_origin is None:
        return scale.width
    return scale.width * (1 + float(np.max(predictions - scale.log_origin, initial=0.0)))
