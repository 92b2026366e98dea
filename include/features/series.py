"""Forward and backward fill, lags and rolling means: what needs rows in order, within groups.

Lags and means look at earlier rows only; without full history they are missing. They see values
filled forward, but none filled backward: these come from the present or later. Once rows are
split, a backward fill stays within a part, so that no later value reaches training.

A table that lies in order is worked on in one stream, with the last rows of each group carried
from batch to batch. One that does not, or that is filled backward, is worked on column by column:
one column is in memory at a time, and what stays are two positions a row (four with a backward
fill), the values filled, and eight bytes a row for each lag or mean.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd

from include.errors import DataError
from include.features.series_plan import SeriesPlan
from include.features.splits import Parts
from include.features.typed_values import read_numbers
from include.specs.names import ROW_ID
from include.values.order import (
    Indices,
    Layout,
    average,
    fill_backward,
    fill_forward,
    shift,
)
from include.values.statistics import Floats

ReadBatches = Callable[[Sequence[str]], Iterable[pd.DataFrame]]


class Layouts(NamedTuple):
    """The order of a column's rows for what looks back, and for what looks ahead."""

    back: Layout
    ahead: Layout


class Filled(NamedTuple):
    """What was filled into a column, and its rows in rising order."""

    rows: Indices
    column: pd.Series


class SeriesResults(NamedTuple):
    """What the work in order gave, in table order."""

    fills: dict[str, Filled]
    lags: dict[str, Floats]


class SeriesPass:
    """One pass over the rows in table order; feed it every batch exactly once."""

    def __init__(self, plan: SeriesPlan, results: SeriesResults | None) -> None:
        """Begin before the first row, with all results at hand or none."""
        self._plan = plan
        self._results = results
        self._position = 0
        self._tail: pd.DataFrame | None = None
        self.counts = {"values_filled_forward": 0, "values_filled_backward": 0}

    def apply(self, frame: pd.DataFrame) -> pd.DataFrame:
        """Give the batch with its columns filled and its lag features added."""
        if not self._plan.is_needed:
            return frame
        if self._results is None:
            computed = self._continue(frame)
        else:
            computed = _look_up(self._results, frame, self._position)
            self._position += len(frame)
        self._count(frame, computed)
        return frame.assign(**{name: computed[name] for name in self._plan.outputs})

    def _count(self, frame: pd.DataFrame, computed: pd.DataFrame) -> None:
        ways = {"forward": self._plan.forward, "backward": self._plan.backward}
        for way, columns in ways.items():
            for name in columns:
                filled = frame[name].isna().sum() - computed[name].isna().sum()
                self.counts[f"values_filled_{way}"] += int(filled)

    def _continue(self, frame: pd.DataFrame) -> pd.DataFrame:
        batch = frame[list(self._plan.inputs)]
        joined = batch if self._tail is None else pd.concat([self._tail, batch])
        joined = joined.reset_index(drop=True)
        computed = compute_series(joined, self._plan)
        filled = joined.assign(**{name: computed[name] for name in self._plan.forward})
        self._tail = _take_tail(filled, self._plan)
        return computed.iloc[len(joined) - len(batch) :].set_axis(frame.index)


def open_series(
    plan: SeriesPlan, read: ReadBatches, *, parts: Parts | None = None
) -> Callable[[], SeriesPass]:
    """Prepare the ordered work; the result makes one `SeriesPass` per pass over the rows.

    Args:
        plan: What is to be done.
        read: Gives the rows, as often as asked, with the columns asked for.
        parts: The part of every row, within which a backward fill stays; before rows are split
            there is none.

    Raises:
        DataError: The column that orders the rows has missing values.
    """
    if not plan.is_needed or (not plan.backward and _is_in_order(plan, read)):
        return lambda: SeriesPass(plan, None)
    layouts = _lay_out(plan, read, parts)
    results = SeriesResults({}, {})
    for name in plan.worked_on:
        stored = _read_column(read, name)
        for output, series in _compute_column(stored, plan, layouts).items():
            if output in plan.added:
                results.lags[output] = series.to_numpy()
            else:
                rows = np.flatnonzero(stored.isna().to_numpy() & series.notna().to_numpy())
                results.fills[output] = Filled(rows, series.iloc[rows])
    return lambda: SeriesPass(plan, results)


def add_series_columns(frame: pd.DataFrame, plan: SeriesPlan) -> pd.DataFrame:
    """Fill a whole frame and add its lag features; rows stay where they are.

    Example:
        `add_series_columns(frame, SeriesPlan(spec))` gives rows to score the columns that a
        model with lag features asks for.
    """
    if not plan.is_needed:
        return frame
    computed = compute_series(frame, plan)
    return frame.assign(**{name: computed[name] for name in plan.outputs})


def compute_series(frame: pd.DataFrame, plan: SeriesPlan) -> pd.DataFrame:
    """Compute fills and lag features of a frame, in its own order of rows."""
    layouts = _lay_out(plan, lambda columns: [frame[list(columns)]], None)
    columns: dict[str, pd.Series] = {}
    for name in plan.worked_on:
        columns.update(_compute_column(frame[name], plan, layouts))
    return pd.DataFrame({name: columns[name] for name in plan.outputs}, index=frame.index)


def _compute_column(series: pd.Series, plan: SeriesPlan, layouts: Layouts) -> dict[str, pd.Series]:
    name, back, ahead = str(series.name), layouts.back, layouts.ahead
    arranged = back.arrange(series)
    if name in plan.forward:
        arranged = fill_forward(arranged, back.starts)
    columns: dict[str, pd.Series] = {}
    for lag in plan.lags:
        if lag.column != name:
            continue
        values = read_numbers(arranged)
        for step in lag.lags:
            columns[f"{name}_lag_{step}"] = _wrap(shift(values, back.starts, step), arranged)
        for window in lag.windows:
            means = average(values, back.starts, window)
            if plan.horizon > 1:
                means = shift(means, back.starts, plan.horizon - 1)
            columns[f"{name}_mean_{window}"] = _wrap(means, arranged)
    columns = {output: back.restore(values) for output, values in columns.items()}
    if name in plan.forward or name in plan.backward:
        columns[name] = back.restore(arranged)
    if name in plan.backward:
        filled = fill_backward(ahead.arrange(columns[name]), ahead.starts)
        columns[name] = ahead.restore(filled)
    return columns


def _lay_out(plan: SeriesPlan, read: ReadBatches, parts: Parts | None) -> Layouts:
    rows = sum(len(frame) for frame in read(plan.inputs[:1]))
    order = np.arange(rows)
    if plan.order_by is not None and plan.order_by != ROW_ID:
        moments = _read_column(read, plan.order_by)
        _check_ordered(moments)
        order = np.asarray(moments.array.argsort(kind="stable"))
    groups = np.zeros(rows, dtype=np.int64)
    if plan.group_by is not None:
        keys = _read_column(read, plan.group_by)
        groups = pd.factorize(keys, use_na_sentinel=False)[0].astype(np.int64)
    back = Layout(groups, order)
    if parts is None:
        return Layouts(back, back)
    return Layouts(back, Layout(groups * 256 + parts, order))


def _read_column(read: ReadBatches, name: str) -> pd.Series:
    return pd.concat([frame[name] for frame in read((name,))], ignore_index=True)


def _look_up(results: SeriesResults, frame: pd.DataFrame, begin: int) -> pd.DataFrame:
    end = begin + len(frame)
    columns: dict[str, pd.Series] = {}
    for name, filled in results.fills.items():
        low, high = np.searchsorted(filled.rows, [begin, end])
        columns[name] = frame[name].copy()
        columns[name].iloc[filled.rows[low:high] - begin] = filled.column.array[low:high]
    for name, values in results.lags.items():
        columns[name] = pd.Series(values[begin:end], index=frame.index)
    return pd.DataFrame(columns, index=frame.index)


def _wrap(values: Floats, like: pd.Series) -> pd.Series:
    return pd.Series(values, index=like.index)


def _take_tail(filled: pd.DataFrame, plan: SeriesPlan) -> pd.DataFrame:
    if plan.group_by is None:
        return filled.iloc[-plan.history :]
    return filled.groupby(plan.group_by, sort=False, dropna=False).tail(plan.history)


def _is_in_order(plan: SeriesPlan, read: ReadBatches) -> bool:
    if plan.order_by is None or plan.order_by == ROW_ID:
        return True
    last = None
    for frame in read((plan.order_by,)):
        series = frame[plan.order_by]
        if series.empty:
            continue
        _check_ordered(series)
        if not series.is_monotonic_increasing or (last is not None and series.iloc[0] < last):
            return False
        last = series.iloc[-1]
    return True


def _check_ordered(series: pd.Series) -> None:
    missing = int(series.isna().sum())
    if missing:
        raise DataError(
            f"column {series.name!r} orders the rows, so expected a value in every row. "
            f"Received: {missing} missing. Complete the source, or set `nulls: 0` with "
            "`quarantine: true` for it."
        )
