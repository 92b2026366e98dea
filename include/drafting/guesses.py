"""From a profile to a contract: what each column probably is, and why we think so."""

import math
import re
from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from include.drafting.personal import find_personal
from include.drafting.profile import ColumnProfile, FileProfile

MOST_CATEGORIES: Final = 60
LISTED_VALUES: Final = 20
NEARLY_UNIQUE: Final = 0.9
EXACT: Final = 2**53
ID_NAMES: Final = re.compile(r"(^|[^a-z])(id|no|nr|key|uuid|guid|index)([^a-z]|$)", re.IGNORECASE)
TIME_PARTS: Final = ("year", "month", "day", "hour", "minute", "second")
# Smallest and largest value of the parts after the day.
CLOCK: Final = {"hour": 23, "minute": 59, "second": 59}


class Guess(NamedTuple):
    """One column's contract and the reason for it."""

    column: dict[str, Any]
    reason: str

    @property
    def is_feature(self) -> bool:
        """Whether the network sees the column."""
        return self.column["kind"] not in {"id", "ignore"} and "private" not in self.column


def guess_task(target: ColumnProfile) -> str:
    """Tell classification from regression by what the target holds."""
    is_number = target.numbers == target.filled
    return "regression" if is_number and target.distinct > LISTED_VALUES else "classification"


def guess_columns(
    profile: FileProfile, target: str, leaks: Mapping[str, str] | None = None
) -> list[Guess]:
    """Guess every column's contract, in the file's order; a time made of parts comes first.

    Args:
        profile: The file.
        target: The column to predict.
        leaks: Columns that give the target away, and how that was seen.
    """
    known = {**_determining(profile), **(leaks or {})}
    time = _time_of_parts(profile)
    if time and time.column["name"] in known:
        time = None
    guesses = [time] if time else []
    made_of = set(time.column["from_parts"]) if time else set()
    for column in profile.columns:
        if column.name == target:
            guesses.append(_guess_target(column))
        elif column.name in made_of:
            guesses.append(_ignore(column, "lives on in the time made of it"))
        elif column.name in known:
            reason = (
                f"LEAK? {known[column.name]}; if it is known before the target is, make it a "
                "feature and set `cleaning: {leakage: warn}`"
            )
            guesses.append(_ignore(column, reason))
        else:
            guesses.append(_guess_feature(column))
    return guesses


def find_time(guesses: list[Guess], profile: FileProfile) -> str | None:
    """Name a time column by which the rows are ordered, if there is one."""
    rising = {
        column.name
        for column in profile.columns
        if column.time and column.time.is_rising and column.filled == column.rows
    }
    for guess in guesses:
        is_time = guess.column["kind"] == "datetime"
        if is_time and ("from_parts" in guess.column or guess.column["name"] in rising):
            return str(guess.column["name"])
    return None


def describe_numbers(column: ColumnProfile) -> str:
    """Say how numbers are written that are not read as such; empty for anything else."""
    if not column.filled or column.numbers == column.filled or column.time:
        return ""
    is_grouped = column.thousands + column.numbers == column.filled
    if column.commas + column.numbers == column.filled and not is_grouped:
        return "numbers with a decimal comma"
    if column.units + column.numbers == column.filled:
        return "numbers with a unit or with marks between thousands"
    return ""


def _determining(profile: FileProfile) -> dict[str, str]:
    return {
        column.name: f"each of its {column.distinct} values goes with one value of the target"
        for column in profile.columns
        if column.name in profile.determining
    }


def _guess_target(column: ColumnProfile) -> Guess:
    if guess_task(column) == "regression":
        guess = _number(column)
        return Guess({**guess.column, **_nulls(column)}, f"the target; {guess.reason}")
    body = _named(column, "category")
    if column.values:
        body["values"] = list(column.values)
    return Guess({**body, **_nulls(column)}, f"the target; {_seen(column)}")


def _guess_feature(column: ColumnProfile) -> Guess:
    if column.distinct <= 1:
        return _ignore(column, "the same in every row" if column.filled else "empty in every row")
    if column.array:
        return _tensor(column)
    if column.is_nested:
        return _ignore(column, "lists or objects that differ in shape: spread them over columns")
    personal = find_personal(column)
    if personal:
        body = {**_named(column, "text"), **_nulls(column), "private": "drop"}
        return Guess(body, f"PERSONAL? {personal}; dropped at ingest (mask and hash are possible)")
    return _guess_id(column) or _guess_values(column)


def _guess_values(column: ColumnProfile) -> Guess:
    if column.is_boolean:
        return Guess({**_named(column, "boolean"), **_nulls(column)}, _seen(column))
    is_day = column.time is not None and column.time.format is not None
    if column.numbers == column.filled and not is_day:
        return _number(column)
    if column.time:
        return _time(column)
    written = describe_numbers(column)
    if written and column.distinct > LISTED_VALUES:
        move = "write them with a decimal point and nothing else, then make this `kind: number`"
        return _ignore(column, f"NUMBERS? {written}, which are not read as numbers: {move}")
    return _words(column)


def _words(column: ColumnProfile) -> Guess:
    if column.words > 3 and column.distinct > MOST_CATEGORIES:
        length = min(256, max(8, 2 ** math.ceil(math.log2(column.words * 2))))
        return Guess(
            {**_named(column, "text"), **_nulls(column), "length": length},
            f"{column.words:.0f} words on average",
        )
    written = describe_numbers(column)
    share = column.numbers / column.filled
    hint = f"; {share:.0%} of them numbers, check the rest" if share > 1 / 2 else ""
    hint = f"; {written}, kept as texts" if written else hint
    if column.distinct <= MOST_CATEGORIES:
        return Guess({**_named(column, "category"), **_nulls(column)}, _seen(column) + hint)
    return Guess(
        {**_named(column, "category"), **_nulls(column), "encode": "hash"},
        f"about {column.distinct} different values: hashed rather than learned one by one{hint}",
    )


def _number(column: ColumnProfile) -> Guess:
    kind = "integer" if column.integers == column.filled else "number"
    low, high = column.low or 0.0, column.high or 0.0
    body = {**_named(column, kind), **_bounds(low, high), **_nulls(column)}
    if low >= 0 and high > 1000 and high > 50 * max(1.0, low):
        body["scale"] = "log"
    return Guess(body, f"{low:g} … {high:g} seen")


def _time(column: ColumnProfile) -> Guess:
    body, form = _named(column, "datetime"), column.time
    reason = "every value is a time"
    if form and form.format:
        body["format"] = form.format
        reason = f"every value is written as {form.format}"
        reason += f"; CHECK: {form.other} fits as well" if form.other else ""
    return Guess({**body, **_nulls(column)}, reason)


def _tensor(column: ColumnProfile) -> Guess:
    form = column.array
    shape = list(form.shape) if form else []
    body = {**_named(column, "tensor"), "shape": shape, **_nulls(column)}
    if form and form.largest > 1:
        body["scale"] = _tidy(_round(form.largest))
    return Guess(body, f"an array of shape {shape} in every row")


def _bounds(low: float, high: float) -> dict[str, float]:
    """Widen what was seen by half its span, to two digits: a bound is for faults, not for news."""
    margin = (high - low) / 2 or max(1.0, abs(high))
    lower = 0.0 if low >= 0 else _round(low - margin)
    return {"min": _tidy(lower), "max": _tidy(_round(high + margin))}


def _round(value: float) -> float:
    if value == 0:
        return 0.0
    digits = 1 - math.floor(math.log10(abs(value)))
    step = 10.0**-digits
    return (math.floor if value < 0 else math.ceil)(value / step) * step


def _tidy(value: float) -> float:
    is_whole = value == int(value) and abs(value) < EXACT
    return int(value) if is_whole else float(f"{value:.6g}")


def _nulls(column: ColumnProfile) -> dict[str, float]:
    if column.filled == column.rows:
        return {}
    return {"nulls": min(1.0, math.ceil(column.null_share * 150 + 1) / 100)}


def _guess_id(column: ColumnProfile) -> Guess | None:
    """Tell an id: (nearly) as many values as rows, and named or counted like one.

    Numbers with fractions measure something. Whether no value occurs twice is only promised
    where every row was counted.
    """
    is_varied = column.distinct > NEARLY_UNIQUE * column.filled and column.filled > LISTED_VALUES
    is_fraction = column.numbers == column.filled > column.integers
    if not is_varied or is_fraction or column.time or describe_numbers(column):
        return None
    is_counter = column.integers == column.filled and column.is_rising and column.is_unique
    is_code = column.numbers < column.filled and column.words < 1.5
    if not (ID_NAMES.search(column.name) or is_counter or is_code):
        return None
    body = {**_named(column, "id"), **_nulls(column)}
    if column.is_unique:
        return Guess(body, "differs in every row; never a feature")
    reason = f"{column.distinct} values in {column.filled} rows name them; never a feature"
    return Guess({**body, "unique": False}, reason)


def _time_of_parts(profile: FileProfile) -> Guess | None:
    """Make a time of columns named year, month, day and so on."""
    by_name = {column.name.lower(): column for column in profile.columns}
    parts = []
    for part in TIME_PARTS:
        if part not in by_name or not _is_part(by_name[part], part):
            break
        parts.append(by_name[part].name)
    if len(parts) < 3 or "time" in by_name or not profile.has_valid_days:
        return None
    body = {"name": "time", "kind": "datetime", "from_parts": parts}
    return Guess(body, f"made of {', '.join(parts)}")


def _is_part(column: ColumnProfile, part: str) -> bool:
    is_whole = column.integers == column.rows
    low, high = column.low or 0, column.high or 0
    return is_whole and (part not in CLOCK or (low >= 0 and high <= CLOCK[part]))


def _ignore(column: ColumnProfile, reason: str) -> Guess:
    return Guess(_named(column, "ignore"), reason)


def _named(column: ColumnProfile, kind: str) -> dict[str, Any]:
    return {"name": column.name, "kind": kind}


def _seen(column: ColumnProfile) -> str:
    few = ", ".join(column.values[:5])
    more = ", …" if column.distinct > 5 else ""
    return f"{column.distinct} values: {few}{more}"
