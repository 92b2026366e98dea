"""Statistics that are gathered batch by batch, merged, and stay within a fixed memory.

Moments are exact (Chan, Golub and LeVeque 1983). Quantiles and most frequent numbers come from
a sample of whole rows: the `SAMPLE_ROWS` rows whose hashed row numbers are the smallest. Up to
that many rows it holds every row and they are exact; beyond, the rank of a quantile q is off by
about sqrt(q (1 - q) / SAMPLE_ROWS), 0.1 % at the median. Which rows are in the sample depends
neither on batches nor on their order.
"""

from collections import Counter
from typing import Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from include.values.hashing import Hashes

Floats = npt.NDArray[np.float64]

SAMPLE_ROWS: Final = 262_144
MAX_DISTINCT: Final = 200_000


class Moments:
    """Count, mean, variance, minimum and maximum of numbers; missing ones are passed over.

    Example:
        >>> moments = Moments()
        >>> moments.update(np.array([1.0, 3.0, np.nan]))
        >>> moments.count, moments.mean, moments.std, moments.maximum
        (2, 2.0, 1.0, 3.0)
    """

    def __init__(self) -> None:
        """Begin without numbers."""
        self.count = 0
        self.mean = 0.0
        self.squares = 0.0
        self.minimum = np.inf
        self.maximum = -np.inf

    @property
    def std(self) -> float:
        """Population standard deviation; 0 without values, and exactly 0 of equal ones."""
        # What the sum of squares says of equal values is rounding: 1e-17 rather than 0.
        if not self.count or self.minimum == self.maximum:
            return 0.0
        return float(np.sqrt(self.squares / self.count))

    def update(self, values: Floats) -> None:
        """Add a batch of numbers."""
        missing = np.isnan(values)
        present = values[~missing] if missing.any() else values
        if not present.size:
            return
        batch = Moments()
        batch.count = int(present.size)
        batch.minimum = float(present.min())
        batch.maximum = float(present.max())
        # Huge values may overflow here; whoever uses the result checks that it is finite.
        with np.errstate(over="ignore", invalid="ignore"):
            batch.mean = float(present.mean())
            batch.squares = float(np.square(present - batch.mean).sum())
        self.merge(batch)

    def merge(self, other: "Moments") -> None:
        """Add the numbers that another has seen."""
        if not other.count:
            return
        total = self.count + other.count
        with np.errstate(over="ignore", invalid="ignore"):
            delta = np.float64(other.mean) - self.mean
            between = np.square(delta) * self.count * other.count / total
            self.mean = float(self.mean + delta * other.count / total)
            self.squares = float(self.squares + other.squares + between)
        self.count = total
        self.minimum = min(self.minimum, other.minimum)
        self.maximum = max(self.maximum, other.maximum)


class RowSample:
    """The rows with the smallest priorities, as columns of numbers."""

    def __init__(self, columns: tuple[str, ...], *, size: int = SAMPLE_ROWS) -> None:
        """Begin without rows, for the named columns."""
        self._size = size
        self._limit = np.iinfo(np.uint64).max
        self._priorities: list[Hashes] = []
        self._values: dict[str, list[Floats]] = {name: [] for name in columns}
        self._rows = 0

    def update(self, priorities: Hashes, values: dict[str, Floats]) -> None:
        """Add a batch: a priority for each row, and its numbers by column."""
        if not self._values:
            return
        # Taking by place is several times faster than by truth.
        chosen = np.flatnonzero(priorities <= np.uint64(self._limit))
        if not chosen.size:
            return
        self._priorities.append(priorities.take(chosen))
        for name, parts in self._values.items():
            parts.append(values[name].take(chosen))
        self._rows += chosen.size
        if self._rows > 2 * self._size:
            self.shrink()

    def merge(self, other: "RowSample") -> None:
        """Add the rows that another has kept."""
        for place, priorities in enumerate(other._priorities):
            batch = {name: parts[place] for name, parts in other._values.items()}
            self.update(priorities, batch)

    def values(self, column: str) -> Floats:
        """Give the present numbers of a column, in no order."""
        self.shrink()
        parts = self._values[column]
        values = np.concatenate(parts) if parts else np.empty(0)
        return values[~np.isnan(values)]

    def rows(self) -> Floats:
        """Give the rows kept, shape (rows, columns), missing numbers as NaN."""
        self.shrink()
        columns = [
            np.concatenate(parts) if parts else np.empty(0) for parts in self._values.values()
        ]
        return np.column_stack(columns)

    def shrink(self) -> None:
        """Let go of the rows beyond the sample's size; until then up to twice as many are held."""
        if self._rows <= self._size:
            return
        priorities = np.concatenate(self._priorities)
        kept = np.argpartition(priorities, self._size - 1)[: self._size]
        self._priorities = [priorities[kept]]
        self._values = {name: [np.concatenate(parts)[kept]] for name, parts in self._values.items()}
        self._rows = self._size
        self._limit = int(self._priorities[0].max())


class ValueCounts:
    """How often each text occurs; with very many distinct ones, the rarest are forgotten.

    Counts are exact up to `MAX_DISTINCT` distinct values. Beyond, the rarer half is dropped each
    time the limit is passed (lossy counting), which leaves the frequent ones all but exact.
    """

    def __init__(self, *, limit: int = MAX_DISTINCT) -> None:
        """Begin without texts; `limit` bounds how many distinct ones are held."""
        self._limit = limit
        self._counts: Counter[str] = Counter()
        self.missing = 0
        self.total = 0

    def update(self, texts: pa.Array) -> None:
        """Add a batch of texts; nulls are counted apart."""
        self.missing += texts.null_count
        self.total += len(texts)
        for pair in pc.value_counts(texts.drop_null()).to_pylist():
            self._counts[pair["values"]] += pair["counts"]
        self._shrink()

    def merge(self, other: "ValueCounts") -> None:
        """Add what another has counted."""
        self._counts.update(other._counts)
        self.missing += other.missing
        self.total += other.total
        self._shrink()

    def ranked(self) -> list[tuple[str, int]]:
        """Give values and counts, the most frequent first, equal ones by name."""
        return sorted(self._counts.items(), key=lambda pair: (-pair[1], pair[0]))

    def _shrink(self) -> None:
        if len(self._counts) > self._limit:
            self._counts = Counter(dict(self.ranked()[: self._limit // 2]))


def find_most_frequent(numbers: Floats) -> float:
    """Find the value that occurs most often, the smallest of equals."""
    values, counts = np.unique(numbers, return_counts=True)
    place: npt.NDArray[np.intp] = np.asarray(counts.argmax())
    return float(values[place])
