"""Forward and backward fill, lags and rolling means: what needs rows in order, within groups.

Fills come first, so lags see filled values. Lags and means look at earlier rows only; without
full history they are missing. A table that lies in order is worked on in one stream, with the
last rows of each group carried from batch to batch; one that does not, or that is filled
backward, has only the columns concerned read into memory, sorted, and put back in place.
"""

from collections.abc import Callable, Iterable, Sequence

import numpy as np
import pandas as pd

from include.errors import DataError
from include.features.contract import list_lag_columns
from include.features.ordered_values import (
    average,
    fill_backward,
    fill_forward,
    find_group_starts,
    shift,
)
from include.features.typed_values import Floats, read_booleans, read_numbers
from include.specs import PipelineSpec
from include.specs.pipeline import ROW_ID

ReadBatches = Callable[[Sequence[str]], Iterable[pd.DataFrame]]


class SeriesPlan:
    """What a spec asks for that needs rows in order."""

    def __init__(self, spec: PipelineSpec) -> None:
        """Read the spec's `cleaning`, and the columns filled forward or backward."""
        cleaning = spec.cleaning
        stored = {column.name for column in spec.stored_columns}
        by_fill = {
            way: [
                column.name
                for column in spec.columns
                if getattr(column, "fill", None) == way and column.name in stored
            ]
            for way in ("forward", "backward")
        }
        self.forward = tuple(dict.fromkeys((*cleaning.forward_fill, *by_fill["forward"])))
        self.backward = tuple(dict.fromkeys((*cleaning.backward_fill, *by_fill["backward"])))
        self.lags = cleaning.lags
        self.order_by = cleaning.order_by
        self.group_by = cleaning.group_by
        self.added = list_lag_columns(spec)
        self.history = max([1, *(step for lag in self.lags for step in (*lag.lags, *lag.windows))])

    @property
    def is_needed(self) -> bool:
        """Whether there is anything to do."""
        return bool(self.forward or self.backward or self.lags)

    @property
    def inputs(self) -> tuple[str, ...]:
        """Columns that are read."""
        if not self.is_needed:
            return ()
        keys = [name for name in (self.order_by, self.group_by) if name is not None]
        lagged = [lag.column for lag in self.lags]
        return tuple(dict.fromkeys((*keys, *self.forward, *self.backward, *lagged)))

    @property
    def outputs(self) -> tuple[str, ...]:
        """Columns that are filled or added."""
        return (*dict.fromkeys((*self.forward, *self.backward)), *self.added)


class SeriesPass:
    """One pass over the rows in table order; feed it every batch exactly once."""

    def __init__(self, plan: SeriesPlan, results: pd.DataFrame | None) -> None:
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
        if self._results is not None:
            stop = self._position + len(frame)
            computed = self._results.iloc[self._position : stop].set_axis(frame.index)
            self._position = stop
        else:
            computed = self._continue(frame)
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
        computed = compute_series(joined, self._plan)
        filled = joined.assign(**{name: computed[name] for name in self._plan.forward})
        self._tail = _take_tail(filled, self._plan)
        return computed.iloc[len(joined) - len(batch) :]


def open_series(plan: SeriesPlan, read: ReadBatches) -> Callable[[], SeriesPass]:
    """Prepare the ordered work; the result makes one `SeriesPass` per pass over the rows.

    Args:
        plan: What is to be done.
        read: Gives the rows, as often as asked, with the columns asked for.

    Raises:
        DataError: The column that orders the rows has missing values.
    """
    if not plan.is_needed or (not plan.backward and _is_in_order(plan, read)):
        return lambda: SeriesPass(plan, None)
    frame = pd.concat(list(read(plan.inputs)), ignore_index=True)
    results = add_series_columns(frame, plan)[list(plan.outputs)]
    return lambda: SeriesPass(plan, results)


def add_series_columns(frame: pd.DataFrame, plan: SeriesPlan) -> pd.DataFrame:
    """Fill a whole frame and add its lag features; rows stay where they are.

    Example:
        `add_series_columns(frame, SeriesPlan(spec))` gives rows to score the columns that a
        model with lag features asks for.
    """
    if not plan.is_needed:
        return frame
    order = np.arange(len(frame))
    if plan.order_by is not None and plan.order_by != ROW_ID:
        _check_ordered(frame[plan.order_by])
        order = np.asarray(frame[plan.order_by].array.argsort(kind="stable"))
    computed = compute_series(frame.iloc[order], plan)
    back = np.empty_like(order)
    back[order] = np.arange(len(order))
    computed = computed.iloc[back].set_axis(frame.index)
    return frame.assign(**{name: computed[name] for name in plan.outputs})


def compute_series(frame: pd.DataFrame, plan: SeriesPlan) -> pd.DataFrame:
    """Compute fills and lag features of rows that lie in order, within their groups."""
    codes = np.zeros(len(frame), dtype=np.int64)
    if plan.group_by is not None:
        codes = pd.factorize(frame[plan.group_by], use_na_sentinel=False)[0]
    together = np.argsort(codes, kind="stable")
    starts = find_group_starts(codes[together])
    back = np.empty_like(together)
    back[together] = np.arange(len(together))
    grouped = frame.iloc[together]
    columns = {name: grouped[name] for name in plan.inputs}
    for name in plan.forward:
        columns[name] = fill_forward(columns[name], starts)
    for name in plan.backward:
        columns[name] = fill_backward(columns[name], codes[together])
    for lag in plan.lags:
        values = _read_lagged(columns[lag.column])
        for step in lag.lags:
            columns[f"{lag.column}_lag_{step}"] = _wrap(shift(values, starts, step), grouped)
        for window in lag.windows:
            means = average(values, starts, window)
            columns[f"{lag.column}_mean_{window}"] = _wrap(means, grouped)
    return pd.DataFrame({name: columns[name] for name in plan.outputs}).iloc[back]


def _read_lagged(series: pd.Series) -> Floats:
    if pd.api.types.is_bool_dtype(series.dtype):
        return read_booleans(series)
    return read_numbers(series)


def _wrap(values: Floats, like: pd.DataFrame) -> pd.Series:
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
