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
# Tried first: if it does not do, fewer do not either.
_FEW_PLACES: Final = 5
_MOST_PLACES: Final = 12


def widen(values: pa.FloatArray) -> pa.DoubleArray:
    """Read the shortest decimal of each 32-bit number as a 64-bit number; nulls stay.

    Example:
        >>> widen(pa.array([0.1, None, 16777216.0], pa.float32())).to_pylist()
        [0.1, None, 16777216.0]
    """
    single = values.fill_null(0).to_numpy(zero_copy_only=False)
    with np.errstate(invalid="ignore"):  # some bits that are no number
        wide = single.astype(np.float64)
    # Whole numbers name themselves.
    rest = np.flatnonzero(wide != np.rint(wide))
    needs_more = ~_round_to(wide[rest], single[rest], _FEW_PLACES)[1]
    few, rest = rest[~needs_more], rest[needs_more]
    for places in range(1, _FEW_PLACES + 1):
        few = _settle(wide, single, few, places)
    for places in range(_FEW_PLACES + 1, _MOST_PLACES + 1):
        rest = _settle(wide, single, rest, places)
    large = np.flatnonzero(~(np.abs(wide) < _LARGE))
    written = np.concatenate([few, rest, large])
    if written.size:
        wide[written] = pa.array(single[written]).cast(pa.string()).cast(pa.float64()).to_numpy()
    return pa.array(wide, mask=values.is_null().to_numpy(zero_copy_only=False))


def _settle(
    wide: Doubles, single: Singles, rows: npt.NDArray[np.intp], places: int
) -> npt.NDArray[np.intp]:
    """Put the decimals of so many places where they do; give the rows where they do not."""
    if not rows.size:
        return rows
    decimals, is_found = _round_to(wide[rows], single[rows], places)
    wide[rows[is_found]] = decimals[is_found]
    return rows[~is_found]


def _round_to(
    exact: Doubles, single: Singles, places: int
) -> tuple[Doubles, npt.NDArray[np.bool_]]:
    """Give the nearest decimals, and whether each rounds to its number again."""
    decimals = np.rint(exact * 10.0**places)
    decimals /= 10.0**places
    return decimals, decimals.astype(np.float32) == single
