"""The table along its time column: courses, cycles, and how the target remembers itself."""

import math
from collections.abc import Sequence
from typing import Final

import numpy as np
import pandas as pd

from include.analysis.relations import event_of
from include.records.analysis import Association, Cycle, Memory, TimeFindings, Timeline
from include.specs import PipelineSpec

MAX_POINTS: Final = 270
MAX_LINES: Final = 6
MAX_LAG: Final = 48
MIN_ROWS: Final = 30
STRETCHES: Final = {
    "1 minute": "1min",
    "15 minutes": "15min",
    "1 hour": "1h",
    "6 hours": "6h",
    "1 day": "1D",
    "1 week": "7D",
    "1 month": "MS",
    "3 months": "QS",
    "1 year": "YS",
}
SECONDS: Final = (60, 900, 3_600, 21_600, 86_400, 604_800, 2_629_800, 7_889_400, 31_557_600)
WEEKDAYS: Final = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
MONTHS: Final = (
    *("Jan", "Feb", "Mar", "Apr", "May", "Jun"),
    *("Jul", "Aug", "Sep", "Oct", "Nov", "Dec"),
)


def find_time_column(spec: PipelineSpec) -> str | None:
    """Choose the time column: the one that orders or splits the rows, else the first one."""
    times = [
        column.name
        for column in spec.stored_columns
        if column.kind == "datetime" and not column.private
    ]
    preferred = [name for name in (spec.cleaning.order_by, spec.split.by) if name in times]
    return next(iter([*preferred, *times]), None)


def follow_time(
    spec: PipelineSpec,
    frame: pd.DataFrame,
    associations: Sequence[Association],
    *,
    is_whole: bool,
) -> TimeFindings | None:
    """Describe the table along its time column; None without one or with too few rows.

    Args:
        spec: Names the target and the time column.
        frame: The sample; float64 columns are numbers.
        associations: All pairs, strongest first: they choose which columns are drawn.
        is_whole: Whether the sample is the whole table; only then are earlier rows compared.
    """
    time = find_time_column(spec)
    if time is None or frame[time].nunique() < MIN_ROWS:
        return None
    ordered = frame.dropna(subset=[time]).sort_values(time, kind="stable", ignore_index=True)
    target, label = _target_values(spec, frame, ordered)
    name, frequency = _choose_stretch(ordered[time])
    times = ordered[time]
    lines = [_draw(times, target, frequency, label)]
    lines += [
        _draw(times, ordered[column], frequency, (column, f"mean of {column}"))
        for column in _companions(spec, ordered, associations)
    ]
    is_series = is_whole and bool(times.is_unique) and spec.target.task == "regression"
    return TimeFindings(
        column=time,
        stretch=name,
        timelines=tuple(lines),
        cycles=_cycles(times, target),
        memory=_remember(target) if is_series else None,
    )


def _target_values(
    spec: PipelineSpec, frame: pd.DataFrame, times: pd.DataFrame
) -> tuple[pd.Series, tuple[str, str]]:
    """Return the target as a number over time: its value, or whether the event took place."""
    name = spec.target.column
    values = times[name]
    if values.dtype == np.float64:
        return values, (name, f"mean of {name}")
    event = event_of(spec, frame[name]) if values.notna().any() else ""
    happened = (values.astype("str") == event).astype(np.float64).where(values.notna())
    return happened, (name, f"share of {name} = {event}")


def _companions(
    spec: PipelineSpec, frame: pd.DataFrame, associations: Sequence[Association]
) -> list[str]:
    """Choose the numbers to draw beside the target: those that go with it most.

    Columns that only restate the calendar (few whole numbers that repeat) tell nothing over time.
    """
    target = spec.target.column
    calendar = {
        part
        for column in spec.stored_columns
        if column.kind == "datetime"
        for part in column.from_parts
    }
    chosen = []
    for pair in associations:
        if target in {pair.left, pair.right}:
            other = pair.right if pair.left == target else pair.left
            if frame[other].dtype == np.float64 and other not in calendar:
                chosen.append(other)
    return chosen[: MAX_LINES - 1]


def _choose_stretch(times: pd.Series) -> tuple[str, str]:
    span = (times.iloc[-1] - times.iloc[0]).total_seconds()
    for (name, frequency), seconds in zip(STRETCHES.items(), SECONDS, strict=True):
        if span / seconds <= MAX_POINTS:
            return name, frequency
    return "1 year", "YS"


def _draw(times: pd.Series, values: pd.Series, frequency: str, label: tuple[str, str]) -> Timeline:
    series = pd.Series(values.to_numpy(), index=pd.DatetimeIndex(times)).resample(frequency)
    mean, low, high = series.mean(), series.quantile(0.1), series.quantile(0.9)
    is_share = set(values.dropna().unique()) <= {0.0, 1.0}
    return Timeline(
        column=label[0],
        quantity=label[1],
        times=tuple(moment.strftime("%Y-%m-%d %H:%M") for moment in mean.index),
        values=_as_values(mean),
        lows=() if is_share else _as_values(low),
        highs=() if is_share else _as_values(high),
    )


def _cycles(times: pd.Series, target: pd.Series) -> tuple[Cycle, ...]:
    """Average the target over the cycles that the table spans at least twice."""
    days = (times.iloc[-1] - times.iloc[0]).days
    cycles = []
    if len(times.dt.hour.unique()) > 1 and days >= 2:
        labels = tuple(str(hour) for hour in range(24))
        cycles.append(_cycle("hour", labels, target.groupby(times.dt.hour).mean(), start=0))
    if len(times.dt.day_of_week.unique()) == 7 and days >= 14:
        cycles.append(
            _cycle("weekday", WEEKDAYS, target.groupby(times.dt.day_of_week).mean(), start=0)
        )
    if days >= 730:
        cycles.append(_cycle("month", MONTHS, target.groupby(times.dt.month).mean(), start=1))
    return tuple(cycles)


def _cycle(unit: str, labels: tuple[str, ...], means: pd.Series, *, start: int) -> Cycle:
    full = means.reindex(range(start, start + len(labels)))
    return Cycle.model_validate({"unit": unit, "labels": labels, "values": _as_values(full)})


def _remember(target: pd.Series) -> Memory | None:
    """Correlate the target with itself 1 to 48 rows earlier, missing values left out."""
    lags = range(1, min(MAX_LAG, len(target) // 4) + 1)
    if target.nunique() < 2 or not lags:
        return None
    values = [float(target.corr(target.shift(lag))) for lag in lags]
    known = {lag: round(v, 6) for lag, v in zip(lags, values, strict=True) if math.isfinite(v)}
    return Memory(lags=tuple(known), values=tuple(known.values()))


def _as_values(series: pd.Series) -> tuple[float | None, ...]:
    return tuple(None if pd.isna(value) else float(value) for value in series)
