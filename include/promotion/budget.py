"""What a further try on the same test rows costs.

Twenty candidates of equal quality, each held against the champion on the same rows with a chance
of 2.5 % to win by luck, win together in a third of all cases. So the tries share that chance: the
k-th gets 6/(π²k²) of it, which adds up to all of it however many follow (alpha spending over an
open sequence, as in Foster and Stine 2008 and Javanmard and Montanari 2018). Rows that were not
there when the earlier tries were made renew it.

A try is known by what the candidate predicts: the same predictions again tell nothing new and
cost nothing. Test rows are known by the smallest of their hashes, from which the share that two
sets have in common can be told (Broder 1997).
"""

import hashlib
import math
from collections.abc import Iterable
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from include.records import TriedRows, Tries

# How often a candidate no better than the champion may win, all tries on the same rows together.
LEVEL: Final = 0.025
SKETCH: Final = 64
# Of two sets as large that have half their rows in common, a third of all rows are common.
SAME_ROWS: Final = 1 / 3


def spend(number: int) -> float:
    """Return the chance of luck that the n-th try on the same rows may take.

    Example:
        >>> round(spend(1), 4), round(sum(spend(n) for n in range(1, 10_000)), 4)
        (0.0152, 0.025)
    """
    return LEVEL * 6.0 / (math.pi * number) ** 2


def sketch_rows(hashes: npt.NDArray[np.uint64]) -> tuple[str, ...]:
    """Keep the smallest hashes of rows; equal rows count once."""
    distinct = np.unique(hashes)[:SKETCH]
    return tuple(f"{int(value):016x}" for value in distinct)


def share_common(first: Iterable[str], second: Iterable[str]) -> float:
    """Estimate the share of all rows of two sets that are in both, from their sketches."""
    one, other = set(first), set(second)
    both = sorted(one | other)[:SKETCH]
    return sum(each in one and each in other for each in both) / max(len(both), 1)


def digest_predictions(predictions: npt.NDArray[Any]) -> str:
    """Name what a candidate predicts; noise of the last digits does not rename it."""
    rounded = np.round(np.asarray(predictions, dtype=np.float64), 6) + 0.0
    return hashlib.sha256(rounded.tobytes()).hexdigest()[:12]


def count_try(
    known: Iterable[TriedRows], sketch: tuple[str, ...], candidate: str
) -> tuple[Tries, TriedRows]:
    """Count a candidate's try among the earlier ones on rows that are mostly the same.

    Args:
        known: What was tried against this champion, in order.
        sketch: The present test rows.
        candidate: Digest of what the candidate predicts for them.

    Returns:
        Its number, and what was tried on exactly these rows, this candidate included.

    Example:
        >>> tries, rows = count_try([], ("0a", "0b"), "first")
        >>> tries, rows = count_try([rows], ("0a", "0b"), "second")
        >>> tries.number, count_try([rows], ("1a", "1b"), "third")[0].number
        (2, 1)
    """
    listed = list(known)
    same = [each for each in listed if share_common(each.sketch, sketch) >= SAME_ROWS]
    earlier = list(dict.fromkeys(name for each in same for name in each.tries))
    place = earlier.index(candidate) if candidate in earlier else len(earlier)
    own = next((each.tries for each in listed if each.sketch == sketch), ())
    tried = TriedRows(sketch=sketch, tries=tuple(dict.fromkeys((*own, candidate))))
    rows = hashlib.sha256("".join(sketch).encode()).hexdigest()[:12]
    return Tries(number=place + 1, rows=rows, candidate=candidate), tried
