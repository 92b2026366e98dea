"""From a profile to a contract: what each column probably is, and why we think so."""

import math
import re
from typing import Any, Final, NamedTuple

from include.drafting.profile import ColumnProfile, FileProfile

MOST_CATEGORIES: Final = 60
LISTED_VALUES: Final = 20
PERSONAL_NAMES: Final = re.compile(
    r"(^|[^a-z])(e?-?mail|phone|mobile|fax|first_?name|last_?name|full_?name|surname|ssn|iban|"
    r"passport|birth_?(day|date)|street|address)([^a-z]|$)",
    re.IGNORECASE,
)
ID_NAMES: Final = re.compile(r"(^|[^a-z])(id|no|nr|key|uuid|guid|index)([^a-z]|$)", re.IGNORECASE)
TIME_PARTS: Final = ("year", "month", "day", "hour", "minute", "second")


class Guess(NamedTuple):
    """One column's contract and the reason for it."""

    column: dict[str, Any]
    reason: str


def guess_task(target: ColumnProfile) -> str:
    """Tell classification from regression by what the target holds."""
    is_number = target.numbers == target.filled
    return "regression" if is_number and target.distinct > LISTED_VALUES else "classification"


def guess_columns(profile: FileProfile, target: str) -> list[Guess]:
    """Guess every column's contract, in the file's order; a time made of parts comes first."""
    time = _time_of_parts(profile)
    guesses = [time] if time else []
    made_of = set(time.column["from_parts"]) if time else set()
    for column in profile.columns:
        if column.name == target:
            guesses.append(_guess_target(column))
        elif column.name in made_of:
            guesses.append(Guess(_named(column, "ignore"), "lives on in the time made of it"))
        elif column.name in profile.determining:
            guesses.append(
                Guess(
                    _named(column, "ignore"),
                    f"LEAK? each of its {column.distinct} values goes with one value of the "
                    "target; make it a feature only if it is known before the target is",
                )
            )
        else:
            guesses.append(_guess_feature(column))
    return guesses


def find_time(guesses: list[Guess], profile: FileProfile) -> str | None:
    """Name a time column by which the rows are ordered, if there is one."""
    rising = {column.name for column in profile.columns if column.is_rising}
    for guess in guesses:
        is_time = guess.column["kind"] == "datetime"
        if is_time and ("from_parts" in guess.column or guess.column["name"] in rising):
            return str(guess.column["name"])
    return None


def _guess_target(column: ColumnProfile) -> Guess:
    seen = _seen(column)
    if guess_task(column) == "regression":
        guess = _number(column)
        return Guess({**guess.column, **_nulls(column)}, f"the target; {guess.reason}")
    values = list(column.values)
    body = {**_named(column, "category"), "values": values, **_nulls(column)}
    return Guess(body, f"the target; {seen}")


def _guess_feature(column: ColumnProfile) -> Guess:
    if column.distinct <= 1:
        reason = "the same in every row" if column.filled else "empty in every row"
        return Guess(_named(column, "ignore"), reason)
    personal = _personal(column)
    if personal:
        body = {**_named(column, "text"), **_nulls(column), "private": "drop"}
        return Guess(body, f"PERSONAL? {personal}; dropped at ingest (mask and hash are possible)")
    if _is_id(column):
        return Guess(
            {**_named(column, "id"), **_nulls(column)}, "differs in every row; never a feature"
        )
    return _guess_values(column)


def _guess_values(column: ColumnProfile) -> Guess:
    if column.booleans == column.filled or (column.values == ("0", "1")):
        return Guess({**_named(column, "boolean"), **_nulls(column)}, _seen(column))
    if column.numbers == column.filled:
        return _number(column)
    if column.times == column.filled:
        return Guess({**_named(column, "datetime"), **_nulls(column)}, "every value is a time")
    return _words(column)


def _words(column: ColumnProfile) -> Guess:
    if column.words > 3 and column.distinct > MOST_CATEGORIES:
        length = min(256, max(8, 2 ** math.ceil(math.log2(column.words * 2))))
        return Guess(
            {**_named(column, "text"), **_nulls(column), "length": length},
            f"{column.words:.0f} words on average",
        )
    if column.distinct <= MOST_CATEGORIES:
        numeric = column.numbers / column.filled
        hint = f"; {numeric:.0%} of them numbers, check the rest" if numeric > 0.5 else ""
        return Guess({**_named(column, "category"), **_nulls(column)}, _seen(column) + hint)
    return Guess(
        {**_named(column, "category"), **_nulls(column), "encode": "hash"},
        f"about {column.distinct} different values: hashed rather than learned one by one",
    )


def _number(column: ColumnProfile) -> Guess:
    kind = "integer" if column.integers == column.filled else "number"
    low, high = column.low or 0.0, column.high or 0.0
    body = {**_named(column, kind), **_bounds(low, high), **_nulls(column)}
    if low >= 0 and high > 1000 and high > 50 * max(1.0, low):
        body["scale"] = "log"
    return Guess(body, f"{low:g} … {high:g} seen")


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
    return int(value) if value == int(value) else float(f"{value:.6g}")


def _nulls(column: ColumnProfile) -> dict[str, float]:
    if column.filled == column.rows:
        return {}
    return {"nulls": min(1.0, math.ceil(column.null_share * 150 + 1) / 100)}


def _is_id(column: ColumnProfile) -> bool:
    """Tell an id: (nearly) as many values as rows, and named or counted like one.

    The count of distinct values is an estimate within a few per cent.
    """
    is_unique = column.distinct > 0.9 * column.filled and column.filled > LISTED_VALUES
    is_counter = column.integers == column.filled and column.is_rising
    is_code = column.numbers < column.filled and column.words < 1.5 and not column.times
    return is_unique and (bool(ID_NAMES.search(column.name)) or is_counter or is_code)


def _personal(column: ColumnProfile) -> str:
    if column.emails > column.filled / 2:
        return "e-mail addresses"
    is_written = column.numbers < column.filled
    if column.phones > column.filled / 2 and is_written and not column.times:
        return "telephone numbers"
    if PERSONAL_NAMES.search(column.name):
        return "named like personal data"
    return ""


def _time_of_parts(profile: FileProfile) -> Guess | None:
    """Make a time of columns named year, month, day and so on."""
    by_name = {column.name.lower(): column.name for column in profile.columns}
    parts = []
    for part in TIME_PARTS:
        if part not in by_name:
            break
        parts.append(by_name[part])
    if len(parts) < 3 or "time" in by_name:
        return None
    body = {"name": "time", "kind": "datetime", "from_parts": parts}
    return Guess(body, f"made of {', '.join(parts)}")


def _named(column: ColumnProfile, kind: str) -> dict[str, Any]:
    return {"name": column.name, "kind": kind}


def _seen(column: ColumnProfile) -> str:
    few = ", ".join(column.values[:5])
    more = ", …" if column.distinct > 5 else ""
    return f"{column.distinct} values: {few}{more}"
