"""Rows that occur twice, found by their hashes in a few bytes per row."""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from include.errors import DataError, LeakageError
from include.features.hashing import Hashes
from include.features.splits import LEFT_OUT, TRAIN, Parts
from include.specs.pipeline import CleaningSpec

Mask = npt.NDArray[np.bool_]


class Duplicates(NamedTuple):
    """Rows to drop: those equal to an earlier row, and training rows that the test file has too."""

    repeated: Mask
    shared_with_test: Mask


def find_duplicates(hashes: Hashes, is_given_test: Mask | None) -> Duplicates:
    """Find the rows that `duplicates: drop` drops; the first occurrence stays.

    A given test file stays whole, so that results compare with those of others: of rows that
    stand in both files, the training one goes.
    """
    nothing = np.zeros(len(hashes), dtype=bool)
    if is_given_test is None:
        return Duplicates(_find_repeated(hashes), nothing)
    repeated, shared = nothing.copy(), nothing.copy()
    training = ~is_given_test
    repeated[training] = _find_repeated(hashes[training])
    shared[training] = _find_in(hashes[training], hashes[is_given_test])
    return Duplicates(repeated, shared & ~repeated)


def apply_duplicates_policy(cleaning: CleaningSpec, duplicates: Duplicates) -> Mask:
    """Say which rows stay.

    Raises:
        DataError: There are duplicates, and the spec says `fail`.
    """
    dropped = duplicates.repeated | duplicates.shared_with_test
    count = int(dropped.sum())
    if cleaning.duplicates == "fail" and count:
        examples = np.flatnonzero(dropped)[:5].tolist()
        raise DataError(
            f"cleaning.duplicates is fail, so expected different rows. Received: {count} rows "
            f"equal to another, e.g. rows {examples} counted from 0. Correct the source, or set "
            "`duplicates: drop`."
        )
    if cleaning.duplicates == "keep":
        return np.ones(len(dropped), dtype=bool)
    return ~dropped


def check_overlap(hashes: Hashes, parts: Parts, *, is_allowed: bool) -> list[str]:
    """Check that no row stands in training and in another part as well.

    Returns:
        A warning, if rows do and that is allowed.

    Raises:
        LeakageError: Rows do, and that is not allowed.
    """
    held_out = (parts != TRAIN) & (parts != LEFT_OUT)
    shared = int(_find_in(hashes[held_out], hashes[parts == TRAIN]).sum())
    if not shared:
        return []
    message = f"{shared} of {int(held_out.sum())} validation and test rows also stand in training"
    if is_allowed:
        return [message]
    raise LeakageError(
        f"expected no row in two parts. Received: {message}. Set `cleaning: {{duplicates: drop}}`."
    )


def _find_repeated(hashes: Hashes) -> Mask:
    order = np.argsort(hashes, kind="stable")
    in_order = hashes[order]
    repeated = np.zeros(len(hashes), dtype=bool)
    repeated[order[1:]] = in_order[1:] == in_order[:-1]
    return repeated


def _find_in(hashes: Hashes, others: Hashes) -> Mask:
    if not others.size:
        return np.zeros(len(hashes), dtype=bool)
    others = np.sort(others)
    places = np.searchsorted(others, hashes)
    return np.asarray(others[np.minimum(places, len(others) - 1)] == hashes, dtype=bool)
