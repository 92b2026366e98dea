"""Arithmetic on values in order, where rows of a group stand together.

`Layout` brings rows there and back. `starts` gives for each row the place at which its group
begins.
"""

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from include.values.statistics import Floats

Indices = npt.NDArray[np.int64]


class Layout:
    """An order of rows in which groups stand together, 16 bytes a row."""

    def __init__(self, groups: Indices, order: Indices) -> None:
        """Lay rows out.

        Args:
            groups: The group of each row, in table order.
            order: The rows' positions in the table, in order.
        """
        self.rows: Indices = order[np.argsort(groups[order], kind="stable")]
        self.starts = find_group_starts(groups[self.rows])

    def arrange(self, values: pa.Array) -> pa.Array:
        """Bring a column from table order into this order."""
        return values.take(self.rows)

    def restore(self, values: pa.Array) -> pa.Array:
        """Bring a column from this order back into table order."""
        back = np.empty_like(self.rows)
        back[self.rows] = np.arange(len(self.rows))
        return values.take(back)


def sort_places(values: pa.Array) -> Indices:
    """Give the places of values in rising order; equal ones stay in theirs."""
    return np.asarray(pc.array_sort_indices(values).to_numpy().astype(np.int64))


def number_groups(keys: pa.Array) -> Indices:
    """Number the distinct keys from 0; a missing one is a key, too."""
    return np.asarray(keys.dictionary_encode("encode").indices.to_numpy().astype(np.int64))


def find_group_starts(codes: Indices) -> Indices:
    """Give for each row the place where its group begins."""
    places = np.arange(len(codes))
    is_first = np.ones(len(codes), dtype=bool)
    is_first[1:] = codes[1:] != codes[:-1]
    return np.maximum.accumulate(np.where(is_first, places, 0)) if len(codes) else places


def fill_forward(values: pa.Array, starts: Indices) -> pa.Array:
    """Give missing values the one before, within groups."""
    places = np.arange(len(values))
    source = np.where(values.is_valid().to_numpy(zero_copy_only=False), places, -1)
    source = np.maximum.accumulate(source) if len(source) else source
    # A value from before the group's start belongs to another group.
    return values.take(np.where(source >= starts, source, places))


def fill_backward(values: pa.Array, starts: Indices) -> pa.Array:
    """Give missing values the one after, within groups."""
    back = np.arange(len(values))[::-1]
    # Where a group begins is as good a name for it as any.
    return fill_forward(values.take(back), find_group_starts(starts[::-1])).take(back)


def shift(values: Floats, starts: Indices, step: int) -> Floats:
    """Give the value `step` rows before, missing where the group has none."""
    shifted = np.full(len(values), np.nan)
    places = np.arange(len(values))
    known = places - step >= starts
    shifted[known] = values[places[known] - step]
    return shifted


def average(values: Floats, starts: Indices, window: int) -> Floats:
    """Give the mean of the `window` rows before, missing where the group has fewer."""
    means = np.full(len(values), np.nan)
    if len(values) > window:
        # Each window is summed by itself: a running sum would depend on where it began.
        views = np.lib.stride_tricks.sliding_window_view(values, window)
        means[window:] = views[:-1].mean(axis=1)
    known = np.arange(len(values)) - window >= starts
    return np.where(known, means, np.nan)
