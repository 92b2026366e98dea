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
import pyarrow as pa
import pyarrow.compute as pc

from include.errors import DataError
from include.features.series_plan import SeriesPlan
from include.features.splits import Parts
from include.features.typed_values import read_numbers
from include.specs.names import ROW_ID
from include.values.frames import one_array
from include.values.order import (
    Indices,
    Layout,
    average,
    fill_backward,
    fill_forward,
    number_groups,
    shift,
    sort_places,
)
from include.values.statistics import Floats

ReadBatches = Callable[[Sequence[str]], Iterable[pa.Table]]


class Layouts(NamedTuple):
    """The order of a column's rows for what looks back, and for what looks ahead."""

    back: Layout
    ahead: Layout


class Filled(NamedTuple):
    """What was filled into a column, and its rows in rising order."""

    rows: Indices
    values: pa.Array


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
        self._tail: pa.Table | None = None
        self.counts = {"values_filled_forward": 0, "values_filled_backward": 0}

    def apply(self, rows: pa.Table) -> pa.Table:
        """Give the batch with its columns filled and its lag features added."""
        if not self._plan.is_needed:
            return rows
        if self._results is None:
            computed = self._continue(rows)
        else:
            computed = _look_up(self._results, rows, self._position)
            self._position += len(rows)
        self._count(rows, computed)
        return _assign(rows, computed)

    def _count(self, rows: pa.Table, computed: dict[str, pa.Array]) -> None:
        ways = {"forward": self._plan.forward, "backward": self._plan.backward}
        for way, columns in ways.items():
            for name in columns:
                filled = rows.column(name).null_count - computed[name].null_count
                self.counts[f"values_filled_{way}"] += filled

    def _continue(self, rows: pa.Table) -> dict[str, pa.Array]:
        batch = rows.select(list(self._plan.inputs))
        joined = batch if self._tail is None else pa.concat_tables([self._tail, batch])
        computed = compute_series(joined, self._plan)
        filled = {name: computed[name] for name in self._plan.forward}
        self._tail = _take_tail(_assign(joined, filled), self._plan)
        return {name: values[len(joined) - len(batch) :] for name, values in computed.items()}


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
        for output, values in _compute_column(name, stored, plan, layouts).items():
            if output in plan.added:
                results.lags[output] = read_numbers(values, output)
            else:
                rows = np.flatnonzero(pc.and_(stored.is_null(), values.is_valid()))
                results.fills[output] = Filled(rows, values.take(rows))
    return lambda: SeriesPass(plan, results)


def add_series_columns(rows: pa.Table, plan: SeriesPlan) -> pa.Table:
    """Fill a whole table and add its lag features; rows stay where they are."""
    return _assign(rows, compute_series(rows, plan)) if plan.is_needed else rows


def compute_series(rows: pa.Table, plan: SeriesPlan) -> dict[str, pa.Array]:
    """Compute fills and lag features of rows, in their own order."""
    layouts = _lay_out(plan, lambda columns: [rows.select(list(columns))], None)
    columns: dict[str, pa.Array] = {}
    for name in plan.worked_on:
        columns.update(_compute_column(name, one_array(rows.column(name)), plan, layouts))
    return {name: columns[name] for name in plan.outputs}


def _assign(rows: pa.Table, columns: dict[str, pa.Array]) -> pa.Table:
    for name, values in columns.items():
        place = rows.schema.get_field_index(name)
        rows = (
            rows.append_column(name, values) if place < 0 else rows.set_column(place, name, values)
        )
    return rows


def _compute_column(
    name: str, values: pa.Array, plan: SeriesPlan, layouts: Layouts
) -> dict[str, pa.Array]:
    back, ahead = layouts.back, layouts.ahead
    arranged = back.arrange(values)
    if name in plan.forward:
        arranged = fill_forward(arranged, back.starts)
    columns: dict[str, pa.Array] = {}
    for lag in plan.lags:
        if lag.column != name:
            continue
        numbers = read_numbers(arranged, name)
        for step in lag.lags:
            columns[f"{name}_lag_{step}"] = _restore(back, shift(numbers, back.starts, step))
        for window in lag.windows:
            means = average(numbers, back.starts, window)
            if plan.horizon > 1:
                means = shift(means, back.starts, plan.horizon - 1)
            columns[f"{name}_mean_{window}"] = _restore(back, means)
    if name in plan.forward or name in plan.backward:
        columns[name] = back.restore(arranged)
    if name in plan.backward:
        filled = fill_backward(ahead.arrange(columns[name]), ahead.starts)
        columns[name] = ahead.restore(filled)
    return columns


def _restore(layout: Layout, numbers: Floats) -> pa.Array:
    return layout.restore(pa.array(numbers, from_pandas=True))


def _lay_out(plan: SeriesPlan, read: ReadBatches, parts: Parts | None) -> Layouts:
    rows = sum(len(batch) for batch in read(plan.inputs[:1]))
    order = np.arange(rows)
    if plan.order_by is not None and plan.order_by != ROW_ID:
        moments = _read_column(read, plan.order_by)
        _check_ordered(plan.order_by, moments)
        order = sort_places(moments)
    groups = np.zeros(rows, dtype=np.int64)
    if plan.group_by is not None:
        groups = number_groups(_read_column(read, plan.group_by))
    back = Layout(groups, order)
    if parts is None:
        return Layouts(back, back)
    return Layouts(back, Layout(groups * 256 + parts, order))


def _read_column(read: ReadBatches, name: str) -> pa.Array:
    return one_array(pa.concat_tables(read((name,))).column(name))


def _look_up(results: SeriesResults, rows: pa.Table, begin: int) -> dict[str, pa.Array]:
    end = begin + len(rows)
    columns: dict[str, pa.Array] = {}
    for name, filled in results.fills.items():
        low, high = np.searchsorted(filled.rows, [begin, end])
        source = np.arange(len(rows))
        source[filled.rows[low:high] - begin] = len(rows) + np.arange(high - low)
        stored = one_array(rows.column(name))
        columns[name] = pa.concat_arrays([stored, filled.values[low:high]]).take(source)
    for name, numbers in results.lags.items():
        columns[name] = pa.array(numbers[begin:end], from_pandas=True)
    return columns


def _take_tail(filled: pa.Table, plan: SeriesPlan) -> pa.Table:
    if plan.group_by is None:
        return filled[max(0, len(filled) - plan.history) :]
    groups = number_groups(one_array(filled.column(plan.group_by)))
    layout = Layout(groups, np.arange(len(groups)))
    sizes = np.bincount(groups)[groups[layout.rows]]
    is_last = np.arange(len(groups)) - layout.starts >= sizes - plan.history
    return filled.take(np.sort(layout.rows[is_last]))


def _is_in_order(plan: SeriesPlan, read: ReadBatches) -> bool:
    if plan.order_by is None or plan.order_by == ROW_ID:
        return True
    last = pa.array([])
    for rows in read((plan.order_by,)):
        moments = one_array(rows.column(plan.order_by))
        _check_ordered(plan.order_by, moments)
        joined = pa.concat_arrays([last.cast(moments.type), moments])
        if not pc.all(pc.less_equal(joined[:-1], joined[1:]), min_count=0).as_py():
            return False
        last = joined[max(0, len(joined) - 1) :]
    return True


def _check_ordered(column: str, moments: pa.Array) -> None:
    if moments.null_count:
        raise DataError(
            f"column {column!r} orders the rows, so expected a value in every row. "
            f"Received: {moments.null_count} missing. Complete the source, or set `nulls: 0` with "
            "`quarantine: true` for it."
        )
