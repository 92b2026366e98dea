"""Test metrics by the values of a column: where a model is weaker than on the whole."""

from collections.abc import Iterable, Iterator
from itertools import pairwise
from typing import Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

from include.modeling.metrics import compute_metrics
from include.records import FeatureSchema, Record

MAX_BINS: Final = 5
MAX_VALUES: Final = 20
MIN_ROWS: Final = 10
MISSING: Final = "(missing)"
REST: Final = "(other values)"


class Slice(Record):
    """Test metrics of the rows that share a value of a column."""

    column: str
    value: str
    rows: int
    is_small: bool
    metrics: dict[str, float]


class Rows(NamedTuple):
    """Target and predictions of the same rows."""

    y: npt.NDArray[Any]
    predictions: npt.NDArray[Any]


class Labels(NamedTuple):
    """Names of slices, and the place in them of each row."""

    names: tuple[str, ...]
    codes: npt.NDArray[np.integer[Any]]

    def masks(self) -> Iterator[tuple[str, npt.NDArray[np.bool_]]]:
        """Yield each slice that has rows, with the mask of its rows."""
        for place, name in enumerate(self.names):
            mask = self.codes == place
            if mask.any():
                yield name, mask


def measure_slices(
    schema: FeatureSchema,
    rows: Rows,
    columns: pd.DataFrame,
    *,
    metrics: Iterable[str],
) -> tuple[Slice, ...]:
    """Measure each slice of each column.

    Args:
        schema: The task and its classes.
        rows: Target and predictions.
        columns: The columns to slice by, one row for each of `rows`. Numbers and times are cut
            into at most five bins of about equal size; of other columns the 20 most frequent
            values are shown, the last of them standing for all others if there are more.
        metrics: Names of metrics; those undefined on a slice are absent from it.
    """
    wanted = tuple(metrics)
    return tuple(
        Slice(
            column=str(name),
            value=value,
            rows=int(mask.sum()),
            is_small=bool(mask.sum() < MIN_ROWS),
            metrics=compute_metrics(schema, rows.y[mask], rows.predictions[mask], wanted),
        )
        for name in columns
        for value, mask in label_rows(columns[name]).masks()
    )


def label_rows(column: pd.Series) -> Labels:
    """Say which slice each row of a column belongs to."""
    is_ordered = pd.api.types.is_datetime64_any_dtype(column) or (
        pd.api.types.is_numeric_dtype(column) and not pd.api.types.is_bool_dtype(column)
    )
    labels = _cut(column) if is_ordered and column.nunique() > MAX_BINS else _group(column)
    return Labels(
        (*labels.names, MISSING), np.where(column.isna(), len(labels.names), labels.codes)
    )


def _group(column: pd.Series) -> Labels:
    texts = pd.Series([_write(value) for value in column], dtype=object)
    counts = texts[column.notna().to_numpy()].value_counts()
    names = [str(name) for name in counts.index[:MAX_VALUES]]
    if len(counts) > MAX_VALUES:
        names = [*names[:-1], REST]
    shown = sorted(names, key=_sort_key)
    places = {name: place for place, name in enumerate(shown)}
    return Labels(
        tuple(shown), np.array([places.get(text, places.get(REST, -1)) for text in texts])
    )


def _cut(column: pd.Series) -> Labels:
    values = _as_numbers(column)
    fractions = np.linspace(0, 1, MAX_BINS + 1)
    edges = np.unique(np.nanquantile(values, fractions, method="lower"))
    names = _name_bins(edges, is_time=pd.api.types.is_datetime64_any_dtype(column))
    return Labels(tuple(names), np.searchsorted(edges[1:-1], values, side="right"))


def _as_numbers(column: pd.Series) -> npt.NDArray[np.float64]:
    """Return numbers, or microseconds since 1970, with NaN where missing."""
    if not pd.api.types.is_datetime64_any_dtype(column):
        return np.asarray(column.to_numpy(dtype=np.float64, na_value=np.nan))
    times = pd.DatetimeIndex(column).as_unit("us")
    return np.where(times.isna(), np.nan, times.asi8.astype(np.float64))


def _name_bins(edges: npt.NDArray[np.float64], *, is_time: bool) -> list[str]:
    if is_time:
        texts = [f"{pd.Timestamp(int(e), unit='us', tz='UTC'):%Y-%m-%d %H:%M}" for e in edges]
    else:
        texts = [f"{edge:.6g}" for edge in edges]
    last = len(texts) - 2
    pairs = enumerate(pairwise(texts))
    names = [f"{low} to {'' if place == last else 'below '}{high}" for place, (low, high) in pairs]
    # Edges that are written alike would give two bins one name.
    return [name if names.count(name) == 1 else f"{name} ({n})" for n, name in enumerate(names, 1)]


def _write(value: Any) -> str:
    if isinstance(value, bool | np.bool_):
        return str(bool(value)).lower()
    return f"{value:g}" if isinstance(value, float) else str(value)


def _sort_key(label: str) -> tuple[bool, float, str]:
    """Sort numbers by size, texts by letters, and the rest last."""
    try:
        return label == REST, float(label), label
    except ValueError:
        return label == REST, float("inf"), label
