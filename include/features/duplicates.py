"""Rows that occur twice, found by their hashes in a few bytes per row.

Rows are equal if every stored column of the contract is, ids too: an id says which thing a row
tells of, and two customers of the same age and plan are two customers. Dropping one of them would
change the shares of the classes. So no two equal rows stand in two parts, while rows that differ
in their id alone may, and are warned of: an id that only counts rows hides a row stored twice, and
`kind: ignore` takes such an id out of the comparison. Without ids every row stands for itself.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Final

import numpy as np

from include.errors import DataError, LeakageError
from include.features.splits import LEFT_OUT, TRAIN, Parts
from include.specs import PipelineSpec
from include.specs.features import CleaningSpec
from include.values.duplicates import Duplicates, Mask, find_in, is_repeated
from include.values.frames import Rows, to_table
from include.values.hashing import Hashes, mix64, sum_hashes
from include.values.overlap import map_in_threads

_MUCH: Final = 0.05


@dataclass(frozen=True)
class RowHashes:
    """Hashes of rows: over all stored columns, and over what the network sees of them."""

    whole: Hashes
    seen: Hashes

    @cached_property
    def repeats(self) -> tuple[Mask, Mask]:
        """The rows that stand more than once, whole and as seen: only these can be duplicates."""
        if self.whole is self.seen:
            return (is_repeated(self.whole),) * 2
        whole, seen = map_in_threads(is_repeated, (self.whole, self.seen))
        return whole, seen


def list_compared_columns(spec: PipelineSpec) -> tuple[str, ...]:
    """Name the columns in which duplicates are equal: all that are stored."""
    return tuple(column.name for column in spec.stored_columns)


def hash_batch(spec: PipelineSpec, rows: Rows) -> RowHashes:
    """Hash the rows of a batch that has the compared columns."""
    seen = {column.name for column in spec.feature_columns} | {spec.target.column}
    sums = sum_hashes(to_table(rows, sorted(seen)))
    hashes = mix64(sums)
    rest = [name for name in list_compared_columns(spec) if name not in seen]
    if not rest:
        return RowHashes(hashes, hashes)
    return RowHashes(mix64(sums + sum_hashes(to_table(rows, rest))), hashes)


def join_hashes(batches: list[RowHashes]) -> RowHashes:
    """Join the hashes of all batches; they are held once where nothing tells them apart."""
    whole = np.concatenate([batch.whole for batch in batches])
    if batches[0].whole is batches[0].seen:
        return RowHashes(whole, whole)
    return RowHashes(whole, np.concatenate([batch.seen for batch in batches]))


def hold_together(keys: Hashes, hashes: Hashes) -> Hashes:
    """Give rows that are equal the key of the first of them.

    Example:
        >>> hold_together(np.array([5, 6, 7], "u8"), np.array([1, 2, 1], "u8")).tolist()
        [5, 6, 5]
    """
    places = np.flatnonzero(is_repeated(hashes))
    _, first, of_row = np.unique(hashes[places], return_index=True, return_inverse=True)
    held = keys.copy()
    held[places] = keys[places][first[of_row]]
    return held


def apply_duplicates_policy(cleaning: CleaningSpec, duplicates: Duplicates) -> Mask:
    """Say which rows stay.

    Raises:
        DataError: There are duplicates, and the spec says `fail`.
    """
    dropped = duplicates.dropped
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


def warn_of_loss(counts: Mapping[str, int]) -> list[str]:
    """Warn if duplicates were a large share of the rows: they may be different things."""
    dropped = counts["duplicates_dropped"] + counts["duplicates_of_test_dropped"]
    if dropped <= _MUCH * counts["rows_read"]:
        return []
    return [
        f"{dropped} of {counts['rows_read']} rows ({dropped / counts['rows_read']:.0%}) are "
        "dropped: they equal another in every column. If they tell of different things, add the "
        "column that names these with `kind: id`, or set `cleaning: {duplicates: keep}`"
    ]


def check_overlap(hashes: RowHashes, parts: Parts, *, is_allowed: bool) -> list[str]:
    """Check that no row stands in training and in another part as well.

    Returns:
        A warning, if rows do and that is allowed, or do but for their ids.

    Raises:
        LeakageError: Rows do, and that is not allowed.
    """
    held_out = int(((parts != TRAIN) & (parts != LEFT_OUT)).sum())
    shared, twins = (
        _count_shared(each[places], parts[places])
        for each, places in zip((hashes.whole, hashes.seen), hashes.repeats, strict=True)
    )
    if not shared:
        return _warn_of_twins(twins, held_out)
    message = f"{shared} of {held_out} validation and test rows also stand in training"
    if is_allowed:
        return [message]
    raise LeakageError(
        f"expected no row in two parts. Received: {message}. Set `cleaning: {{duplicates: drop}}`."
    )


def _warn_of_twins(twins: int, held_out: int) -> list[str]:
    if not twins:
        return []
    return [
        f"{twins} of {held_out} validation and test rows equal a training row in every "
        "column but ids: right for different things that look alike; give an id that only counts "
        "rows `kind: ignore`, and such rows are dropped"
    ]


def _count_shared(hashes: Hashes, parts: Parts) -> int:
    is_held_out = (parts != TRAIN) & (parts != LEFT_OUT)
    return int(find_in(hashes[is_held_out], hashes[parts == TRAIN]).sum())
