"""What the rows are: moments in time, series, visits of the same patient, or separate things.

That decides the split. A time splits by time, whatever the order of the file; what names things
that occur again and again keeps each of them in one part.
"""

import itertools
import math
from typing import Final, NamedTuple

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from include.drafting.hidden_order import LIKE_BEFORE, find_hidden_order, is_like_before
from include.drafting.moments import (
    MIN_PERIODS,
    MIN_TIMES,
    TIME_PARTS,
    counts_time,
    epoch_format,
    read_numbers,
    read_values,
)
from include.drafting.names import YEARS, split_name
from include.drafting.personal import find_personal
from include.drafting.profile import ColumnProfile, FileProfile
from include.drafting.things import repeats_things
from include.specs.columns import DatetimeColumn
from include.values.statistics import Floats

# From this share of all pairs on, every thing was met at every time.
BALANCED: Final = 0.95
NEARLY_ALL: Final = 0.98
# Many different values are only estimated, to some per cent.
ESTIMATED: Final = 0.9
# So many pairs of rows at one time for each name: by chance some pair would have one name.
NO_CHANCE: Final = 7
# Fewer things make no three parts worth measuring.
MIN_GROUPS: Final = 5
# So many rows at one time may be the pairs of two things, and no fewer.
MIN_IN_PAIR: Final = 4
REGULAR: Final = 0.7
HOUR, DAY = 3600, 86_400
# Rows until the same hour, weekday, week, month or quarter comes again, by the step in seconds.
SEASONS: Final = ((HOUR, 24), (DAY, 7), (7 * DAY, 52), (30.4 * DAY, 12), (91.3 * DAY, 4))
# Seconds from one to the next of what counts time.
UNITS: Final = {"hour": HOUR, "day": DAY, "week": 7 * DAY, "month": 30.4 * DAY}
# Smallest and largest value of the parts after the day.
CLOCK: Final = {"hour": 23, "minute": 59, "second": 59}


class Hints(NamedTuple):
    """What a person knows better than any guess."""

    task: str | None = None
    time: str | None = None
    group: str | None = None


class RowOrder(NamedTuple):
    """What orders and groups the rows.

    Attributes:
        time: Column of the time; `time` if it is made of parts.
        parts: The columns that it is made of.
        series: Column that names the series of a panel.
        group: Column whose values must not stand in two parts.
        lags: Rows to look back in a regular series; none elsewhere.
        reason: Why, for the draft.
        key: Column that names every row.
        steps: Where a row is not one step behind the row before; empty if all are.
    """

    time: str | None = None
    parts: tuple[str, ...] = ()
    series: str | None = None
    group: str | None = None
    lags: tuple[int, ...] = ()
    reason: str = ""
    key: str | None = None
    steps: str = ""


def find_order(profile: FileProfile, target: str, hints: Hints) -> RowOrder:
    """Find what orders and groups the rows."""
    others = [column for column in profile.columns if column.name != target]
    things = [column for column in others if repeats_things(column)]
    parts = () if hints.time else _find_parts(profile)
    time = next((one for one in others if one.name == hints.time), None) or _find_time(others)
    if hints.group and not hints.time:
        return RowOrder(group=hints.group, reason="asked for")
    is_counted = False
    if time is None and not parts:
        time, told = _find_counter(profile, others, things, target)
        is_counted = time is not None
        if told:
            return told
    if time is None and not parts:
        hidden = find_hidden_order(profile, others, target)
        if not things:
            return RowOrder(reason=hidden)
        group = min(things, key=lambda one: one.distinct)
        rest = ", ".join(one.name for one in things if one is not group)
        check = f"; CHECK: {rest} repeat as well" if rest else ""
        reason = (
            f"{group.distinct} values of {group.name} in {group.filled} rows: each stays in one "
            f"part, so that the test asks for new ones{check}{hidden}"
        )
        return RowOrder(group=group.name, reason=reason)
    name = time.name if time is not None and not parts else "time"
    moments = parts or (name,)
    distinct = profile.count_distinct(*moments)
    series = hints.group or _find_series(profile, others, moments, distinct)
    is_series = bool(series) or distinct >= NEARLY_ALL * profile.rows
    step, steps = _find_step(profile, time, parts, series) if is_series else (None, "")
    order = (
        "" if parts or (time and (time.time is None or time.time.is_ordered)) else ", in any order"
    )
    reason = f"{distinct} times in {profile.rows} rows{order}; equal times stay together"
    if things and not series:
        names = ", ".join(f"{one.name} ({one.distinct})" for one in things)
        reason += f"; CHECK: {names} repeat over time; `--group` splits by one of them instead"
    pair = "" if is_series else _hint_at_series(profile, others, moments, distinct)
    reason += pair
    if is_counted:
        reason += f"; CHECK: {name} is a number that is taken for the time; else use another split"
    elif not pair and (not is_series or step is None):
        reason += "; CHECK: if rows are no observations over time, use another split"
    return RowOrder(name, parts, series, None, _lags_for(step, distinct), reason, steps=steps)


def _find_counter(
    profile: FileProfile, columns: list[ColumnProfile], things: list[ColumnProfile], target: str
) -> tuple[ColumnProfile | None, RowOrder | None]:
    """Find a number that counts time: with a name it names every row, or it orders the file.

    Where things have clocks of their own, which end at different times, the things decide.

    Returns:
        The column that counts; or what decides in its place; or neither.
    """
    counters = [one for one in columns if counts_time(one, columns)]
    years = [one for one in counters if split_name(one.name) & YEARS]
    for one in years if things else counters:
        series = _find_series(profile, columns, (one.name,), one.distinct)
        if series is None or one.whole < one.filled:
            continue
        names = profile.count_distinct(series)
        if one in years or profile.rows >= BALANCED * names * one.distinct:
            return one, None
        if names < MIN_GROUPS:
            continue
        reason = (
            f"{names} values of {series}, each with {one.name} of its own: each stays in one part, "
            f"so that the test asks for new ones; CHECK: if {one.name} is one time for all, "
            f"`--time` {one.name} splits by it"
        )
        return None, RowOrder(group=series, reason=reason)
    if not things and is_like_before(profile, target) > LIKE_BEFORE:
        return next((one for one in counters if _is_sorted(profile, one)), None), None
    return None, None


def _is_sorted(profile: FileProfile, column: ColumnProfile) -> bool:
    """Tell whether the file is in the order of a number, up or down."""
    steps = np.diff(read_numbers(profile, column))
    return column.distinct >= MIN_TIMES and bool((steps >= 0).all() or (steps <= 0).all())


def _find_time(columns: list[ColumnProfile]) -> ColumnProfile | None:
    found = [
        column
        for column in columns
        if (column.time or epoch_format(column))
        and not (column.time and column.time.is_torn)
        and column.filled == column.rows
        and column.distinct >= MIN_TIMES
        and not find_personal(column)
    ]
    is_ordered = {one.key: one.time is None or one.time.is_ordered for one in found}
    return max(found, key=lambda one: (is_ordered[one.key], one.distinct), default=None)


def _find_parts(profile: FileProfile) -> tuple[str, ...]:
    """Find columns named year, month, day and so on that make up a time."""
    by_name = {column.name.lower(): column for column in profile.columns}
    parts: list[str] = []
    for part in TIME_PARTS:
        if part not in by_name or not _is_part(by_name[part], part):
            break
        parts.append(by_name[part].name)
    is_time = len(parts) >= 3 and "time" not in by_name and profile.has_valid_days
    return tuple(parts) if is_time else ()


def _is_part(column: ColumnProfile, part: str) -> bool:
    is_whole = column.integers == column.rows
    low, high = column.low or 0, column.high or 0
    return is_whole and (part not in CLOCK or (low >= 0 and high <= CLOCK[part]))


def _find_series(
    profile: FileProfile, columns: list[ColumnProfile], moments: tuple[str, ...], distinct: int
) -> str | None:
    """Find the column that with the time names every row: the stores of a panel."""
    share = profile.rows / max(1, distinct)
    if share < 1 / NEARLY_ALL or distinct < MIN_PERIODS:
        return None
    ties = profile.rows - distinct
    pairs = ties * max(1, share / 2)
    fewest, most = ESTIMATED * share, min(5 * share, pairs / NO_CHANCE)
    keys = [one for one in _list_keys(columns, moments) if fewest <= one.distinct <= most]
    for key in keys[:20]:
        untold = profile.rows - profile.count_distinct(*moments, key.name)
        if untold <= (1 - NEARLY_ALL) * ties:
            return key.name
    return None


def _hint_at_series(
    profile: FileProfile, columns: list[ColumnProfile], moments: tuple[str, ...], distinct: int
) -> str:
    """Say what would name the series, did rows not repeat or were it one column."""
    once = profile._replace(rows=profile.rows - profile.duplicates)
    repeated = _find_series(once, columns, moments, distinct) if profile.duplicates else None
    if repeated is None:
        return _find_pair(profile, columns, moments, distinct)
    return (
        f"; CHECK: {repeated} would name the series but for {profile.duplicates} repeated rows: "
        "remove them from the file, and draft again"
    )


def _find_pair(
    profile: FileProfile, columns: list[ColumnProfile], moments: tuple[str, ...], distinct: int
) -> str:
    """Say which columns with the time name every row: a store's items."""
    share = profile.rows / max(1, distinct)
    if share < MIN_IN_PAIR or distinct < MIN_TIMES:
        return ""
    found = [one for one in _list_keys(columns, moments) if 2 <= one.distinct <= share][-6:]
    for keys in (*itertools.combinations(found, 2), *itertools.combinations(found, 3)):
        if not ESTIMATED * share <= math.prod(one.distinct for one in keys) <= 5 * share:
            continue
        names = [one.name for one in keys]
        if profile.count_distinct(*moments, *names) >= NEARLY_ALL * profile.rows:
            listed = " and ".join(f"{one.name} ({one.distinct})" for one in keys)
            return (
                f"; CHECK: {listed} together name {profile.count_distinct(*names)} series; for "
                "lags, join them into one column of the source and name it with `--time` and "
                "`--group`"
            )
    return ""


def _list_keys(columns: list[ColumnProfile], moments: tuple[str, ...]) -> list[ColumnProfile]:
    """List what may name a series, the fewest names first."""
    keys = [
        one
        for one in columns
        if one.filled == one.rows
        and one.name not in moments
        and not (one.is_numeric and one.whole < one.filled)
        and not one.time
        and one.clocks < one.filled
        and one.name.lower() not in TIME_PARTS
    ]
    return sorted(keys, key=lambda one: one.distinct)


def _find_step(
    profile: FileProfile,
    time: ColumnProfile | None,
    parts: tuple[str, ...],
    series: str | None,
) -> tuple[float | None, str]:
    """Measure the seconds from one time to the next; none if they differ too much.

    Returns:
        The seconds, and where a row is not so far behind the row before.
    """
    if parts:
        return {3: DAY, 4: HOUR}.get(len(parts)), ""
    if time is None:
        return None, ""
    form = time.time.format if time.time else epoch_format(time, is_asked=True)
    unit = 1.0
    if time.time or form:
        contract = DatetimeColumn(name="any", kind="datetime", format=form)
        read = read_values(profile, time, contract).cast(pa.timestamp("us")).to_numpy()
        moments = read.astype("int64") / 1e6
    else:
        moments = read_numbers(profile, time)
        words = split_name(time.name)
        unit = next((seconds for word, seconds in UNITS.items() if word in words), math.inf)
    steps = np.diff(np.unique(moments))
    middle = float(np.median(steps)) if len(steps) else 0.0
    near = (steps > 0.9 * middle) & (steps < 1.1 * middle)
    if not middle or near.mean() < REGULAR:
        return None, ""
    return middle * unit, _describe_steps(moments / middle, _read_names(profile, series))


def _read_names(profile: FileProfile, series: str | None) -> NDArray[np.int64] | None:
    """Number the series that the rows belong to, in the order of the rows."""
    key = next((one.key for one in profile.columns if one.name == series), None)
    if key is None:
        return None
    batches = profile.copy.iter_columns([key], profile.unfit)
    names = pa.chunked_array([batch.column(0) for batch in batches], pa.string())
    numbers: NDArray[np.int64] = names.combine_chunks().dictionary_encode().indices.to_numpy()
    return numbers


def _describe_steps(moments: Floats, names: NDArray[np.int64] | None) -> str:
    """Say how many rows are not one step behind the row before in their series."""
    names = np.zeros(len(moments), dtype=np.int64) if names is None else names
    rows = np.lexsort((moments, names))
    steps = np.diff(moments[rows])[np.diff(names[rows]) == 0]
    longer, same = steps[steps > 1.1], int((steps == 0).sum())
    told = []
    if len(longer):
        most = f"the longest {longer.max():.0f} times"
        told.append(f"{len(longer)} of {len(steps)} steps are longer than the usual one, {most}")
    if same:
        told.append(f"CHECK: rows at the time of the row before: {same}")
    return "; ".join(told)


def _lags_for(step: float | None, moments: int) -> tuple[int, ...]:
    if step is None:
        return ()
    season = next((rows for seconds, rows in SEASONS if abs(step / seconds - 1) < 0.05), 0)
    return (1, 2, 3, season) if 3 < season <= moments / 5 else (1, 2, 3)
