"""Numbers of 32 bits as the numbers of 64 bits that their shortest decimals name.

0.1 is stored in 32 bits as 0.100000001…; a CSV file or a database writes it as 0.1 again. What
`widen` gives is what reading that text gives, bit for bit, without writing most of the texts.

The shortest decimal is looked for by decimal places: the nearest q / 10^k for rising k, until it
rounds to the number again. With at most 24 bits in a number and k up to 12, x · 10^k is exact in
64 bits, and q / 10^k is rounded once, as reading the text would round it (Clinger 1990).
"""

from typing import Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa

Doubles = npt.NDArray[np.float64]
Singles = npt.NDArray[np.float32]
# From here on the shortest decimal may end in zeros before its point.
_LARGE: Final = 2.0**23
# What most measured numbers need; one place fewer is tried beside it.
_USUAL_PLACES: Final = 8
_MAX_PLACES: Final = 12


def widen(values: pa.FloatArray) -> pa.DoubleArray:
    """Read the shortest decimal of each 32-bit number as a 64-bit number; nulls stay.

    Example:
        >>> widen(pa.array([0.1, None, 16777216.0], pa.float32())).to_pylist()
        [0.1, None, 16777216.0]
    """
    single = (values.fill_null(0) if values.null_count else values).to_numpy(zero_copy_only=False)
    with np.errstate(invalid="ignore", over="ignore"):  # some bits that are no number
        exact = single.astype(np.float64)
        wide, is_found = _round_to(exact, single, _USUAL_PLACES)
        shorter, has_fewer = _round_to(exact, single, _USUAL_PLACES - 1)
        _choose(wide, shorter, has_fewer)
        # Whole numbers name themselves; where some places do, more do as well.
        few = np.flatnonzero(has_fewer & (exact != np.rint(exact)))
        is_shorter = _round_to(exact.take(few), single.take(few), _USUAL_PLACES - 2)[1]
        few = few.take(np.flatnonzero(is_shorter))
        for places in range(1, _USUAL_PLACES - 1):
            few = _settle(wide, exact, single, few, places)
        rest = np.flatnonzero(~is_found)
        for places in range(_USUAL_PLACES + 1, _MAX_PLACES + 1):
            rest = _settle(wide, exact, single, rest, places)
        large = np.flatnonzero(~(np.abs(exact) < _LARGE))
    written = np.union1d(rest, large)
    if written.size:
        wide[written] = pa.array(single[written]).cast(pa.string()).cast(pa.float64()).to_numpy()
    missing = values.is_null().to_numpy(zero_copy_only=False) if values.null_count else None
    return pa.array(wide, mask=missing)


def _settle(
    wide: Doubles, exact: Doubles, single: Singles, rows: npt.NDArray[np.intp], places: int
) -> npt.NDArray[np.intp]:
    """Put the decimals of so many places where they do; give the rows where they do not."""
    if not rows.size:
        return rows
    decimals, is_found = _round_to(exact.take(rows), single.take(rows), places)
    found = np.flatnonzero(is_found)
    wide[rows.take(found)] = decimals.take(found)
    return rows.take(np.flatnonzero(~is_found))


def _choose(wide: Doubles, shorter: Doubles, is_chosen: npt.NDArray[np.bool_]) -> None:
    """Replace the chosen numbers, bit by bit: by truth, NumPy takes four times as long."""
    bits, others = wide.view(np.int64), shorter.view(np.int64)
    others ^= bits
    others &= -is_chosen.astype(np.int64)
    bits ^= others


def _round_to(
    exact: Doubles, single: Singles, places: int
) -> tuple[Doubles, npt.NDArray[np.bool_]]:
    """Give the nearest decimals, and whether each rounds to its number again."""
    decimals = exact * 10.0**places
    np.rint(decimals, out=decimals)
    decimals /= 10.0**places
    return decimals, decimals.astype(np.float32) == single
