"""From a profile to a contract: what each column probably is, and why we think so."""

import math
from collections.abc import Collection, Mapping
from typing import Final

from include.drafting.kinds import (
    MAX_CATEGORIES,
    Guess,
    canonical_values,
    find_unread,
    guess_epoch,
    guess_number,
    guess_tensor,
    guess_values,
    name_kind,
    show_doubts,
    show_shortened,
    show_values,
)
from include.drafting.moments import epoch_format
from include.drafting.names import CODE_NAMES, ID_NAMES, names_things
from include.drafting.order import Hints, RowOrder
from include.drafting.personal import find_personal
from include.drafting.profile import ColumnProfile, FileProfile
from include.drafting.rare_class import ROWS_PER_CLASS, describe_rare_class
from include.drafting.sheets import find_joined_cells, show_old_split
from include.drafting.things import MIN_THINGS, hint_at_things, repeats_things

MAX_CLASSES: Final = 100
LISTED_VALUES: Final = 20
NEARLY_UNIQUE: Final = 0.9
MIN_FILLED: Final = 0.01


def guess_task(target: ColumnProfile, hints: Hints) -> tuple[str, str]:
    """Tell classification from regression by what the target holds, and what is doubtful in it."""
    if hints.task:
        return hints.task, ""
    if not target.is_numeric or target.zeros:
        return "classification", ""
    distinct = len(canonical_values(target)) or target.distinct
    if distinct <= 2:
        return "classification", ""
    if distinct <= min(LISTED_VALUES, target.filled / 2):
        check = f"CHECK: {distinct} different numbers: classes, or --task regression"
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
    is_dense = target.high - target.low + 1 == target.distinct <= MAX_CLASSES
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
    guesses, joined = [], find_joined_cells(profile)
    if order.parts:
        body = {"name": "time", "kind": "datetime", "from_parts": list(order.parts)}
        guesses.append(Guess(body, f"made of {', '.join(order.parts)}"))
    missing_elsewhere = {
        text for one in profile.columns if one.name != target for text in one.reading.doubtful
    }
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
        elif column.name == order.time and not column.time:
            guess = guess_epoch(column, is_asked=True) or guess_number(column)
            guess.column.pop("max", None)  # time goes on
        else:
            guess = _guess_feature(column)
            if column.name in joined:
                guess = guess._replace(reason=f"{guess.reason}; {joined[column.name]}")
        guesses.append(_finish(column, guess, missing_elsewhere))
    return _keep_a_feature(profile, guesses, target)


def _finish(
    column: ColumnProfile, guess: Guess, missing_elsewhere: Collection[str] = frozenset()
) -> Guess:
    """Add what is common to all kinds: marks of missing values, and the cells that do not fit."""
    if guess.column["kind"] == "ignore" or "private" in guess.column:
        return guess
    body, reading, reasons = dict(guess.column), column.reading, [guess.reason]
    alike = {text: count for text, count in column.values.items() if text in missing_elsewhere}
    kept = {**reading.kept, **alike} if guess.column["kind"] == "category" else reading.kept
    if kept or reading.doubtful:
        body["missing"] = ["", *reading.missing]
    if kept:
        listed = ", ".join(f"{text!r} in {count}" for text, count in kept.items())
        where = ", though missing among the numbers of other columns" if alike else ""
        reasons.append(
            f"CHECK: {listed} of {column.rows} rows is a value here{where}; if it means missing, "
            "put it into `missing`"
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
        if body["kind"] == "id":
            # An id may be any text: with none of these, it has none.
            body["missing"] = ["", *reading.missing, *column.misfits.texts]
        elif reading.misfits == "total" and column.name and "values" not in body:
            body["values"] = [*column.values]
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
        number = _finish(column, guess_number(column))
        reason = f"{number.reason}; CHECK: the only column to learn from"
        kept.append(Guess(number.column, reason))
    return kept


def _guess_target(column: ColumnProfile, hints: Hints) -> Guess:
    task, check = guess_task(column, hints)
    if task == "regression":
        guess = guess_number(column)
        if guess.column.get("scale"):
            guess = guess._replace(reason=f"{guess.reason}; long-tailed: learned as a logarithm")
        return guess._replace(reason=f"the target; {guess.reason}")
    body = name_kind(column, "category")
    if column.values and column.distinct <= MAX_CLASSES:
        # Classes are texts: numbers in a spelling of their own stay as they are written.
        written = column.reading.written
        body["values"] = list(written) or [text for text, _ in canonical_values(column)]
    reasons = ["the target", show_values(column), check, _warn_of_few(column)]
    reasons += show_doubts(column)
    return Guess(body, "; ".join(reason for reason in reasons if reason))


def _warn_of_few(column: ColumnProfile) -> str:
    few = min(column.values.values(), default=ROWS_PER_CLASS)
    said = f"CHECK: the rarest class has {few} rows" if few < ROWS_PER_CLASS else ""
    return describe_rare_class(column) or said


def _guess_feature(column: ColumnProfile) -> Guess:
    if column.filled and column.array:
        return guess_tensor(column)
    useless = _find_useless(column)
    if useless:
        return _ignore(column, useless)
    personal = find_personal(column)
    if personal:
        body = {**name_kind(column, "text"), **_nulls(column), "private": "drop"}
        reason = f"PERSONAL? {personal}; dropped at ingest (mask and hash are possible)"
        if MIN_THINGS < column.distinct <= column.filled / 2 and not column.time:
            reason += (
                f"; CHECK: {column.distinct} in {column.filled} rows: if persons come again, make "
                "it an `id` with `private: hash`, and split by `group`"
            )
        return Guess(body, reason)
    if repeats_things(column):
        return _name_of_things(column, is_group=True)
    guess = _guess_id(column) or guess_values(column)
    is_told = not guess.is_feature or find_unread(column)
    hint = "" if is_told else hint_at_things(column) or _hint_at_names(column)
    return guess._replace(reason=f"{guess.reason}; {hint}") if hint else guess


def _find_useless(column: ColumnProfile) -> str:
    if 0 < column.filled < MIN_FILLED * column.rows:
        return f"nearly empty: {column.filled} of {column.rows} rows have a value"
    if column.distinct == 1 and column.filled < column.rows:
        only = next(iter(column.values), "a value")
        return (
            f"{only!r} in {column.filled} of {column.rows} rows, else nothing; CHECK: if nothing "
            "means no, write it, and this is a feature"
        )
    if column.distinct <= 1:
        return "the same in every row" if column.filled else "empty in every row"
    if column.is_nested:
        return "CHECK: objects, or lists that differ in shape: spread them over columns"
    if column.clocks == column.filled:
        return (
            "CHECK: durations or times of day, which are not read: write them as seconds, or as "
            "full times, then make this a number or datetime"
        )
    return show_old_split(column)


def _name_of_things(column: ColumnProfile, *, is_group: bool) -> Guess:
    if is_group:
        reason = f"names {column.distinct} things in {column.filled} rows; never a feature"
        return Guess({**name_kind(column, "id"), "unique": False}, reason)
    body = name_kind(column, "category")
    if column.distinct > MAX_CATEGORIES:
        body["encode"] = "hash"
    return Guess(body, f"names the series: {show_values(column)}")


def _guess_id(column: ColumnProfile) -> Guess | None:
    """Tell an id: (nearly) as many values as rows, and named or counted like one.

    Numbers with fractions measure something. Whether no value occurs twice is only promised
    where every row was counted.
    """
    is_named = names_things(column.name) or CODE_NAMES.search(column.name)
    if column.is_numeric and column.powers and is_named:
        return Guess({**name_kind(column, "id"), "unique": False}, show_shortened(column))
    is_long = column.long > column.filled / 2
    is_varied = column.distinct > NEARLY_UNIQUE * column.filled and column.filled > LISTED_VALUES
    is_fraction = column.is_numeric and column.filled > column.integers and not is_long
    is_other = is_fraction or column.time or column.reading.options or epoch_format(column)
    if is_other or not (is_varied or is_long):
        return None
    is_counter = column.integers == column.filled and column.is_rising and column.is_unique
    is_code = (column.numbers < column.filled and column.words < 1.5) or column.zeros > 0
    if not (ID_NAMES.search(column.name) or is_counter or is_code or is_long):
        return None
    body = name_kind(column, "id")
    if column.is_unique:
        return Guess(body, f"differs in every row; never a feature{find_unread(column)}")
    reason = (
        f"{column.distinct} values in {column.filled} rows name them; never a feature"
        f"{find_unread(column)}"
    )
    more = column.filled - column.distinct if column.is_distinct_exact else 0
    if names_things(column.name) and more:
        reason += (
            f"; CHECK: {more} rows more than names: if things come again, `--group` {column.name} "
            "keeps each in one part"
        )
    return Guess({**body, "unique": False}, reason)


def _hint_at_names(column: ColumnProfile) -> str:
    """Point out whole numbers without a gap, each of them in one row, in no order."""
    low, high = column.low or 0.0, column.high or 0.0
    is_run = column.is_unique and column.whole == column.rows == high - low + 1
    if not is_run or column.time or column.rows <= LISTED_VALUES:
        return ""
    return f"CHECK: each number from {low:g} to {high:g} once: if they name rows, make it an `id`"


def _nulls(column: ColumnProfile) -> dict[str, float]:
    """Allow half as many missing values again, never so many that all could be."""
    if column.filled == column.rows:
        return {}
    share = column.null_share
    return {"nulls": math.ceil(1000 * min(share * 1.5 + 0.01, (1 + share) / 2)) / 1000}


def _ignore(column: ColumnProfile, reason: str) -> Guess:
    return Guess(name_kind(column, "ignore"), reason)
