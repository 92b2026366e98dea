"""From a profile to a contract: what each column probably is, and why we think so."""

import math
from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from include.drafting.order import ID_NAMES, Hints, RowOrder, epoch_format, repeats_things
from include.drafting.personal import find_personal
from include.drafting.profile import ColumnProfile, FileProfile
from include.drafting.tracking import COMPACT

MOST_CATEGORIES: Final = 60
MOST_CLASSES: Final = 100
LISTED_VALUES: Final = 20
ROWS_PER_CLASS: Final = 10
NEARLY_UNIQUE: Final = 0.9
FEWEST_FILLED: Final = 0.01
EXACT: Final = 2**53
# A largest value so many times the mean: most values lie near the lower end.
LONG_TAIL: Final = 8.0


class Guess(NamedTuple):
    """One column's contract and the reason for it."""

    column: dict[str, Any]
    reason: str

    @property
    def is_feature(self) -> bool:
        """Whether the network sees the column."""
        return self.column["kind"] not in {"id", "ignore"} and "private" not in self.column


def guess_task(target: ColumnProfile, hints: Hints) -> tuple[str, str]:
    """Tell classification from regression by what the target holds, and what is doubtful in it."""
    if hints.task:
        return hints.task, ""
    if not target.is_numeric or target.zeros:
        return "classification", ""
    if target.distinct <= 2:
        return "classification", ""
    if target.distinct <= LISTED_VALUES:
        check = f"CHECK: {target.distinct} different numbers: classes, or --task regression"
        return "classification", check
    if _are_codes(target):
        check = (
            f"CHECK: {target.distinct} numbers from {target.low:g} without a gap, alike in "
            "frequency: codes of classes, or --task regression"
        )
        return "classification", check
    return "regression", ""


def _are_codes(target: ColumnProfile) -> bool:
    counts = target.values.values()
    is_whole = target.integers + target.whole_floats == target.filled
    if not is_whole or not counts or target.low not in {0.0, 1.0} or target.high is None:
        return False
    is_dense = target.high - target.low + 1 == target.distinct <= MOST_CLASSES
    is_often = target.filled >= ROWS_PER_CLASS * target.distinct
    return is_dense and is_often and min(counts) * 10 >= max(counts)


def guess_columns(
    profile: FileProfile, target: str, order: RowOrder, hints: Hints, leaks: Mapping[str, str]
) -> list[Guess]:
    """Guess every column's contract, in the file's order; a time made of parts comes first.

    Args:
        profile: The file.
        target: The column to predict.
        order: What orders and groups the rows.
        hints: What a person knows better.
        leaks: Columns that give the target away, and how that was seen.
    """
    guesses = []
    if order.parts:
        body = {"name": "time", "kind": "datetime", "from_parts": list(order.parts)}
        guesses.append(Guess(body, f"made of {', '.join(order.parts)}"))
    for column in profile.columns:
        if column.name == target:
            guess = _guess_target(column, hints)
        elif column.name in order.parts:
            guess = _ignore(column, "lives on in the time made of it")
        elif column.name in leaks:
            reason = (
                f"LEAK? {leaks[column.name]}; if it is known before the target is, make it a "
                "feature and set `cleaning: {leakage: warn}`"
            )
            guess = _ignore(column, reason)
        elif column.name in {order.group, order.series}:
            guess = _name_of_things(column, is_group=column.name == order.group)
        else:
            guess = _guess_feature(column)
        guesses.append(_finish(column, guess))
    return _keep_a_feature(profile, guesses, target)


def _finish(column: ColumnProfile, guess: Guess) -> Guess:
    """Add what is common to all kinds: marks of missing values, and the cells that do not fit."""
    if guess.column["kind"] == "ignore" or "private" in guess.column:
        return guess
    body, reading, reasons = dict(guess.column), column.reading, [guess.reason]
    if reading.kept or reading.doubtful:
        body["missing"] = ["", *reading.missing]
    if reading.kept:
        kept = ", ".join(f"{text!r} in {count}" for text, count in reading.kept.items())
        reasons.append(
            f"CHECK: {kept} of {column.rows} rows is a value here; if it means missing, put it "
            "into `missing`"
        )
    if reading.doubtful:
        taken = ", ".join(f"{text!r} in {count}" for text, count in reading.doubtful.items())
        reasons.append(
            f"CHECK: {taken} of {column.rows} rows, unlike all others, is taken for missing; if it "
            "is a value, take it out of `missing` and widen the bounds"
        )
    if reading.check:
        reasons.append(reading.check)
    if column.misfits and column.misfits.rows:
        body["quarantine"] = True
        few = f"{column.misfits.rows} of {column.rows + column.misfits.rows} rows do not fit"
        reasons.append(f"CHECK: {few} and go to quarantine: {column.misfits.shown}")
    return Guess({**body, **_nulls(column)}, "; ".join(reason for reason in reasons if reason))


def _keep_a_feature(profile: FileProfile, guesses: list[Guess], target: str) -> list[Guess]:
    """Make a feature of what only counts or differs in every row if there is no other."""
    if any(guess.is_feature and guess.column["name"] != target for guess in guesses):
        return guesses
    by_name = {column.name: column for column in profile.columns}
    kept = []
    for guess in guesses:
        column = by_name.get(guess.column["name"])
        is_id = guess.column["kind"] == "id" and column is not None and column.is_numeric
        if column is None or not is_id or repeats_things(column) or column.long:
            kept.append(guess)
            continue
        number = _finish(column, _number(column))
        reason = f"{number.reason}; CHECK: the only column to learn from"
        kept.append(Guess(number.column, reason))
    return kept


def _guess_target(column: ColumnProfile, hints: Hints) -> Guess:
    task, check = guess_task(column, hints)
    if task == "regression":
        guess = _number(column)
        if guess.column.get("scale"):
            guess = guess._replace(reason=f"{guess.reason}; long-tailed: learned as a logarithm")
        return guess._replace(reason=f"the target; {guess.reason}")
    body = _named(column, "category")
    if column.values and column.distinct <= MOST_CLASSES:
        body["values"] = [text for text, _ in _canonical(column)]
    few = min(column.values.values(), default=ROWS_PER_CLASS)
    rare = f"CHECK: the rarest class has {few} rows" if few < ROWS_PER_CLASS else ""
    reasons = ["the target", _seen(column), check, rare, _spellings(column)]
    return Guess(body, "; ".join(reason for reason in reasons if reason))


def _guess_feature(column: ColumnProfile) -> Guess:
    if column.filled and column.array:
        return _tensor(column)
    useless = _find_useless(column)
    if useless:
        return _ignore(column, useless)
    personal = find_personal(column)
    if personal:
        body = {**_named(column, "text"), **_nulls(column), "private": "drop"}
        return Guess(body, f"PERSONAL? {personal}; dropped at ingest (mask and hash are possible)")
    if repeats_things(column):
        return _name_of_things(column, is_group=True)
    return _guess_id(column) or _guess_values(column)


def _find_useless(column: ColumnProfile) -> str:
    if column.distinct <= 1:
        return "the same in every row" if column.filled else "empty in every row"
    if column.filled < FEWEST_FILLED * column.rows:
        return f"nearly empty: {column.filled} of {column.rows} rows have a value"
    if column.is_nested:
        return "lists or objects that differ in shape: spread them over columns"
    if column.clocks == column.filled:
        return (
            "CHECK: durations or times of day, which are not read: write them as seconds, or as "
            "full times, then make this a number or datetime"
        )
    return ""


def _name_of_things(column: ColumnProfile, *, is_group: bool) -> Guess:
    if is_group:
        reason = f"names {column.distinct} things in {column.filled} rows; never a feature"
        return Guess({**_named(column, "id"), "unique": False}, reason)
    body = _named(column, "category")
    if column.distinct > MOST_CATEGORIES:
        body["encode"] = "hash"
    return Guess(body, f"names the series: {_seen(column)}")


def _guess_values(column: ColumnProfile) -> Guess:
    if column.is_boolean:
        return Guess(_named(column, "boolean"), _seen(column))
    is_day = column.time is not None and column.time.format is not None
    if column.is_numeric and not is_day:
        return _guess_number(column)
    return _time(column) if column.time else _words(column)


def _guess_number(column: ColumnProfile) -> Guess:
    epoch = epoch_format(column)
    if epoch:
        body = {**_named(column, "datetime"), "format": epoch}
        return Guess(body, f"CHECK: numbers of the size of Unix times ({epoch}); or a number")
    if column.zeros and column.integers == column.filled:
        guess = _words(column)
        reason = f"codes: {column.zeros} of {column.filled} begin with a zero; {guess.reason}"
        return Guess(guess.column, reason)
    return _number(column)


def _words(column: ColumnProfile) -> Guess:
    if column.words > 3 and column.distinct > MOST_CATEGORIES:
        length = min(256, max(8, 2 ** math.ceil(math.log2(column.words * 2))))
        body = {**_named(column, "text"), "length": length}
        return Guess(body, f"{column.words:.0f} words on average")
    share = column.numbers / column.filled
    hint = ""
    if 1 / 2 < share < 1:
        hint = f"; CHECK: {column.numbers} of {column.filled} are numbers, kept as texts"
    if column.distinct <= MOST_CATEGORIES:
        spelled = _spellings(column)
        hint += f"; {spelled}" if spelled else ""
        return Guess(_named(column, "category"), _seen(column) + hint)
    body = {**_named(column, "category"), "encode": "hash"}
    reason = f"about {column.distinct} different values: hashed rather than learned one by one"
    return Guess(body, reason + hint)


def _spellings(column: ColumnProfile) -> str:
    """Point out values that differ by case and blanks only."""
    alike: dict[str, list[str]] = {}
    for text in column.values:
        alike.setdefault(" ".join(text.lower().split()), []).append(text)
    several = [texts for texts in alike.values() if len(texts) > 1]
    if not several:
        return ""
    shown = "; ".join(
        ", ".join(f"{text!r} ({column.values[text]})" for text in texts) for texts in several[:3]
    )
    return f"CHECK: the same in other letters? {shown}; correct the source if they are"


def _number(column: ColumnProfile) -> Guess:
    kind = "integer" if column.integers == column.filled else "number"
    low, high = column.low or 0.0, column.high or 0.0
    body = {**_named(column, kind), **column.reading.options, **_bounds(low, high)}
    if low >= 0 and high > 50 * max(1.0, low) and high > LONG_TAIL * (column.mean or high):
        body["scale"] = "log"
    written = f", written with {column.reading.options}" if column.reading.options else ""
    return Guess(body, f"{low:g} … {high:g} seen{written}")


def _time(column: ColumnProfile) -> Guess:
    body, form = _named(column, "datetime"), column.time
    reason = "times"
    if form and form.format:
        body["format"] = form.format
        reason = f"times written as {form.format}"
        reason += f"; CHECK: {form.other} fits as well" if form.other else ""
        if form.format in COMPACT:
            reason += f"; CHECK: or {column.distinct} numbers, {column.low:.0f} … {column.high:.0f}"
    return Guess(body, reason)


def _tensor(column: ColumnProfile) -> Guess:
    form = column.array
    shape = list(form.shape) if form else []
    body = {**_named(column, "tensor"), "shape": shape}
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
    """Allow half as many missing values again, never so many that all could be."""
    if column.filled == column.rows:
        return {}
    share = column.null_share
    return {"nulls": math.ceil(1000 * min(share * 1.5 + 0.01, (1 + share) / 2)) / 1000}


def _guess_id(column: ColumnProfile) -> Guess | None:
    """Tell an id: (nearly) as many values as rows, and named or counted like one.

    Numbers with fractions measure something. Whether no value occurs twice is only promised
    where every row was counted.
    """
    is_long = column.long > column.filled / 2
    is_varied = column.distinct > NEARLY_UNIQUE * column.filled and column.filled > LISTED_VALUES
    is_fraction = column.is_numeric and column.filled > column.integers and not is_long
    is_other = is_fraction or column.time or column.reading.options or epoch_format(column)
    if is_other or not (is_varied or is_long):
        return None
    is_counter = column.integers == column.filled and column.is_rising and column.is_unique
    is_code = column.numbers < column.filled and column.words < 1.5
    if not (ID_NAMES.search(column.name) or is_counter or is_code or is_long):
        return None
    body = _named(column, "id")
    if column.is_unique:
        return Guess(body, "differs in every row; never a feature")
    reason = f"{column.distinct} values in {column.filled} rows name them; never a feature"
    return Guess({**body, "unique": False}, reason)


def _ignore(column: ColumnProfile, reason: str) -> Guess:
    return Guess(_named(column, "ignore"), reason)


def _named(column: ColumnProfile, kind: str) -> dict[str, Any]:
    return {"name": column.name, "kind": kind}


def _canonical(column: ColumnProfile) -> list[tuple[str, int]]:
    """Write classes as they are at rest: 1.0 is 1 where all of them are whole."""
    is_whole = column.whole_floats and column.whole_floats + column.integers == column.filled
    counts: dict[str, int] = {}
    for text, count in column.values.items():
        name = text.split(".")[0] if is_whole else text
        counts[name] = counts.get(name, 0) + count
    items = list(counts.items())
    return sorted(items, key=lambda item: float(item[0])) if column.is_numeric else items


def _seen(column: ColumnProfile) -> str:
    values = _canonical(column)
    few = ", ".join(f"{text} ({count})" for text, count in values[:5])
    more = ", …" if column.distinct > 5 else ""
    return f"{column.distinct} values: {few}{more}"
