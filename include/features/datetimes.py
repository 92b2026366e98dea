"""Points in time as parts: cyclic ones on a circle, years and elapsed days scaled to training."""

from typing import Final, Literal

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
from pydantic import Field

from include.features.encoders import DenseEncoder, Fitter, Matrix
from include.features.typed_values import read_times
from include.specs.columns import DatetimeColumn
from include.values.statistics import Floats

Part = Literal["year", "month", "day", "weekday", "hour", "minute", "elapsed_days"]

_PERIODS: Final[dict[str, int]] = {"month": 12, "day": 31, "weekday": 7, "hour": 24, "minute": 60}
_FUNCTIONS: Final = {"weekday": "day_of_week"}
_DAY_US: Final = 86_400_000_000


class DatetimeEncoder(DenseEncoder):
    """A point in time: a sine and a cosine per cyclic part, one number for year and elapsed_days.

    A missing time is 0 in every position, the center of the circle.
    """

    kind: Literal["datetime"] = "datetime"
    parts: tuple[Part, ...]
    first_us: int = Field(description="Earliest training time, microseconds since 1970.")
    last_us: int = Field(description="Latest training time, microseconds since 1970.")

    @property
    def names(self) -> tuple[str, ...]:
        """`column.part`, with `_sin` and `_cos` for cyclic parts."""
        names: list[str] = []
        for part in self.parts:
            endings = ("_sin", "_cos") if part in _PERIODS else ("",)
            names.extend(f"{self.column}.{part}{ending}" for ending in endings)
        return tuple(names)

    def write(self, values: pa.Array, out: Matrix) -> None:
        """Write the parts one after the other."""
        times = read_times(values, self.column)
        missing = np.isnat(times)
        place = 0
        for part in self.parts:
            if part in _PERIODS:
                turn = _read_part(times, _FUNCTIONS.get(part, part))
                angle = 2 * np.pi * (turn - (part in {"month", "day"})) / _PERIODS[part]
                out[:, place], out[:, place + 1] = np.sin(angle), np.cos(angle)
                place += 2
            else:
                out[:, place] = self._scale(times, part)
                place += 1
        out[missing] = 0.0

    def _scale(self, times: npt.NDArray[np.datetime64], part: Part) -> Floats:
        first, last = (np.datetime64(moment, "us") for moment in (self.first_us, self.last_us))
        if part == "elapsed_days":
            days = (times - first) / np.timedelta64(_DAY_US, "us")
            return np.asarray(days / max((self.last_us - self.first_us) / _DAY_US, 1.0))
        first_year, last_year = (int(str(moment)[:4]) for moment in (first, last))
        return np.asarray((_read_part(times, "year") - first_year) / max(last_year - first_year, 1))


class DatetimeFitter(Fitter):
    """Fits a `DatetimeEncoder`."""

    def __init__(self, column: DatetimeColumn) -> None:
        """Begin with a column and no rows."""
        super().__init__(column.name)
        self._spec = column
        self._first: int | None = None
        self._last = 0

    def observe(self, values: pa.Array) -> None:
        """Widen the range of times seen."""
        times = read_times(values, self.column)
        moments = times[~np.isnat(times)].astype(np.int64)
        if moments.size:
            first, last = int(moments.min()), int(moments.max())
            self._last = last if self._first is None else max(self._last, last)
            self._first = first if self._first is None else min(self._first, first)

    def finish(self) -> DatetimeEncoder | None:
        """Give the encoder; None, with a warning, for a column without any value."""
        if self._first is None:
            self.warnings.append(f"column {self.column!r} has no value in training: left out")
            return None
        return DatetimeEncoder(
            column=self.column,
            parts=self._spec.parts,
            first_us=self._first,
            last_us=self._last,
        )


def _read_part(times: npt.NDArray[np.datetime64], part: str) -> Floats:
    """Read a part of each time in UTC; of a missing one, 0."""
    numbers = pc.call_function(part, [pa.array(times)])
    return np.asarray(numbers.fill_null(0).to_numpy().astype(np.float64))
