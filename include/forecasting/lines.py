"""Straight lines through a few measurements, and how far they can be trusted beyond them."""

import itertools
import math
from collections.abc import Sequence
from statistics import median
from typing import Final, NamedTuple

Point = tuple[float, float]
# What two measurements of the same thing differ by on a machine that does other things too.
MARGIN: Final = 0.15
MARGIN_OF_DOUBLING: Final = 0.05
# Nearer numbers of rows differ by less cost than the same number does on another day.
APART: Final = 1.5


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


class Reading(NamedTuple):
    """One way to read measurements: intercept + slope · rows, neither below 0."""

    intercept: float
    slope: float

    def at(self, rows: float) -> float:
        """Return the cost of a number of rows."""
        return self.intercept + self.slope * rows

    def add(self, intercept: float, slope: float) -> "Reading":
        """Add a cost that is known."""
        return Reading(self.intercept + intercept, self.slope + slope)


class Line(NamedTuple):
    """A cost that grows with the rows.

    Attributes:
        best: How the measurements are best read.
        others: How else they may be read.
        most: Most rows that were measured.
        is_told: Whether they tell what grows with the rows from what does not; else `best` has
            all of it grow, which is the most it can be of more rows.
    """

    best: Reading
    others: tuple[Reading, ...]
    most: float
    is_told: bool = True

    def predict(self, rows: float) -> Range:
        """Return the cost of a number of rows, between what any reading says of it.

        The range is widened by 15 %, and by 5 % more for each doubling beyond the most rows that
        were measured; but more rows never cost less than those.
        """
        readings = (self.best, *self.others)
        found = [reading.at(rows) for reading in readings]
        beyond = max(0.0, math.log2(max(rows, 1) / self.most))
        margin = MARGIN + MARGIN_OF_DOUBLING * beyond
        least = min(reading.at(min(rows, self.most)) for reading in readings) / (1 + MARGIN)
        low = max(least, min(found) / (1 + margin))
        return Range(found[0], low, max(found) * (1 + margin))

    def add(self, intercept: float, slope: float) -> "Line":
        """Add a cost that is known to every reading."""
        others = tuple(each.add(intercept, slope) for each in self.others)
        return self._replace(best=self.best.add(intercept, slope), others=others)

    def most_rows(self, limit: float) -> int:
        """Return how many rows keep the cost at or below a limit; at most 10^15."""
        if self.best.intercept > limit:
            return 0
        if self.best.slope <= 0:
            return 10**15
        return min(10**15, int((limit - self.best.intercept) / self.best.slope))


def fit_line(rows: Sequence[float], costs: Sequence[float]) -> Line:
    """Fit a line that one disturbed measurement does not bend (Theil 1950, Sen 1968).

    The slope is the median of the slopes of all pairs that lie apart, each weighed by its distance
    in rows, and no less than 0; the intercept is the median of what is left, and no less than 0
    either. The other readings are the lines through these pairs. Where there are none, all of the
    cost may grow with the rows, or none of it.

    Args:
        rows: Numbers of rows.
        costs: What each took.

    Example:
        >>> line = fit_line([100, 200, 400], [3.0, 5.0, 9.0])
        >>> line.best, line.predict(1_000).estimate
        (Reading(intercept=1.0, slope=0.02), 21.0)
        >>> fit_line([100], [5.0]).others
        (Reading(intercept=5.0, slope=0.0),)
    """
    points = sorted(zip(map(float, rows), map(float, costs), strict=True))
    most = points[-1][0]
    pairs = [
        (first, second)
        for first, second in itertools.combinations(points, 2)
        if second[0] >= APART * first[0]
    ]
    if not pairs:
        grows = Reading(0.0, median(cost / count for count, cost in points))
        stays = Reading(median(cost for _, cost in points), 0.0)
        return Line(grows, (stays,), most, is_told=False)
    slope = _weighted_median([(_slope(*pair), pair[1][0] - pair[0][0]) for pair in pairs])
    left = median(cost - slope * count for count, cost in points)
    others = tuple(_through(*pair) for pair in pairs)
    return Line(Reading(max(0.0, left), slope), others, most)


def _through(first: Point, second: Point) -> Reading:
    slope = _slope(first, second)
    return Reading(max(0.0, second[1] - slope * second[0]), slope)


def _slope(first: Point, second: Point) -> float:
    return max(0.0, (second[1] - first[1]) / (second[0] - first[0]))


def _weighted_median(pairs: Sequence[tuple[float, float]]) -> float:
    half, seen = sum(weight for _, weight in pairs) / 2, 0.0
    for value, weight in sorted(pairs):
        seen += weight
        if seen >= half:
            return value
    return max(value for value, _ in pairs)
