"""What the rows of a model's run looked like, in bounded form: counts and quantiles, never rows.

It is taken of the test rows, which the model did not learn from, so that what it predicts for them
can be compared with what it predicts for new ones. It travels in the bundle.
"""

from collections.abc import Mapping
from typing import Any, Final, Literal

import numpy as np
import numpy.typing as npt
import pandas as pd
from pydantic import Field

from include.records import Record

# Levels of a column's distribution function: a distance between two is exact to a thousandth.
QUANTILES: Final = 1_001
MAX_VALUES: Final = 100
Floats = npt.NDArray[np.float64]


class ColumnReference(Record):
    """The distribution of one column, or of a model's predictions."""

    name: str
    kind: Literal["number", "category"]
    rows: int
    missing: int = 0
    quantiles: tuple[float, ...] = Field(
        default=(), description="number: values at evenly spaced levels, the least and most too."
    )
    counts: dict[str, int] = Field(
        default_factory=dict, description="category: rows of the most frequent values."
    )

    @property
    def present(self) -> int:
        """Rows that have a value."""
        return self.rows - self.missing


class Calibration(Record):
    """How often a model was right among rows that it was so sure of: a step function."""

    edges: tuple[float, ...] = Field(description="Upper ends of the steps, rising, the last 1.")
    shares: tuple[float, ...] = Field(description="Share of right answers within each step.")
    accuracy: float = Field(description="Share of right answers in all.")


class Reference(Record):
    """The reference of a model: its columns, its predictions, its sureness."""

    rows: int
    columns: tuple[ColumnReference, ...]
    prediction: ColumnReference
    calibration: Calibration | None = Field(default=None, description="Of a classification.")


def describe_column(name: str, values: "pd.Series[Any]") -> ColumnReference:
    """Describe a column: numbers and times by quantiles, all else by the most frequent values."""
    missing = int(values.isna().sum())
    present = values.dropna()
    if _is_number(present):
        return ColumnReference(
            name=name,
            kind="number",
            rows=len(values),
            missing=missing,
            quantiles=take_quantiles(as_numbers(present)),
        )
    counts = present.astype(str).value_counts().head(MAX_VALUES)
    return ColumnReference(
        name=name,
        kind="category",
        rows=len(values),
        missing=missing,
        counts={str(value): int(count) for value, count in counts.items()},
    )


def take_quantiles(values: Floats) -> tuple[float, ...]:
    """Take the values at evenly spaced levels; all of them where there are fewer.

    Example:
        >>> take_quantiles(np.array([3.0, 1.0, 2.0]))
        (1.0, 2.0, 3.0)
    """
    finite = np.sort(values[np.isfinite(values)])
    if len(finite) > QUANTILES:
        levels = np.linspace(0, len(finite) - 1, QUANTILES).round().astype(np.int64)
        finite = finite[levels]
    return tuple(float(value) for value in finite)


def as_numbers(values: "pd.Series[Any]") -> Floats:
    """Give numbers as they are, truth as 0 and 1, times as seconds since 1970."""
    if pd.api.types.is_datetime64_any_dtype(values.dtype):
        return values.astype("datetime64[us, UTC]").astype("int64").to_numpy(np.float64) / 1e6
    return values.to_numpy(np.float64)


def calibrate(sureness: Floats, is_right: npt.NDArray[np.bool_]) -> Calibration:
    """Learn how often answers of a given sureness were right, by isotonic regression.

    Args:
        sureness: Probability of the predicted class, one for each row.
        is_right: Whether the predicted class was the true one.

    Returns:
        A rising step function. Method: pool adjacent violators (Barlow et al. 1972), by
        scikit-learn.
    """
    from sklearn.isotonic import IsotonicRegression

    fitted = IsotonicRegression(y_min=0, y_max=1, out_of_bounds="clip")
    shares = fitted.fit_transform(sureness, is_right.astype(np.float64))
    order = np.argsort(sureness, kind="stable")
    edges, steps = sureness[order], np.asarray(shares)[order]
    last = np.append(np.flatnonzero(np.diff(steps)), len(steps) - 1)
    ends = [*(float(edge) for edge in edges[last][:-1]), 1.0]
    return Calibration(
        edges=tuple(ends),
        shares=tuple(float(share) for share in steps[last]),
        accuracy=float(is_right.mean()),
    )


def _is_number(values: "pd.Series[Any]") -> bool:
    kind = values.dtype
    return bool(
        pd.api.types.is_numeric_dtype(kind)
        or pd.api.types.is_bool_dtype(kind)
        or pd.api.types.is_datetime64_any_dtype(kind)
    )


def view_column(kind: str, values: "pd.Series[Any]") -> "pd.Series[Any]":
    """Give what is watched of a column: of a text its length, of an array its mean.

    Args:
        kind: Kind of the column in the contract.
        values: Its stored values.
    """
    if kind == "text":
        return values.str.len()
    if kind == "tensor":
        return values.map(np.mean, na_action="ignore").astype("float64")
    return values


def build_reference(
    frame: pd.DataFrame,
    kinds: Mapping[str, str],
    prediction: "pd.Series[Any]",
    *,
    calibration: Calibration | None = None,
) -> Reference:
    """Describe the rows of a run and what its model predicts for them.

    Args:
        frame: Stored rows.
        kinds: Columns that the model asks for, and their kinds.
        prediction: What it predicts, in the order of the rows.
        calibration: How sure it was and how often right.
    """
    return Reference(
        rows=len(frame),
        columns=tuple(
            describe_column(name, view_column(kind, frame[name])) for name, kind in kinds.items()
        ),
        prediction=describe_column("prediction", prediction),
        calibration=calibration,
    )
