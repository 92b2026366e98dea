"""What the rows are: moments in time, series, visits of the same patient, or separate things.

That decides the split. A time splits by time, whatever the order of the file; what names things
that occur again and again keeps each of them in one part.
"""

import itertools
import math
import re
from typing import Final, NamedTuple

import numpy as np
import pyarrow as pa

from include.drafting.personal import find_personal, split_name
from include.drafting.profile import ColumnProfile, FileProfile
from include.specs.columns import Column, DatetimeColumn, NumberColumn
from include.values.casts import cast_column
from include.values.reading import Reading
from include.values.statistics import Floats
from include.values.times import PER_SECOND

MIN_TIMES: Final = 10
# So many are enough where a name and a number that counts time name every row.
MIN_PERIODS: Final = 5
# From this share of all pairs on, every thing was met at every time.
BALANCED: Final = 0.95
MIN_THINGS: Final = 20
NEARLY_ALL: Final = 0.98
# Many different values are only estimated, to some per cent.
ESTIMATED: Final = 0.9
# So many rows at one time may be the pairs of two things, and no fewer.
MIN_IN_PAIR: Final = 4
REGULAR: Final = 0.7
ID_NAMES: Final = re.compile(
    r"(^|[^a-z])(id|ids|no|nr|key|uuid|guid|index)([^a-z]|$)|[a-z]I[dD]$", re.IGNORECASE
)
CODE_ID: Final = re.compile(
    r"(^|[^A-Za-z])(id|uid|uuid|guid|nr|no|hash|mrn|ssn|vin|imei)$|nummer$|[a-z]I[dD]$|^ID$",
    re.IGNORECASE,
)
THINGS: Final = frozenset(
    [
        *("patient", "subject", "customer", "client", "user", "shop", "store", "session"),
        *("device", "machine", "household", "family", "person", "student", "employee"),
        *("driver", "vehicle", "account", "member", "participant", "hospital", "player"),
        *("animal", "mouse", "owner", "author", "tenant", "school", "teacher", "farm"),
        *("sensor", "plate", "batch", "lot", "kunde", "proband"),
    ]
)
TIMES: Final = frozenset(
    [
        *("time", "timestamp", "date", "datetime", "ts", "epoch", "unix", "created"),
        *("updated", "at", "when"),
    ]
)
# What counts time without being one.
COUNTED: Final = TIMES | {
    *("t", "day", "week", "month", "quarter", "period", "hour", "minute", "second", "step"),
    *("tick", "frame", "cycle", "round", "season", "days", "weeks", "tag", "woche", "monat"),
    *("julday", "yday", "doy", "dayofyear"),
}
# A target so like that of the row before is hardly that of another thing.
LIKE_BEFORE: Final = 0.5
MIN_BEFORE: Final = 30
# Seconds from 1990 to 2100: numbers between them may be times, in one unit or another.
FIRST, LAST = 631_152_000, 4_102_444_800
HOUR, DAY = 3600, 86_400
# Rows until the same hour, weekday, week, month or quarter comes again, by the step in seconds.
SEASONS: Final = ((HOUR, 24), (DAY, 7), (7 * DAY, 52), (30.4 * DAY, 12), (91.3 * DAY, 4))
YEARS: Final = frozenset(["year", "jahr"])
FIRST_YEAR, LAST_YEAR = 1500, 2200
TIME_PARTS: Final = ("year", "month", "day", "hour", "minute", "second")
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
    """

    time: str | None = None
    parts: tuple[str, ...] = ()
    series: str | None = None
    group: str | None = None
    lags: tuple[int, ...] = ()
    reason: str = ""
    key: str | None = None


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
        hidden = _find_hidden_order(profile, others, target)
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
    step = _find_step(profile, time, parts) if is_series else None
    order = (
        "" if parts or (time and (time.time is None or time.time.is_ordered)) else ", in any order"
    )
    reason = f"{distinct} times in {profile.rows} rows{order}; equal times stay together"
    if things and not series:
        names = ", ".join(f"{one.name} ({one.distinct})" for one in things)
        reason += f"; CHECK: {names} repeat over time; `--group` splits by one of them instead"
    pair = "" if is_series else _find_pair(profile, others, moments, distinct)
    reason += pair
    if is_counted:
        reason += f"; CHECK: {name} is a number that is taken for the time; else use another split"
    elif not pair and (not is_series or step is None):
        reason += "; CHECK: if rows are no observations over time, use another split"
    return RowOrder(name, parts, series, None, _lags_for(step, distinct), reason)


def repeats_things(column: ColumnProfile) -> bool:
    """Tell whether a column names things that occur in several rows: patients, shops, users."""
    is_fraction = column.is_numeric and column.whole < column.filled
    if column.time or column.array or is_fraction or column.words >= 1.5 or column.is_nested:
        return False
    is_named = bool(CODE_ID.search(column.name)) or split_name(column.name) <= THINGS
    is_many = MIN_THINGS < column.distinct <= 0.9 * column.filled
    return is_many and (is_named or column.long > column.filled / 2)


def hint_at_things(column: ColumnProfile) -> str:
    """Point out values that may name things met again: codes, or equally many rows of each."""
    rows = column.values.values()
    is_many = MIN_THINGS < column.distinct <= 0.5 * column.filled and column.words < 1.5
    is_whole = column.numbers == 0 or column.integers == column.filled
    is_other = column.time or column.reading.options or find_personal(column)
    if not is_many or not is_whole or not rows or is_other:
        return ""
    is_even = max(rows) <= 1.5 * min(rows) and min(rows) > 1
    codes = sum(bool(re.search(r"\d", text)) for text in column.values)
    if not is_even and (column.numbers or codes < len(column.values)):
        return ""
    return (
        f"CHECK: {column.distinct} values in {column.filled} rows: if they name things, "
        f"`--group` {column.name} keeps each in one part"
    )


def _find_counter(
    profile: FileProfile, columns: list[ColumnProfile], things: list[ColumnProfile], target: str
) -> tuple[ColumnProfile | None, RowOrder | None]:
    """Find a number that counts time: with a name it names every row, or it orders the file.

    Where things have clocks of their own, which end at different times, the things decide.

    Returns:
        The column that counts; or what decides in its place; or neither.
    """
    counters = [one for one in columns if _counts_time(one, columns)]
    years = [one for one in counters if split_name(one.name) & YEARS]
    for one in years if things else counters:
        series = _find_series(profile, columns, (one.name,), one.distinct)
        if series is None or one.whole < one.filled:
            continue
        names = profile.count_distinct(series)
        if one in years or profile.rows >= BALANCED * names * one.distinct:
            return one, None
        reason = (
            f"{names} values of {series}, each with {one.name} of its own: each stays in one part, "
            f"so that the test asks for new ones; CHECK: if {one.name} is one time for all, "
            f"`--time` {one.name} splits by it"
        )
        return None, RowOrder(group=series, reason=reason)
    if not things and _is_like_before(profile, target) > LIKE_BEFORE:
        return next((one for one in counters if _is_sorted(profile, one)), None), None
    return None, None


def _counts_time(column: ColumnProfile, columns: list[ColumnProfile]) -> bool:
    """Tell whether a number seems to count time; parts of a date, but for the year, do not."""
    parts = [one for one in columns if one.name.lower() in TIME_PARTS]
    is_part = column in parts and len(parts) > 1 and not split_name(column.name) & YEARS
    is_whole_column = column.is_numeric and column.filled == column.rows
    is_named = bool(split_name(column.name) & (COUNTED | YEARS))
    return is_named and is_whole_column and column.distinct >= MIN_PERIODS and not is_part


def _is_sorted(profile: FileProfile, column: ColumnProfile) -> bool:
    """Tell whether the file is in the order of a number, up or down."""
    steps = np.diff(_read_numbers(profile, column))
    return column.distinct >= MIN_TIMES and bool((steps >= 0).all() or (steps <= 0).all())


def _find_hidden_order(profile: FileProfile, columns: list[ColumnProfile], target: str) -> str:
    """Say what hints at an order in time: what counts it, and a target that lasts."""
    counters = [
        f"{one.name} ({one.distinct} values)"
        for one in columns
        if one.distinct >= MIN_TIMES and _counts_time(one, columns)
    ]
    parts = [one.name for one in columns if one.is_numeric and one.name.lower() in TIME_PARTS]
    hints = ""
    if counters:
        hints = f"; CHECK: {', '.join(counters)} may count time: `--time` splits by one of them"
    elif len(parts) > 1:
        hints = (
            f"; CHECK: {', '.join(parts)} may be parts of a time: joined into one column of the "
            "source, written as 2024-01-31, they can order the rows"
        )
    likeness = _is_like_before(profile, target)
    if likeness > LIKE_BEFORE:
        hints += (
            f"; CHECK: the target is like that of the row before (correlation {likeness:.2f}): if "
            "the file is in the order of time, a random split promises too much; split by the time"
        )
    return hints


def _is_like_before(profile: FileProfile, target: str) -> float:
    """Correlate the target's numbers with those of the rows before; 0 for anything else."""
    column = next(one for one in profile.columns if one.name == target)
    if not column.is_numeric:
        return 0.0
    numbers = _read_numbers(profile, column)
    if len(numbers) < MIN_BEFORE or np.ptp(numbers) == 0:
        return 0.0
    return float(np.corrcoef(numbers[:-1], numbers[1:])[0, 1])


def _read_numbers(profile: FileProfile, column: ColumnProfile) -> Floats:
    contract = NumberColumn(name="any", kind="number", **column.reading.options)
    numbers: Floats = _read_values(profile, column, contract).to_numpy()
    return numbers


def _read_values(profile: FileProfile, column: ColumnProfile, contract: Column) -> pa.ChunkedArray:
    """Read a column's values in the order of the rows that fit; missing ones are left out."""
    marks = Reading(missing=("", *column.reading.missing))
    batches = profile.copy.iter_columns([column.key], profile.unfit)
    found = [cast_column(contract, batch.column(0), marks).values.drop_null() for batch in batches]
    return pa.chunked_array(found)


def epoch_format(column: ColumnProfile) -> str | None:
    """Name the time that a column of numbers is: of Unix times the magnitude says the unit."""
    if not column.is_numeric or column.low is None or column.high is None or column.zeros:
        return None
    if split_name(column.name) <= YEARS and FIRST_YEAR <= column.low <= column.high <= LAST_YEAR:
        is_year = column.integers == column.filled and column.distinct >= MIN_TIMES
        return "%Y" if is_year else None
    is_named = bool(split_name(column.name) & TIMES)
    for unit, factor in PER_SECOND.items():
        if FIRST * factor <= column.low <= column.high <= LAST * factor:
            is_spread = column.distinct >= MIN_TIMES
            return f"unix_{unit}" if is_spread and (is_named or column.is_rising) else None
    return None


def _find_time(columns: list[ColumnProfile]) -> ColumnProfile | None:
    found = [
        column
        for column in columns
        if (column.time or epoch_format(column))
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
    fewest, most = ESTIMATED * share, 5 * share
    keys = [one for one in _list_keys(columns, moments) if fewest <= one.distinct <= most]
    for key in keys[:20]:
        if profile.count_distinct(*moments, key.name) >= NEARLY_ALL * profile.rows:
            return key.name
    return None


def _find_pair(
    profile: FileProfile, columns: list[ColumnProfile], moments: tuple[str, ...], distinct: int
) -> str:
    """Say which two columns with the time name every row: a store's items."""
    share = profile.rows / max(1, distinct)
    if share < MIN_IN_PAIR or distinct < MIN_TIMES:
        return ""
    keys = [one for one in _list_keys(columns, moments) if 2 <= one.distinct <= share]
    for one, other in itertools.combinations(keys[-6:], 2):
        series = one.distinct * other.distinct
        if not ESTIMATED * share <= series <= 5 * share:
            continue
        if profile.count_distinct(*moments, one.name, other.name) >= NEARLY_ALL * profile.rows:
            return (
                f"; CHECK: {one.name} ({one.distinct}) and {other.name} ({other.distinct}) "
                f"together name {profile.count_distinct(one.name, other.name)} series; for lags, "
                "join both into one column of the source and name it with `--time` and `--group`"
            )
    return ""


def _list_keys(columns: list[ColumnProfile], moments: tuple[str, ...]) -> list[ColumnProfile]:
    """List what may name a series, the fewest names first."""
    keys = [
        one
        for one in columns
        if one.filled == one.rows
        and one.name not in moments
        and not (one.is_numeric and one.integers + one.long < one.filled)
        and not one.time
        and one.clocks < one.filled
        and one.name.lower() not in TIME_PARTS
    ]
    return sorted(keys, key=lambda one: one.distinct)


def _find_step(
    profile: FileProfile, time: ColumnProfile | None, parts: tuple[str, ...]
) -> float | None:
    """Measure the seconds from one time to the next; none if they differ too much."""
    if parts:
        return {3: DAY, 4: HOUR}.get(len(parts))
    if time is None:
        return None
    form = time.time.format if time.time else epoch_format(time)
    unit = 1.0
    if time.time or form:
        contract = DatetimeColumn(name="any", kind="datetime", format=form)
        read = _read_values(profile, time, contract).cast(pa.timestamp("us")).to_numpy()
        moments = read.astype("int64") / 1e6
    else:
        moments = _read_numbers(profile, time)
        words = split_name(time.name)
        unit = next((seconds for word, seconds in UNITS.items() if word in words), math.inf)
    steps = np.diff(np.unique(moments))
    middle = float(np.median(steps)) if len(steps) else 0.0
    near = (steps > 0.9 * middle) & (steps < 1.1 * middle)
    return middle * unit if middle and near.mean() >= REGULAR else None


def _lags_for(step: float | None, moments: int) -> tuple[int, ...]:
    if step is None:
        return ()
    season = next((rows for seconds, rows in SEASONS if abs(step / seconds - 1) < 0.05), 0)
    return (1, 2, 3, season) if 3 < season <= moments / 5 else (1, 2, 3)
