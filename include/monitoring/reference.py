"""What the rows of a model's run looked like, in bounded form: counts and quantiles, never rows.

It is taken of the test rows, which the model did not learn from, so that what it predicts for them
can be compared with what it predicts for new ones. It travels in the bundle.
"""

from collections.abc import Mapping
from typing import Any, Final, Literal

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from pydantic import Field

from include.records import Record

# Levels of a column's distribution function: a distance between two is exact to a thousandth.
QUANTILES: Final = 1_001
MAX_VALUES: Final = 100
GROUPS: Final = 200
# Letters of any script, their marks, digits and the underscore make words.
SEPARATORS: Final = r"[^\p{L}\p{M}\p{N}_]+"
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


class CalibrationCurve(Record):
    """How often a class was the true one at some of its probabilities; between them, straight."""

    at: tuple[float, ...]
    shares: tuple[float, ...]


class Calibration(Record):
    """How often each class was the true one where a model gave it such a probability."""

    rows: int = Field(description="Rows that it was learned from.")
    classes: tuple[CalibrationCurve, ...]

    def apply(self, probabilities: Floats) -> Floats:
        """Give calibrated probabilities, shape (rows, classes), which add up to 1."""
        found = np.column_stack(
            [
                np.interp(column, curve.at, curve.shares)
                for column, curve in zip(probabilities.T, self.classes, strict=True)
            ]
        )
        total = found.sum(axis=1, keepdims=True)
        return np.where(total > 0, found / np.where(total > 0, total, 1), probabilities)


class Reference(Record):
    """The reference of a model: its columns, its predictions, how good they were."""

    rows: int
    columns: tuple[ColumnReference, ...]
    prediction: ColumnReference
    calibration: Calibration | None = Field(default=None, description="Of a classification.")
    metrics: dict[str, float] = Field(default_factory=dict, description="On the test rows.")
    table: str = Field(
        default="", description="Key of the features table that holds the rows, while it is kept."
    )


def describe_column(name: str, values: "pd.Series[Any]") -> ColumnReference:
    """Describe a column: numbers and times by quantiles, all else by the most frequent values."""
    missing = int(values.isna().sum())
    present = values.dropna()
    if is_number(present):
        return ColumnReference(
            name=name,
            kind="number",
            rows=len(values),
            missing=missing,
            quantiles=take_quantiles(as_numbers(present)),
        )
    counts = count_values(present).head(MAX_VALUES)
    return ColumnReference(
        name=name,
        kind="category",
        rows=len(values),
        missing=missing,
        counts={str(value): int(count) for value, count in counts.items()},
    )


def is_number(values: "pd.Series[Any]") -> bool:
    """Tell whether a column is compared as numbers: numbers, truth and times."""
    kind = values.dtype
    return bool(
        pd.api.types.is_numeric_dtype(kind)
        or pd.api.types.is_bool_dtype(kind)
        or pd.api.types.is_datetime64_any_dtype(kind)
    )


def count_values(present: "pd.Series[Any]") -> "pd.Series[int]":
    """Count values by their text, the most frequent first."""
    counts = present.value_counts()
    counts.index = counts.index.astype(str)
    if counts.index.is_unique:
        return counts
    return counts.groupby(level=0).sum().sort_values(ascending=False)


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


def calibrate(probabilities: Floats, y: npt.NDArray[Any]) -> Calibration:
    """Learn how often each class was the true one, by its probability.

    Rows of like probability are taken together, into 200 groups at most, before they are fitted.

    Args:
        probabilities: What the model said, shape (rows, classes).
        y: The true classes, shape (rows,).

    Returns:
        A rising line for each class, against the rest. Method: isotonic regression, by pooling
        adjacent violators (Barlow et al. 1972), of scikit-learn.
    """
    from sklearn.isotonic import IsotonicRegression

    curves = []
    groups = min(len(y), GROUPS)
    starts = np.arange(groups) * len(y) // groups
    sizes = np.diff([*starts, len(y)])
    for place, said in enumerate(probabilities.T):
        order = np.argsort(said, kind="stable")
        sums = np.add.reduceat(np.vstack([said[order], y[order] == place]), starts, axis=1)
        fitted = IsotonicRegression(y_min=0, y_max=1).fit(*(sums / sizes), sample_weight=sizes)
        curves.append(
            CalibrationCurve(
                at=tuple(map(float, fitted.X_thresholds_)),
                shares=tuple(map(float, fitted.y_thresholds_)),
            )
        )
    return Calibration(rows=len(y), classes=tuple(curves))


def view_column(name: str, kind: str, values: "pd.Series[Any]") -> "dict[str, pd.Series[Any]]":
    """Give what is watched of a column: of a text its length and words, of an array its mean.

    Args:
        name: Name of the column.
        kind: Its kind in the contract.
        values: Its stored values.

    Returns:
        What is watched, by name.
    """
    if kind == "text":
        return {name: values.str.len(), f"{name} (words)": take_words(values)}
    if kind == "tensor":
        return {name: values.map(np.mean, na_action="ignore").astype("float64")}
    return {name: values}


def take_words(texts: "pd.Series[Any]") -> "pd.Series[Any]":
    """Take the word in the middle of each text: one each, so that rows tell nothing of others.

    Example:
        >>> take_words(pd.Series(["To be, or not?", "...", None])).tolist()
        ['or', nan, nan]
    """
    array = pa.array(texts.astype(object), pa.large_string(), from_pandas=True)
    ends = rf"^{SEPARATORS}|{SEPARATORS}$"
    bare = pc.replace_substring_regex(pc.utf8_lower(array.fill_null("")), ends, "")
    words = pc.split_pattern_regex(bare, SEPARATORS)
    starts, sizes = words.offsets.to_numpy()[:-1], pc.list_value_length(words).to_numpy()
    middle = pc.list_flatten(words).take(pa.array(starts + sizes // 2))
    is_word = pc.not_equal(middle, "")
    return pd.Series(pc.if_else(is_word, middle, None).to_pandas(), dtype="str")


def build_reference(
    frame: pd.DataFrame,
    kinds: Mapping[str, str],
    prediction: "pd.Series[Any]",
    *,
    calibration: Calibration | None = None,
    metrics: Mapping[str, float] | None = None,
    table: str = "",
) -> Reference:
    """Describe the rows of a run and what its model predicts for them.

    Args:
        frame: Stored rows.
        kinds: Columns that the model asks for, and their kinds.
        prediction: What it predicts, in the order of the rows.
        calibration: How often each class was the true one.
        metrics: What its predictions are worth.
        table: Key of the features table that holds the rows.
    """
    return Reference(
        rows=len(frame),
        columns=tuple(
            describe_column(seen, values)
            for name, kind in kinds.items()
            for seen, values in view_column(name, kind, frame[name]).items()
        ),
        prediction=describe_column("prediction", prediction),
        calibration=calibration,
        metrics=dict(metrics or {}),
        table=table,
    )
