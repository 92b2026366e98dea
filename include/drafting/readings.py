"""How each column's texts are read: marks of missing values, spellings, and what fits none."""

import re
from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple

import duckdb

from include.drafting.counting import BOOLEANS
from include.drafting.marks import FITS, FREQUENT, ONLY_AMONG_NUMBERS, TOTAL, WORDS
from include.drafting.names import CODE_NAMES, names_things
from include.drafting.spelling import find_spelling
from include.drafting.text_copy import CopiedColumn
from include.drafting.tracking import TextCounts, TimeForm
from include.values.duck import quote_name, quote_text
from include.values.numerals import ALIKE
from include.values.showing import list_few, shorten

CHUNK: Final = 32
MAX_EXAMINED: Final = 20_000
# A text among numbers that stands there so often means something: that there is no number.
REPEATED: Final = 3
# Values that a contract can list, for a line of totals not to be one of them.
MAX_NAMED: Final = 100


class ColumnReading(NamedTuple):
    """How the texts of one column are read.

    Attributes:
        missing: Texts that mean a missing value here, with their rows.
        doubtful: Those among them that may be values: repeated texts, far numbers.
        kept: Marks that are values here, with their rows.
        options: How its numbers are written.
        check: What speaks against that.
        misfits: The kind whose cells are to be tried one by one: some do not fit it.
        is_required: Whether a row without a value does not fit.
        written: Numbers in a spelling of their own as they are written, in order.
    """

    missing: dict[str, int]
    doubtful: dict[str, int]
    kept: dict[str, int]
    options: dict[str, str]
    check: str = ""
    misfits: str = ""
    is_required: bool = False
    written: tuple[str, ...] = ()


def read_columns(
    duck: duckdb.DuckDBPyConnection, table: str, columns: Sequence[CopiedColumn], target: str
) -> dict[str, ColumnReading]:
    """Find the reading of every column, by its key."""
    return {
        column.key: _read_column(duck, table, column, column.counts, column.name == target)
        for column in columns
    }


def express(key: str, reading: ColumnReading) -> str:
    """Write in SQL what a column's text is: null where missing, a plain number where it is one."""
    value = quote_name(key)
    options = reading.options
    plain = value
    if options:
        marks, plain_marks = quote_text("".join(ALIKE)), quote_text("".join(ALIKE.values()))
        plain = f"translate({value}, {marks}, {plain_marks})"
    for mark in (options.get("unit"), options.get("thousands")):
        if mark:
            plain = f"replace({plain}, {quote_text(mark)}, '')"
    if options.get("decimal"):
        plain = f"replace({plain}, {quote_text(options['decimal'])}, '.')"
    plain = f"replace({plain}, ' ', '')" if options else plain
    if not reading.missing:
        return plain
    marks = ", ".join(quote_text(mark) for mark in reading.missing)
    return f"CASE WHEN {value} IN ({marks}) THEN NULL ELSE {plain} END"


def _read_column(
    duck: duckdb.DuckDBPyConnection,
    table: str,
    column: CopiedColumn,
    counts: TextCounts,
    is_target: bool,
) -> ColumnReading:
    others = counts.filled - sum(counts.marks.values())
    fractions = counts.numbers - counts.integers
    is_plain = others == counts.numbers and not (counts.dotted == fractions > 0)
    if column.time and not is_plain:
        return _read_times(column.time, counts, is_target=is_target)
    if is_plain or column.array or column.is_nested or not others:
        is_text = column.is_nested or not counts.numbers
        return _with_marks(counts, is_text=is_text and not column.array, is_target=is_target)
    v = quote_name(column.key)
    rows = duck.execute(
        f"SELECT {v}, count(*) FROM {table} WHERE {v} IS NOT NULL GROUP BY 1 "
        f"ORDER BY 2 DESC, 1 LIMIT {MAX_EXAMINED}"
    ).fetchall()
    values = {str(text): int(count) for text, count in rows if text not in counts.marks}
    spelling = find_spelling(values)
    if spelling is None:
        return _read_texts(counts, values, is_target)
    unfit = {text: count for text, count in values.items() if text not in spelling.fitting}
    is_code = names_things(column.name) or CODE_NAMES.search(column.name)
    if is_code and any(re.search(r"\d", text) for text in unfit):
        # Of names such as 207 and 207a none is missing.
        return _read_texts(counts, values, is_target)
    reading = _with_marks(counts, is_text=False, is_target=is_target)
    repeated = {text: count for text, count in unfit.items() if count >= REPEATED}
    return reading._replace(
        missing={**reading.missing, **repeated},
        doubtful=repeated,
        options=spelling.options,
        check=spelling.check,
        misfits="number" if len(unfit) > len(repeated) else "",
        written=tuple(sorted(spelling.fitting)) if spelling.options else (),
    )


def _read_times(time: TimeForm, counts: TextCounts, *, is_target: bool) -> ColumnReading:
    """Read times; where they order the rows, one of the few rows without a time fits nowhere."""
    reading = _with_marks(counts, is_text=False, is_target=is_target)
    missing = counts.rows - counts.filled + sum(counts.marks.values())
    is_required = time.is_ordered and 0 < missing <= (1 - FITS) * counts.rows
    return reading._replace(misfits="time", is_required=is_required)


def _read_texts(counts: TextCounts, values: Mapping[str, int], is_target: bool) -> ColumnReading:
    opposites = {text: count for text, count in values.items() if text.lower() in BOOLEANS}
    unfit = {text: count for text, count in values.items() if text not in opposites}
    rows = sum(values.values())
    is_boolean = (
        not is_target
        and len({text.lower() for text in opposites}) == 2
        and sum(opposites.values()) >= FITS * rows
        and max(unfit.values(), default=REPEATED) < REPEATED
    )
    reading = _with_marks(counts, is_text=not is_boolean, is_target=is_target)
    if is_boolean:
        return reading._replace(misfits="boolean")
    reading = reading._replace(check=_doubt_code(reading.missing, values))
    totals = {text: count for text, count in values.items() if re.match(TOTAL, text)}
    is_few = 0 < sum(totals.values()) <= (1 - FITS) * rows and len(values) <= MAX_NAMED
    return reading._replace(misfits="total") if is_few else reading


def _doubt_code(missing: Mapping[str, int], values: Mapping[str, int]) -> str:
    """Doubt a mark that looks like all other values: among codes of countries NA is Namibia."""
    forms = {(len(text), text.isalpha() and text.isupper()) for text in values}
    mark = next((one for one in missing if one.isupper() and forms == {(len(one), True)}), None)
    if mark is None:
        return ""
    return (
        f"CHECK: {mark!r} in {missing[mark]} rows is taken for missing, but looks like all other "
        'values; with `missing: [""]` it is one'
    )


def _with_marks(counts: TextCounts, *, is_text: bool, is_target: bool) -> ColumnReading:
    """Say which marks are missing values: words that are frequent in texts may be values."""
    kept = {}
    for mark, count in counts.marks.items():
        is_word = mark in WORDS and (is_target or count >= FREQUENT * counts.filled)
        if is_text and (mark in ONLY_AMONG_NUMBERS or is_word):
            kept[mark] = count
    missing = {mark: count for mark, count in counts.marks.items() if mark not in kept}
    # A class may be called `nan`: what drops rows of the target is never taken for granted.
    doubtful = missing if is_text and is_target else {}
    return ColumnReading(missing, dict(doubtful), kept, {})


class Misfits(NamedTuple):
    """Values that do not fit their column's kind: how many, the first of them, lines, texts."""

    rows: int
    shown: str
    lines: Any
    texts: tuple[str, ...]


def show_misfits(found: list[tuple[int, str]]) -> Misfits:
    """Name the first of the lines with what they hold."""
    few = list_few([f"line {line}: {shorten(text, 30)}" for line, text in found])
    texts = dict.fromkeys(text for _, text in found if text)
    return Misfits(len(found), few, [line for line, _ in found], tuple(texts))
