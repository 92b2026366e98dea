"""Numbers and booleans: filling, clipping, scaling, fitted on the training rows."""

from typing import Literal

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from pydantic import Field

from include.errors import DataError
from include.features.encoders import Counts, DenseEncoder, Fitter, Matrix
from include.features.typed_values import read_numbers
from include.specs.columns import BooleanColumn, IntegerColumn, NumberColumn
from include.values.scaling import take_log
from include.values.statistics import Floats, Moments, RowSample, find_most_frequent


class NumberEncoder(DenseEncoder):
    """A number: fill, clip, log, then (value - center) / width."""

    kind: Literal["number"] = "number"
    fill: float = Field(description="Stands for a missing value, before clipping and scaling.")
    fill_method: str
    bounds: tuple[float, float] | None = Field(description="Values beyond are clipped to these.")
    log_origin: float | None = Field(description="With scale log: log1p(value - log_origin).")
    center: float
    width: float = Field(gt=0)
    has_indicator: bool

    @property
    def names(self) -> tuple[str, ...]:
        """The column, and its indicator if it has one."""
        if self.has_indicator:
            return (self.column, f"{self.column}=(missing)")
        return (self.column,)

    def write(self, values: pa.Array, out: Matrix) -> None:
        """Write scaled values, and 1 where a value was missing if asked for."""
        numbers = read_numbers(values, self.column)
        missing = np.isnan(numbers) if values.null_count else False
        if values.null_count:
            numbers = np.where(missing, self.fill, numbers)
        shaped = shape_numbers(numbers, bounds=self.bounds, log_origin=self.log_origin)
        with np.errstate(over="ignore"):
            out[:, 0] = (shaped - self.center) / self.width
        if not np.isfinite(out[:, 0]).all():
            raise DataError(
                f"column {self.column!r}: expected numbers that stay finite when scaled. "
                f"Received: a largest size of {np.abs(numbers).max():g}. Correct the source, or "
                "use `outliers: clip` or `scale: log`."
            )
        if self.has_indicator:
            out[:, 1] = missing

    def count_changes(self, values: pa.Array) -> Counts:
        """Count filled and clipped values."""
        counts = {f"values_filled_{self.fill_method}": values.null_count}
        if self.bounds is not None:
            numbers = read_numbers(values, self.column)
            low, high = self.bounds
            counts["values_clipped"] = int(((numbers < low) | (numbers > high)).sum())
        return counts


class BooleanEncoder(DenseEncoder):
    """True or false as 1 and 0."""

    kind: Literal["boolean"] = "boolean"
    fill: float = Field(ge=0, le=1)
    fill_method: str

    @property
    def names(self) -> tuple[str, ...]:
        """The column."""
        return (self.column,)

    def write(self, values: pa.Array, out: Matrix) -> None:
        """Write 1 for true, 0 for false, the fill where missing."""
        numbers = read_numbers(values, self.column)
        out[:, 0] = np.where(np.isnan(numbers), self.fill, numbers)

    def count_changes(self, values: pa.Array) -> Counts:
        """Count filled values."""
        return {f"values_filled_{self.fill_method}": values.null_count}


class NumberFitter(Fitter):
    """Fits a `NumberEncoder`."""

    def __init__(self, column: NumberColumn | IntegerColumn) -> None:
        """Begin with a column and no rows."""
        super().__init__(column.name)
        self._spec = column
        self.moments = Moments()
        self._shaped = Moments()
        self._fill = 0.0
        self._quartiles = (0.0, 0.0, 0.0)
        self._bounds: tuple[float, float] | None = None
        self._log_origin: float | None = None
        self.needs_second_pass = column.outliers == "clip" or column.scale == "log"
        self.needs_sample = (
            column.outliers == "clip"
            or column.scale == "robust"
            or not (column.fill == "mean" or isinstance(column.fill, float))
        )

    def observe(self, values: pa.Array) -> Floats:
        """Gather moments and give the numbers for the sample."""
        numbers = read_numbers(values, self.column)
        self.moments.update(numbers)
        return numbers

    def settle(self, sample: RowSample) -> None:
        """Decide fill, clip bounds and the origin of the logarithm."""
        if not self.moments.count:
            return
        self._shaped = self.moments
        values = sample.values(self.column) if self.needs_sample else np.empty(0)
        self._fill = self._choose_fill(values)
        if self._spec.outliers == "clip":
            low, high = np.quantile(values, self._spec.outlier_quantiles)
            self._bounds = (float(low), float(high))
        if self._spec.scale == "log":
            self._log_origin = min(self.moments.minimum, 0.0)
        if self._spec.scale == "robust":
            shaped = shape_numbers(values, bounds=self._bounds, log_origin=None)
            low, middle, high = np.quantile(shaped, (0.25, 0.5, 0.75))
            self._quartiles = (float(low), float(middle), float(high))
        if self.needs_second_pass:
            self._shaped = Moments()

    def refine(self, values: pa.Array) -> None:
        """Gather the moments of clipped and logarithmic values."""
        numbers = read_numbers(values, self.column)
        shaped = shape_numbers(numbers, bounds=self._bounds, log_origin=self._log_origin)
        self._shaped.update(shaped)

    def finish(self) -> NumberEncoder | None:
        """Give the encoder; None, with a warning, for a column without any value."""
        if not self.moments.count:
            self.warnings.append(f"column {self.column!r} has no value in training: left out")
            return None
        center, width = self._choose_scale()
        if not np.isfinite([center, width, self._fill]).all():
            raise DataError(
                f"column {self.column!r}: expected numbers whose mean and deviation are finite. "
                f"Received: values up to {self.moments.maximum:g}. Correct the source, or use "
                "`outliers: clip`."
            )
        if width <= 0:
            self.warnings.append(f"column {self.column!r} is constant in training")
            width = 1.0
        fill = self._spec.fill
        return NumberEncoder(
            column=self.column,
            fill=self._fill,
            fill_method=fill if fill in {"mean", "most_frequent"} else self._fallback_name(),
            bounds=self._bounds,
            log_origin=self._log_origin,
            center=center,
            width=width,
            has_indicator=self._spec.indicator,
        )

    def _fallback_name(self) -> str:
        return "constant" if isinstance(self._spec.fill, float) else "median"

    def _choose_fill(self, values: Floats) -> float:
        fill = self._spec.fill
        if isinstance(fill, float):
            return fill
        if fill == "mean":
            return self.moments.mean
        if fill == "most_frequent":
            return find_most_frequent(values)
        # Forward, backward and drop_row leave gaps where nothing stands before or a row must be
        # scored: the median stands in there.
        return float(np.median(values))

    def _choose_scale(self) -> tuple[float, float]:
        shaped = self._shaped
        if self._spec.scale == "none":
            return 0.0, 1.0
        if self._spec.scale == "minmax":
            return shaped.minimum, shaped.maximum - shaped.minimum
        if self._spec.scale == "robust":
            low, middle, high = self._quartiles
            # Half the values being equal makes the quartiles useless as a width.
            return middle, (high - low) or shaped.std
        return shaped.mean, shaped.std


class BooleanFitter(Fitter):
    """Fits a `BooleanEncoder`."""

    def __init__(self, column: BooleanColumn) -> None:
        """Begin with a column and no rows."""
        super().__init__(column.name)
        self._fill = column.fill
        self.moments = Moments()

    def observe(self, values: pa.Array) -> None:
        """Count true and false."""
        self.moments.update(read_numbers(values, self.column))

    def finish(self) -> BooleanEncoder | None:
        """Give the encoder; None, with a warning, for a column without any value."""
        if not self.moments.count:
            self.warnings.append(f"column {self.column!r} has no value in training: left out")
            return None
        is_given = isinstance(self._fill, bool)
        return BooleanEncoder(
            column=self.column,
            fill=float(self._fill) if is_given else float(self.moments.mean > 0.5),
            fill_method="constant" if is_given else "most_frequent",
        )


def shape_numbers(
    values: Floats, *, bounds: tuple[float, float] | None, log_origin: float | None
) -> npt.NDArray[np.float64]:
    """Clip to the bounds, then take log1p above the origin; missing values stay missing."""
    if bounds is not None:
        values = np.clip(values, *bounds)
    if log_origin is not None:
        values = take_log(values, log_origin)
    return values
