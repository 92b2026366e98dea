"""Trying ingest's own parsers on a column while it passes: which times and arrays it holds."""

import json
import math
import re
from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from typing import Any, Final, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from include.drafting.counting import DOTTED, INTEGER, NUMERIC
from include.drafting.marks import ALL_MARKS, FITS
from include.values.tensors import cast_tensor
from include.values.times import cast_datetime

PROBED: Final = 50
PROBE_FITS: Final = 0.8
DAYS: Final = (
    *("%Y/%m/%d", "%Y.%m.%d", "%d/%m/%Y", "%m/%d/%Y", "%d.%m.%Y", "%d-%m-%Y", "%m-%d-%Y"),
    *("%d/%m/%y", "%m/%d/%y", "%d.%m.%y", "%y-%m-%d", "%d-%m-%y", "%d-%b-%Y", "%d-%b-%y"),
    *("%d %b %Y", "%d %B %Y", "%b %d %Y", "%b %d, %Y", "%B %d, %Y", "%d. %B %Y"),
    *("%d %b %y", "%d-%B-%Y", "%d/%b/%Y", "%Y-%b-%d", "%d %b, %Y", "%b. %d, %Y", "%m-%d-%y"),
)
# Days that are written behind their weekday, and those that are written behind an hour.
NAMED_DAYS: Final = ("%d %b %Y", "%d %B %Y", "%b %d, %Y", "%B %d, %Y", "%b %d %Y")
PLAIN_DAYS: Final = ("%d.%m.%Y", "%d/%m/%Y", "%m/%d/%Y", "%Y-%m-%d")
MONTHS: Final = (
    *("%B %Y", "%b %Y", "%Y %b", "%B-%Y", "%b-%Y", "%b-%y", "%m/%Y", "%m-%Y", "%YM%m"),
)
DAY_OF_YEAR: Final = "%Y-%j"
# Numbers that an id's name tells from times: 2023001 may be the first bill of 2023.
COUNTED_DAYS: Final = (DAY_OF_YEAR, "%Y%j", "%y%m%d")
HALVES: Final = (" %I:%M %p", " %I:%M:%S %p")
HOURS: Final = ("", " %H:%M", " %H:%M:%S", *HALVES)
FINER: Final = (" %H:%M:%S.%f", " %H:%M:%S,%f", " %H:%M:%S %z")
WEEKDAYS: Final = ("%a ", "%a, ", "%A ", "%A, ")
CLOCKS: Final = ("%H:%M ", "%H:%M:%S ", "%I:%M %p ")
# What is written as numbers are, and as what.
COMPACT: Final = {
    "%Y%m%d": r"^\d{8}$",
    "%m.%Y": r"^(0[1-9]|1[0-2])\.(19|20)\d{2}$",
    "%Y%m": r"^(19|20)\d{2}(0[1-9]|1[0-2])$",
    "%y%m%d": r"^\d{2}(0[1-9]|1[0-2])(0[1-9]|[12]\d|3[01])$",
    "%Y%j": r"^(19|20)\d{2}(00[1-9]|0[1-9]\d|[12]\d{2}|3[0-5]\d|36[0-6])$",
    "%Y%m%d%H%M": r"^(19|20)\d{2}(0[1-9]|1[0-2])\d{6}$",
    "%Y%m%d%H%M%S": r"^(19|20)\d{2}(0[1-9]|1[0-2])\d{8}$",
}
FORMATS: Final = (
    *(f"%Y-%m-%d{hours} UTC" for hours in HOURS[:3]),
    *(f"%Y-%m-%d{hours}" for hours in HALVES),
    "%Y-%m-%d %H:%M:%S,%f",
    *("%a %b %d %H:%M:%S %z %Y", "%a, %d %b %Y %H:%M:%S %z", "%d/%b/%Y:%H:%M:%S %z"),
    *(f"{day}{mark}{hours}" for day in DAYS for mark in ("", ",") for hours in (*HOURS, *FINER)),
    *(f"{name}{day}{hours}" for name in WEEKDAYS for day in NAMED_DAYS for hours in HOURS),
    *(f"{clock}{day}" for day in PLAIN_DAYS for clock in CLOCKS),
    *MONTHS,
    *(DAY_OF_YEAR, "%G-W%V-%u", "%d%b%Y", "%d.%m.%Y %H.%M", "%d/%m/%Y %H.%M"),
)
# What of a text and of a format looks alike: letters, digits by their number, fractions, zones.
FORMS: Final = (
    (re.compile(r"[^\W\d_]+"), "a"),
    (re.compile(r"(?<=:\d\d[.,])\d+"), "F"),
    (re.compile(r"(?<=:\d\d )[+-]\d\d:?\d\d"), "Z"),
    (re.compile(r"(?<!\d)\d{4}(?!\d)"), "Y"),
    (re.compile(r"(?<!\d)\d{3}(?!\d)"), "J"),
    (re.compile(r"(?<!\d)\d{1,2}(?!\d)"), "9"),
    (re.compile(r"\s+"), " "),
)
EXAMPLE: Final = datetime(2024, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC)
ZONED: Final = r"\d(Z|[+-]\d{2}:?\d{2})$"
# Eight digits may be any number; those of a day lie in these years.
FIRST_YEAR, LAST_YEAR = 1900, 2100
# Of a year in two digits the century is a guess.
CENTURY: Final = np.datetime64("2000-01-01", "us")
AHEAD: Final = np.timedelta64(2 * 365, "D")
TWO_DIGITS: Final = (
    "CHECK: years in two digits are read as 1969 to 2068; if that is wrong, write four. Here "
)
MAX_AXES: Final = 4
MAX_ELEMENTS: Final = 1_000_000


class TimeForm(NamedTuple):
    """A column whose values are times, but for a few that are named.

    Attributes:
        format: The strptime format; None for ISO 8601.
        check: What speaks against it: another format that fits as many values (day first or month
            first), or zones in some rows only.
        is_ordered: Whether the rows of the file only rise in it, or only fall.
        is_torn: Whether years in two digits put some rows into the last century and some into the
            years to come: hardly what was meant, so that it orders nothing.
    """

    format: str | None
    check: str
    is_ordered: bool
    is_torn: bool = False


class ArrayForm(NamedTuple):
    """A column whose every value is an array of one shape."""

    shape: tuple[int, ...]
    largest: float


@dataclass
class _Order:
    """How many values a format reads, and whether they lie in order."""

    fitting: int = 0
    ends: Any = None
    last: np.datetime64 | None = None
    is_rising: bool = True
    is_falling: bool = True

    @property
    def is_ordered(self) -> bool:
        return self.is_rising or self.is_falling

    def observe(self, times: Any) -> None:
        self.fitting += len(times)
        if self.last is not None:
            times = np.concatenate([[self.last], times])
        if len(times):
            self.is_rising &= bool((times[1:] >= times[:-1]).all())
            self.is_falling &= bool((times[1:] <= times[:-1]).all())
            self.last = times[-1]
            known = times if self.ends is None else np.concatenate([self.ends, times])
            self.ends = np.array([known.min(), known.max()])

    def show(self) -> str:
        low, high = np.datetime_as_string(self.ends, unit="D")
        return f"{low} … {high}{', in order' if self.is_ordered else ''}"


class TextCounts:
    """Counts what the texts of one column are: marks of missing values, forms of numbers."""

    def __init__(self) -> None:
        """Begin with none."""
        self.rows = self.filled = self.numbers = self.integers = self.dotted = 0
        self.marks: Counter[str] = Counter()

    def observe(self, texts: pa.Array) -> None:
        """Count these texts as well."""
        self.rows += len(texts)
        self.filled += len(texts) - texts.null_count
        found = texts.filter(pc.is_in(texts, value_set=pa.array(ALL_MARKS)))
        self.marks.update(found.drop_null().to_pylist())
        self.numbers += _count_matches(texts, NUMERIC)
        self.integers += _count_matches(texts, INTEGER)
        self.dotted += _count_matches(texts, DOTTED)


class TimeTracker:
    """Keeps the formats that nearly every value so far can be read with."""

    def __init__(self) -> None:
        """Begin with all formats."""
        self._open: dict[str | None, _Order] | None = None
        self._seen = self._zoned = 0

    @property
    def form(self) -> TimeForm | None:
        """What the column is, if it is a time; of several formats one that orders the rows."""
        found = self._open or {}
        most = max((order.fitting for order in found.values()), default=0)
        if most < max(1, FITS * self._seen):
            return None
        fitting = {one: order for one, order in found.items() if order.fitting == most}
        # Sorting is stable: where all do or none does, the first stays the first.
        first, *others = sorted(fitting, key=lambda one: not fitting[one].is_ordered)
        check = ""
        if first is not None and others:
            check = (
                f"CHECK: {others[0]} fits as well ({fitting[others[0]].show()}; as taken: "
                f"{fitting[first].show()})"
            )
        elif first is None and 0 < self._zoned < self._seen:
            check = (
                f"CHECK: {self._zoned} of {self._seen} say their zone; the others are read as UTC"
            )
        order = fitting[first]
        is_ahead = first is not None and "%y" in first and order.ends[1] > _soon()
        if is_ahead:
            check = "; ".join(one for one in (check, TWO_DIGITS + order.show()) if one)
        is_torn = is_ahead and order.ends[0] < CENTURY
        return TimeForm(first, check, order.is_ordered, is_torn)

    def observe(self, texts: pa.Array) -> None:
        """Drop the formats that do not fit these values."""
        if self._open == {}:
            return
        values = _drop_marks(texts)
        if not len(values):
            return
        if self._open is None:
            spread = np.linspace(0, len(values) - 1, min(PROBED, len(values))).astype(int)
            probe = values.take(pa.array(spread))
            fitting = (
                one
                for one in _candidates(probe)
                if len(_read(probe, one)) > PROBE_FITS * len(probe)
            )
            self._open = {one: _Order() for one in fitting}
        self._seen += len(values)
        self._zoned += _count_matches(values, ZONED) if None in self._open else 0
        for one in list(self._open):
            self._open[one].observe(_read(values, one))
            if self._open[one].fitting < PROBE_FITS * self._seen:
                del self._open[one]


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
        values = _drop_marks(texts)
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


def _soon() -> np.datetime64:
    """Give a time that plans reach, but hardly the rows of a table."""
    return np.datetime64("now", "us") + AHEAD


def _count_matches(texts: pa.Array, pattern: str) -> int:
    return int(pc.sum(pc.match_substring_regex(texts, pattern), min_count=0).as_py())


def _drop_marks(texts: pa.Array) -> pa.Array:
    return texts.filter(pc.invert(pc.is_in(texts, value_set=pa.array(ALL_MARKS)))).drop_null()


def _candidates(probe: pa.Array) -> tuple[str | None, ...]:
    """Leave the formats out that would read plain numbers as times."""
    few = (1 - PROBE_FITS) * len(probe)
    for format_, shape in COMPACT.items():
        if pc.sum(pc.match_substring_regex(probe, shape)).as_py() >= len(probe) - few:
            return (format_,)
    numbers = pc.sum(pc.match_substring_regex(probe, NUMERIC)).as_py()
    digits = pc.sum(pc.match_substring_regex(probe, r"\d")).as_py()
    if numbers > few or digits < len(probe) - few:
        return ()
    found = {_form_of(text) for text in probe.to_pylist()}
    return (None, *(one for one, form in _forms_of_formats().items() if form in found))


@cache
def _forms_of_formats() -> dict[str, str]:
    return {format_: _form_of(EXAMPLE.strftime(format_)) for format_ in FORMATS}


def _form_of(text: str) -> str:
    """Write what a text looks like; a format that no value looks like is not tried."""
    for pattern, form in FORMS:
        text = pattern.sub(form, text)
    return text


def _read(values: pa.Array, format_: str | None) -> Any:
    """Read the values that are times."""
    times, _ = cast_datetime(values, format_)
    instants = times.drop_null().cast(pa.timestamp("us")).to_numpy(zero_copy_only=False)
    if format_ in COMPACT:
        years = instants.astype("datetime64[Y]").astype(int) + 1970
        instants = instants[(years >= FIRST_YEAR) & (years <= LAST_YEAR)]
    return instants


def _shape_of(text: str) -> tuple[int, ...]:
    if not text.startswith("["):
        return ()
    try:
        shape = np.asarray(json.loads(text), dtype=np.float32).shape
    except (ValueError, TypeError, RecursionError):
        return ()
    is_small = len(shape) <= MAX_AXES and 1 < math.prod(shape) <= MAX_ELEMENTS
    return shape if is_small else ()
