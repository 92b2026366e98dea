"""Nested shares of rows: which rows a fit on a part of them sees."""

import math
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from include.errors import TrainingError

GOLDEN: Final = np.uint64(0x9E3779B97F4A7C15)


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


def _mix(row_ids: npt.NDArray[Any], seed: int) -> npt.NDArray[np.uint64]:
    """Hash integers (the finalizer of splitmix64; Steele, Lea and Flood, 2014)."""
    with np.errstate(over="ignore"):
        mixed = row_ids.astype(np.int64).view(np.uint64) + GOLDEN * np.uint64(seed + 1)
        mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        return np.asarray(mixed ^ (mixed >> np.uint64(31)), dtype=np.uint64)
