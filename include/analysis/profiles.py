"""One profile per column: distribution, missing values, outliers."""

from typing import Final

import numpy as np
import pandas as pd

from include.analysis.roles import has_values, role_of
from include.analysis.scan import ColumnCounts, Scan
from include.records.analysis import (
    CategorySummary,
    ColumnProfile,
    Histogram,
    LevelCount,
    NumberSummary,
    TimeSummary,
)
from include.specs import Column, PipelineSpec
from include.values.showing import cut_label

BINS: Final = 30
# Beyond this a number is whole only because it is large.
WHOLE: Final = 1e9
# A few broken numbers among whole ones must not make bins that hold one and two values in turn.
MOSTLY_WHOLE: Final = 0.95
SHOWN_LEVELS: Final = 12
MAX_LEVEL_LENGTH: Final = 80
# Tukey's fences: this many interquartile ranges outside the quartiles.
FENCE: Final = 1.5
STEPS: Final = {"1 second": 1, "1 minute": 60, "1 hour": 3_600, "1 day": 86_400, "1 week": 604_800}


def profile_columns(spec: PipelineSpec, scan: Scan) -> tuple[ColumnProfile, ...]:
    """Describe every stored column of a scanned table, in the contract's order."""
    return tuple(
        _profile(spec, column, scan) for column in spec.stored_columns if column.name in scan.counts
    )


def summarize_numbers(values: np.ndarray, counts: ColumnCounts) -> NumberSummary | None:
    """Describe finite numbers; None if there are none.

    Args:
        values: The numbers of the sample, without missing ones.
        counts: The column's exact figures.
    """
    if len(values) == 0:
        return None
    q05, q25, q50, q75, q95 = (float(q) for q in np.quantile(values, (0.05, 0.25, 0.5, 0.75, 0.95)))
    reach = FENCE * (q75 - q25)
    return NumberSummary(
        minimum=counts.minimum,
        q05=q05,
        q25=q25,
        median=q50,
        q75=q75,
        q95=q95,
        maximum=counts.maximum,
        mean=counts.mean,
        std=counts.std,
        skewness=_skewness(values),
        zeros=float((values == 0).mean()),
        outliers_low=int((values < q25 - reach).sum()),
        outliers_high=int((values > q75 + reach).sum()),
        histogram=build_histogram(values),
    )


def build_histogram(values: np.ndarray) -> Histogram:
    """Count finite numbers in equal bins; those of whole numbers hold equally many values each.

    Example:
        >>> build_histogram(np.array([1.0, 1.0, 3.0])).counts
        (2, 0, 1)
    """
    low, high = float(values.min()), float(values.max())
    if low < high and high - low < WHOLE and (values == np.round(values)).mean() >= MOSTLY_WHOLE:
        first = np.floor(low) - 0.5
        width = np.ceil((high - first + 0.5) / BINS)
        edges = np.arange(first, high + width, width)
    else:
        edges = np.linspace(low, high, BINS + 1)
    counts, edges = np.histogram(values, bins=edges)
    return Histogram(
        edges=tuple(float(edge) for edge in edges), counts=tuple(int(count) for count in counts)
    )


def summarize_categories(values: pd.Series) -> CategorySummary:
    """Count the levels of a category, the most frequent first; long ones are shortened."""
    counted = values.dropna().astype("str").value_counts()
    shown = counted.iloc[:SHOWN_LEVELS]
    levels = tuple(
        LevelCount(value=cut_label(str(value), MAX_LEVEL_LENGTH), rows=int(rows))
        for value, rows in shown.items()
    )
    return CategorySummary(levels=levels, other_rows=int(counted.iloc[SHOWN_LEVELS:].sum()))


def summarize_times(values: pd.Series, *, is_whole: bool = True) -> TimeSummary | None:
    """Describe points in time: range, usual step, rows of each, holes; None if there are none.

    Args:
        values: The times of the sample.
        is_whole: Whether it is the whole table: a sample has holes of its own, and no step.
    """
    rows = values.value_counts().sort_index()
    times = rows.index.to_series()
    if times.empty:
        return None
    steps = times.diff().dropna().dt.total_seconds()
    usual = float(steps.mode().iloc[0]) if len(steps) else 0.0
    usual_rows = int(rows.mode().iloc[0])
    is_regular = is_whole and len(steps) > 0 and float((steps == usual).mean()) >= 0.5
    return TimeSummary(
        first=_write_time(times.iloc[0]),
        last=_write_time(times.iloc[-1]),
        step=name_step(usual) if is_regular else "irregular",
        holes=int((steps > usual).sum()) if is_regular else 0,
        rows_per_step=usual_rows if is_regular else 1,
        short_times=int((rows < usual_rows).sum()) if is_regular else 0,
    )


def name_step(seconds: float) -> str:
    """Write a step between points in time in words.

    Example:
        >>> name_step(3600), name_step(900)
        ('1 hour', '15 minutes')
    """
    units = [(name, size) for name, size in STEPS.items() if seconds >= size]
    if not units:
        return f"{seconds:g} seconds"
    name, size = units[-1]
    number = seconds / size
    return name if number == 1 else f"{number:g} {name[2:]}s"


def _profile(spec: PipelineSpec, column: Column, scan: Scan) -> ColumnProfile:
    counts, role = scan.counts[column.name], role_of(column)
    profile = ColumnProfile(
        name=column.name,
        kind=column.kind,
        role=role,
        description=column.description,
        is_target=column.name == spec.target.column,
        missing=counts.missing,
        filled_forward=counts.filled_forward,
        longest_gap=counts.longest_gap,
        distinct=0,
    )
    if not has_values(role):
        return profile
    values = scan.sample[column.name]
    changes: dict[str, object] = {"distinct": int(values.nunique())}
    if role == "number":
        finite = values.to_numpy(dtype=np.float64)
        changes["number"] = summarize_numbers(finite[np.isfinite(finite)], counts)
    elif role == "category":
        changes["category"] = summarize_categories(values)
    else:
        changes["time"] = summarize_times(values, is_whole=scan.is_whole)
    return profile.model_copy(update=changes)


def _skewness(values: np.ndarray) -> float:
    spread = float(values.std())
    if spread == 0 or len(values) < 3:
        return 0.0
    return float((((values - values.mean()) / spread) ** 3).mean())


def _write_time(moment: pd.Timestamp) -> str:
    at_midnight = moment == moment.normalize()
    return moment.strftime("%Y-%m-%d") if at_midnight else moment.strftime("%Y-%m-%d %H:%M")
