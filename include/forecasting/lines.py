"""Straight lines through a few measurements, and how far they can be trusted beyond them."""

import itertools
import math
from collections.abc import Sequence
from typing import Final, NamedTuple

# What two measurements of the same thing differ by on a machine that does other things too.
MARGIN: Final = 0.15
MARGIN_OF_DOUBLING: Final = 0.05


class Range(NamedTuple):
    """A number that is not known exactly."""

    estimate: float
    low: float
    high: float

    def __add__(self, other: object) -> "Range":
        """Add two ranges end by end."""
        if not isinstance(other, Range):
            return NotImplemented
        return Range(*(mine + theirs for mine, theirs in zip(self, other, strict=True)))


class Line(NamedTuple):
    """A cost that grows with the rows: intercept + slope · rows, neither below 0."""

    intercept: float
    slope: float
    points: tuple[tuple[float, float], ...]

    def predict(self, rows: float) -> Range:
        """Return the cost of a number of rows, between what any two measurements say of it.

        The range is that of the lines through every two points, widened by 15 %, and by 5 %
        more for each doubling beyond the most rows that were measured.
        """
        estimate = self.intercept + self.slope * rows
        others = [estimate]
        for first, second in itertools.combinations(self.points, 2):
            slope = _slope(first, second)
            others.append(max(0.0, second[1] - slope * second[0]) + slope * rows)
        most = max(point[0] for point in self.points)
        beyond = max(0.0, math.log2(max(rows, 1) / most))
        margin = MARGIN + MARGIN_OF_DOUBLING * beyond
        return Range(estimate, min(others) / (1 + margin), max(others) * (1 + margin))

    def most_rows(self, limit: float) -> int:
        """Return how many rows keep the cost at or below a limit; at most 10^15."""
        if self.intercept > limit:
            return 0
        if self.slope <= 0:
            return 10**15
        return min(10**15, int((limit - self.intercept) / self.slope))


def fit_line(rows: Sequence[float], costs: Sequence[float]) -> Line:
    """Fit a line that one disturbed measurement does not bend (Theil 1950, Sen 1968).

    The slope is the median of the slopes of all pairs, each weighed by its distance in rows, and
    no less than 0; the intercept is the median of what is left, and no less than 0 either.

    Args:
        rows: At least two different numbers of rows.
        costs: What each took.

    Example:
        >>> line = fit_line([100, 200, 400], [3.0, 5.0, 9.0])
        >>> line.intercept, line.slope, line.predict(1_000).estimate
        (1.0, 0.02, 21.0)
    """
    points = sorted(zip(map(float, rows), map(float, costs), strict=True))
    pairs = [
        (_slope(first, second), second[0] - first[0])
        for first, second in itertools.combinations(points, 2)
        if second[0] > first[0]
    ]
    if not pairs:
        raise ValueError(f"a line needs two different numbers of rows. Received: {list(rows)}")
    slope = _weighted_median(pairs)
    left = sorted(cost - slope * count for count, cost in points)
    middle = len(left) // 2
    median = left[middle] if len(left) % 2 else (left[middle - 1] + left[middle]) / 2
    return Line(max(0.0, median), slope, tuple(points))


def _slope(first: tuple[float, float], second: tuple[float, float]) -> float:
    if second[0] == first[0]:
        return 0.0
    return max(0.0, (second[1] - first[1]) / (second[0] - first[0]))


def _weighted_median(pairs: Sequence[tuple[float, float]]) -> float:
    half, seen = sum(weight for _, weight in pairs) / 2, 0.0
    for value, weight in sorted(pairs):
        seen += weight
        if seen >= half:
            return value
    return max(value for value, _ in pairs)
