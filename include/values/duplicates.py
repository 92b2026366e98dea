"""Which rows occur twice, told by their hashes: one rule to count and to drop them."""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from include.values.hashing import Hashes

Mask = npt.NDArray[np.bool_]


class Duplicates(NamedTuple):
    """Rows to drop: those equal to an earlier row, and training rows that the test file has too."""

    repeated: Mask
    shared_with_test: Mask

    @property
    def dropped(self) -> Mask:
        """All rows to drop."""
        return self.repeated | self.shared_with_test


def find_duplicates(
    hashes: Hashes, is_given_test: Mask | None, repeats: Mask | None = None
) -> Duplicates:
    """Find the rows that `duplicates: drop` drops; the first occurrence stays.

    A given test file stays whole, so that results compare with those of others: of rows that
    stand in both files, the training one goes.

    Args:
        hashes: The hash of each row.
        is_given_test: Which rows stand in the test file; None if there is none.
        repeats: What `is_repeated` gives of the hashes, where that is known.
    """
    nothing = np.zeros(len(hashes), dtype=bool)
    repeated, shared = nothing.copy(), nothing.copy()
    is_test = nothing if is_given_test is None else is_given_test
    places = np.flatnonzero(is_repeated(hashes) if repeats is None else repeats)
    training, test = places[~is_test[places]], places[is_test[places]]
    repeated[training] = _find_later(hashes[training])
    shared[training] = find_in(hashes[training], hashes[test])
    return Duplicates(repeated, shared & ~repeated)


def find_in(hashes: Hashes, others: Hashes) -> Mask:
    """Find the hashes that stand among others too."""
    if not others.size:
        return np.zeros(len(hashes), dtype=bool)
    others = np.sort(others)
    places = np.searchsorted(others, hashes)
    return np.asarray(others[np.minimum(places, len(others) - 1)] == hashes, dtype=bool)


def is_repeated(hashes: Hashes) -> Mask:
    """Find the hashes that stand more than once, each time that they do.

    Example:
        >>> is_repeated(np.array([1, 2, 1], "u8")).tolist()
        [True, False, True]
    """
    # Sorting values takes a tenth of sorting places, and most rows are met once.
    in_order = np.sort(hashes)
    return find_in(hashes, in_order[1:][in_order[1:] == in_order[:-1]])


def _find_later(hashes: Hashes) -> Mask:
    """Find the hashes that stand further before."""
    order = np.argsort(hashes, kind="stable")
    in_order = hashes[order]
    is_later = np.zeros(len(hashes), dtype=bool)
    is_later[order[1:]] = in_order[1:] == in_order[:-1]
    return is_later
