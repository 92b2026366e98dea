"""Trying ingest's own parsers on a column while it passes: a kind is drafted only if all fits."""

import json
import math
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from include.drafting.counting import NUMERIC
from include.drafting.marks import ALL_MARKS
from include.values.tensors import cast_tensor
from include.values.times import cast_datetime

PROBED: Final = 50
DAYS: Final = (
    *("%Y/%m/%d", "%Y.%m.%d", "%d/%m/%Y", "%m/%d/%Y", "%d.%m.%Y", "%d-%m-%Y", "%m-%d-%Y"),
    *("%d/%m/%y", "%m/%d/%y", "%d.%m.%y", "%d-%b-%Y", "%d %b %Y", "%d %B %Y", "%b %d, %Y"),
)
HOURS: Final = ("", " %H:%M", " %H:%M:%S")
COMPACT: Final = "%Y%m%d"
FORMATS: Final = (
    None,
    *(f"%Y-%m-%d{hours} UTC" for hours in HOURS),
    *(f"{day}{hours}" for day in DAYS for hours in HOURS),
)
# Eight digits may be any number; those of a day lie in these years.
FIRST_YEAR, LAST_YEAR = 1900, 2100
MOST_AXES: Final = 4
MOST_ELEMENTS: Final = 1_000_000


class TimeForm(NamedTuple):
    """A column whose every value is a time.

    Attributes:
        format: The strptime format; None for ISO 8601.
        other: Another format that fits every value as well: day first or month first.
        is_rising: Whether each value is later than the one before.
    """

    format: str | None
    other: str | None
    is_rising: bool


class ArrayForm(NamedTuple):
    """A column whose every value is an array of one shape."""

    shape: tuple[int, ...]
    largest: float


@dataclass
class _Rise:
    last: np.datetime64 | None = None
    is_rising: bool = True

    def observe(self, times: Any) -> None:
        if self.last is not None:
            times = np.concatenate([[self.last], times])
        self.is_rising = self.is_rising and bool((times[1:] > times[:-1]).all())
        self.last = times[-1]


class TimeTracker:
    """Keeps the formats that every value so far can be read with."""

    def __init__(self) -> None:
        """Begin with all formats."""
        self._open: dict[str | None, _Rise] | None = None

    @property
    def form(self) -> TimeForm | None:
        """What the column is, if it is a time."""
        if not self._open:
            return None
        formats = list(self._open)
        other = formats[1] if formats[0] is not None and len(formats) > 1 else None
        return TimeForm(formats[0], other, self._open[formats[0]].is_rising)

    def observe(self, texts: pa.Array) -> None:
        """Drop the formats that do not fit these values."""
        if self._open == {}:
            return
        values = texts.filter(pc.invert(pc.is_in(texts, value_set=pa.array(ALL_MARKS))))
        values = values.drop_null()
        if not len(values):
            return
        if self._open is None:
            probe = values.slice(0, PROBED)
            fitting = (one for one in _candidates(probe) if _read(probe, one) is not None)
            self._open = {one: _Rise() for one in fitting}
        for one in list(self._open):
            times = _read(values, one)
            if times is None:
                del self._open[one]
            else:
                self._open[one].observe(times)


class ArrayTracker:
    """Keeps the shape that every value so far has."""

    def __init__(self) -> None:
        """Begin without a shape."""
        self._is_open = True
        self._shape: tuple[int, ...] = ()
        self._largest = 0.0

    @property
    def form(self) -> ArrayForm | None:
        """What the column is, if it holds arrays."""
        is_array = self._is_open and bool(self._shape)
        return ArrayForm(self._shape, self._largest) if is_array else None

    def observe(self, texts: pa.Array) -> None:
        """Give up if these values have another shape, or are no arrays."""
        if not self._is_open:
            return
        values = texts.filter(pc.invert(pc.is_in(texts, value_set=pa.array(ALL_MARKS))))
        values = values.drop_null()
        if not len(values):
            return
        self._shape = self._shape or _shape_of(values[0].as_py())
        self._is_open = bool(self._shape) and self._fits(values)

    def _fits(self, values: pa.Array) -> bool:
        arrays, bad = cast_tensor(values, self._shape)
        if bad is not None and bad.any():
            return False
        numbers = arrays.flatten().to_numpy(zero_copy_only=False)
        self._largest = max(self._largest, float(np.abs(numbers).max()))
        return True


def _candidates(probe: pa.Array) -> tuple[str | None, ...]:
    """Leave the formats out that would read plain numbers as times."""
    is_number = pc.match_substring_regex(probe, NUMERIC)
    if pc.all(pc.match_substring_regex(probe, r"^\d{8}$")).as_py():
        return (COMPACT,)
    return () if pc.any(is_number).as_py() else FORMATS


def _read(values: pa.Array, format_: str | None) -> Any:
    """Read all values as times, or none if one does not fit."""
    times, bad = cast_datetime(values, format_)
    if bad is not None and bad.any():
        return None
    instants = times.cast(pa.timestamp("us")).to_numpy(zero_copy_only=False)
    if format_ == COMPACT:
        years = instants.astype("datetime64[Y]").astype(int) + 1970
        if years.min() < FIRST_YEAR or years.max() > LAST_YEAR:
            return None
    return instants


def _shape_of(text: str) -> tuple[int, ...]:
    if not text.startswith("["):
        return ()
    try:
        shape = np.asarray(json.loads(text), dtype=np.float32).shape
    except (ValueError, TypeError, RecursionError):
        return ()
    is_small = len(shape) <= MOST_AXES and 1 < math.prod(shape) <= MOST_ELEMENTS
    return shape if is_small else ()
