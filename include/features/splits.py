"""Which rows train, validate and test.

Hash and group splits depend on a row's key alone, so a row keeps its part when others are added:
the 64-bit hash of the key (`hashing.py`), mixed with the seed, is a number u in [0, 1); u below
the train share trains, below train + validation validates, else it tests. The stratified split
ranks the rows of each class by u, which gives exact shares and moves only rows near a boundary
when rows are added; rows of one key stay together, in the rarest class that the key has. The time
split orders rows; equal times stay together. What must hold of parts is in `part_checks.py`.
"""

from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from include.errors import DataError
from include.specs.features import SplitSpec
from include.specs.names import ROW_ID
from include.values.frames import Values, one_array
from include.values.hashing import Hashes, to_unit_interval
from include.values.order import find_group_starts
from include.values.statistics import Floats

Parts = npt.NDArray[np.uint8]
Strata = npt.NDArray[np.int32]
Order = Floats | npt.NDArray[np.int64]
TRAIN: Final = 0
VALIDATION: Final = 1
TEST: Final = 2
LEFT_OUT: Final = 255
PART_NAMES: Final = {"train": TRAIN, "validation": VALIDATION, "test": TEST}
_STRATA: Final = 10


class SplitFacts(NamedTuple):
    """What a split may look at, one value per row; only what its method needs is filled."""

    keys: Hashes = np.empty(0, dtype=np.uint64)
    strata: Strata = np.empty(0, dtype=np.int32)
    times: Order = np.empty(0)
    is_given_test: npt.NDArray[np.bool_] | None = None


def assign_parts(split: SplitSpec, facts: SplitFacts) -> Parts:
    """Give each row its part.

    Raises:
        DataError: The facts do not allow the split, e.g. the source gives no parts.
    """
    if split.method == "time":
        return _split_by_time(split, facts)
    shares = to_unit_interval(facts.keys, seed=split.seed)
    if split.method == "stratified":
        strata = facts.strata if split.by == ROW_ID else _settle_strata(facts.keys, facts.strata)
        return _split_within_strata(split, shares, strata)
    if split.method == "given":
        return _split_as_given(split, shares, facts.is_given_test)
    return _cut(shares, split.fractions[0], split.fractions[0] + split.fractions[1])


def build_strata(target: Floats) -> Strata:
    """Give each row of a regression its stratum: the tenth of the target's ranks it lies in."""
    edges = np.quantile(target, np.linspace(0, 1, _STRATA + 1)[1:-1])
    return np.asarray(np.searchsorted(edges, target, side="right"), dtype=np.int32)


def read_order(values: Values, column: str) -> Order:
    """Read a column to order by: whole numbers and times exactly, others as float64.

    Args:
        values: Its values.
        column: Its name, for errors.

    Raises:
        DataError: It is no number or time, or has missing values.
    """
    array = one_array(values)
    if array.null_count:
        raise DataError(
            f"split.by names {column!r}, so expected a value in every row. Received: "
            f"{array.null_count} missing. Complete the source, or order by another column."
        )
    if pa.types.is_timestamp(array.type):
        array = array.cast(pa.timestamp("us", array.type.tz), safe=False).cast(pa.int64())
    is_whole = pa.types.is_integer(array.type)
    if not is_whole and not pa.types.is_floating(array.type):
        raise DataError(
            "a time split orders by a number, integer or datetime column. Received: "
            f"split.by={column!r} of type {array.type}. Name another column."
        )
    return np.asarray(array.cast(pa.int64() if is_whole else pa.float64()).to_numpy())


def _cut(shares: Floats, train: float, both: float) -> Parts:
    # The sum of shares may fall short of 1 by rounding: no test share means no test rows.
    both = 1.0 if both > 1 - 1e-9 else both
    train = 1.0 if train > 1 - 1e-9 else train
    return _name_parts(shares < train, shares < both)


def _name_parts(is_train: npt.NDArray[np.bool_], is_before_test: npt.NDArray[np.bool_]) -> Parts:
    parts = np.full(len(is_train), TEST, dtype=np.uint8)
    parts[is_before_test] = VALIDATION
    parts[is_train] = TRAIN
    return parts


def _split_as_given(
    split: SplitSpec, shares: Floats, is_test: npt.NDArray[np.bool_] | None
) -> Parts:
    if is_test is None:
        raise DataError(
            "split.method is given, so expected a source that gives parts. Received: a table "
            "without them. Name a test_uri in `source`, use an .npz with x_train and x_test, or "
            "another split.method."
        )
    train, validation, _ = split.fractions
    parts = _cut(shares, train / (train + validation), 1.0)
    parts[is_test] = TEST
    return parts


def _settle_strata(keys: Hashes, strata: Strata) -> Strata:
    """Give all rows of a key one stratum: the rarest that they lie in.

    A customer with one return among many sales counts among the returns, so that customers with
    returns are spread over all parts by their share.
    """
    _, of_row, sizes = np.unique(strata, return_inverse=True, return_counts=True)
    rarity = np.argsort(np.argsort(sizes, kind="stable"), kind="stable")[of_row]
    order = np.lexsort((rarity, keys))
    starts = find_group_starts(keys[order].view(np.int64))
    settled = np.empty_like(strata)
    settled[order] = strata[order][starts]
    return settled


def _split_within_strata(split: SplitSpec, shares: Floats, strata: Strata) -> Parts:
    order = np.lexsort((shares, strata))
    sorted_strata, sorted_shares = strata[order], shares[order]
    values, starts, sizes = np.unique(sorted_strata, return_index=True, return_counts=True)
    of_row = np.searchsorted(values, sorted_strata)
    # Equal shares are rows of one key: they go where its first row goes.
    places = np.arange(len(order))
    is_first = np.ones(len(order), dtype=bool)
    is_first[1:] = sorted_shares[1:] != sorted_shares[:-1]
    is_first[starts] = True
    rank = np.maximum.accumulate(np.where(is_first, places, 0)) - starts[of_row]
    # A class of one or two rows trains before it does anything else.
    train = np.maximum(np.rint(split.fractions[0] * sizes), 1)
    both = np.maximum(np.rint((split.fractions[0] + split.fractions[1]) * sizes), train)
    parts = np.empty(len(order), dtype=np.uint8)
    parts[order] = _name_parts(rank < train[of_row], rank < both[of_row])
    return parts


def _split_by_time(split: SplitSpec, facts: SplitFacts) -> Parts:
    order = np.argsort(facts.times, kind="stable")
    times = facts.times[order]
    rows = len(times)
    wanted = np.rint(np.cumsum(split.fractions)[:2] * rows).astype(np.int64)
    bounds = [_move_to_tie_start(times, int(bound)) for bound in wanted]
    train_end, validation_end = bounds
    sorted_parts = np.full(rows, TEST, dtype=np.uint8)
    sorted_parts[:validation_end] = VALIDATION
    sorted_parts[:train_end] = TRAIN
    for bound in {train_end, validation_end} - {rows}:
        # The gap is taken from the earlier part: tests stay comparable whatever the gap.
        sorted_parts[max(bound - split.gap, 0) : bound] = LEFT_OUT
    parts = np.empty(rows, dtype=np.uint8)
    parts[order] = sorted_parts
    return parts


def _move_to_tie_start(times: Order, bound: int) -> int:
    if bound >= len(times):
        return len(times)
    return int(np.searchsorted(times, times[bound], side="left"))
