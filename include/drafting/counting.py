"""What is counted of a column's texts: what could each value be?"""

from collections.abc import Mapping, Sequence
from typing import Final

from include.values.casts import NUMBER
from include.values.duck import quote_text

NUMERIC: Final = f"^{NUMBER.pattern}$"
SHORTENED: Final = r"^[0-9](\.[0-9]+)?E\+[0-9]{2}$"
INTEGER: Final = r"^[+-]?[0-9]+$"
DOTTED: Final = r"^[+-]?[1-9]\d{0,2}(\.\d{3})+$"
EMAIL: Final = r"[^@\s]+@[^@\s]+\.[A-Za-z]{2,}"
DIALLED: Final = r"^\+?[0-9(][0-9 ()/.-]{5,18}[0-9]$"
# A country code, a leading zero or the American groups: other digits with marks may be anything.
PHONE: Final = (
    r"^(\+[0-9 ()/.-]{6,18}[0-9]|\(?0[0-9()]*[ /.-][0-9 ()/.-]{4,16}[0-9]"
    r"|\(?[0-9]{3}\)?[ .-]{1,2}[0-9]{3}[ .-][0-9]{4})$"
)
DAY: Final = r"^[0-9]{1,4}[-/. ][0-9]{1,2}[-/. ][0-9]{1,4}([ T].*)?$"
ADDRESS: Final = r"^([0-9]{1,3}\.){3}[0-9]{1,3}$|^([0-9A-Fa-f]{1,4}:){3,7}[0-9A-Fa-f:]*$"
TITLE: Final = r"(^|[ ,])(Mr|Mrs|Ms|Miss|Dr|Prof|Herr|Frau|Mme|Sr|Sra)\.? "
CAPITALS: Final = r"^\p{Lu}[\p{L}'\x{2019}-]*\d*([ ,.]+\p{Lu}[\p{L}'\x{2019}-]*\.?\d*){0,5}$"
CLOCK: Final = r"^[+-]?(\d+ days?,? )?\d{1,3}:\d{2}(:\d{2}([.,]\d+)?)?$"
# As ISO 8601 writes durations: PT5M30S, P3DT4H.
DURATION: Final = r"^-?P((\d+[YMWD])+(T(\d+([.,]\d+)?[HMS])+)?|T(\d+([.,]\d+)?[HMS])+)$"
# Lists and objects as JSON and Python write them.
WRAPPED: Final = r"(?s)^\s*(\[\s*(|['\"{\[].*|-?[\d.]+(\s*,.*)?)\]|\{.*:.*\}|\{\})\s*$"
# As numbers and times are written, in whatever unit, mark and order.
QUANTITY: Final = (
    r"^[(<>=~\x{2248}+\x{2212}'\"\s-]*([A-Z]{3}\s|[A-Z]{0,2}\p{Sc})?\s*[(+-]?\p{Nd}[\p{Nd}.,'\s\x{a0}\x{202f}\x{2019}]*"
    r"(\s*[%\x{2030}\x{b0}\p{Sc}\p{L}][\p{L}\x{b2}\x{b3}/]{0,7}\d?)?(\s*\d+\s*[\p{L}'\"\x{2032}\x{2033}]{1,4})*"
    # Readings of two numbers: 120/80, 12 ± 0.5, 1920x1080.
    r"(\s*[/\x{b1}\x{d7}x]\s*[\p{Nd}.,]+)?\s*[)\"\x{2212}-]?\s*$"
)
# Prices by the month, ratings out of five, so many or more; a pattern of its own, for one that is
# larger is ten times as slow.
RATE: Final = (
    r"^([A-Z]{0,2}\p{Sc}\s?)?[0-9][0-9.,]*"
    r"(\s?(/|per )\s?[A-Za-z]{1,8}\.?|\+|\s(out )?of\s[0-9]{1,3}(\s[A-Za-z]{1,8})?)$"
)
ORDINAL: Final = "(st|nd|rd|th)?"
DATED: Final = (
    rf"^\D{{0,12}}\d{{1,4}}{ORDINAL}[-/._ ]+(\d{{1,2}}|\p{{L}}{{3,10}})[-/.,_ ]+\d{{2,4}}\b"
    rf"|^\p{{L}}{{3,10}}[,. ]+(\p{{L}}{{3,10}} )?\d{{1,2}}{ORDINAL}\b.*\b\d{{4}}\b"
    # Quarters, halves and weeks: 2023Q1, FY23-Q1, Q1 2023, 2023-W05; seasons: 2019/20.
    r"|^(FY ?)?'?\d{2,4}[- /]?[QWHqwh]\d{1,2}$|^[QWHqwh]\d{1,2}[- /,]*(FY ?)?'?\d{2,4}$"
    r"|^(1[5-9]|20)\d{2}(/\d{2}|[-/](1[5-9]|20)\d{2})$|^/Date\(-?\d+"
    # Months with their year in other languages.
    r"|^(?i:jan|feb|f[eé]v|m[aä]r|maa|mei|mai|mag|ma[yi]|a[pvb]r|ju[nil]|gi?u|lug|a[ugo]{2}|set|sep|"
    r"o[kct]t|out|nov|de[czs]|dic|d[eé]c|ene)\p{L}*\.?[-/ ]+'?\d{2,4}$"
)
BOOLEANS: Final = ("true", "false", "yes", "no", "t", "f", "y", "n")
BOOLEAN_TEXTS: Final = f"({', '.join(quote_text(text) for text in BOOLEANS)})"


def _matches(pattern: str) -> str:
    # Braces of a pattern are none of the template's.
    braced = quote_text(pattern).replace("{", "{{").replace("}", "}}")
    return f"regexp_matches({{v}}, {braced})"


def _other() -> str:
    return f"NOT {_matches(f'{DAY}|{ADDRESS}')}"


# SQL conditions in which {v} is the value, {n} the finite number that it is; what numbers are is
# what ingest reads as such.
NUMBERS: Final = {
    "integers": _matches(r"^[+-]?[0-9]{1,18}$"),
    "numbers": f"{_matches(NUMERIC)} AND {{n}} IS NOT NULL",
    "zeros": _matches(r"^[+-]?0[0-9]+$"),
    "long": _matches(r"^[+-]?[0-9]{16,}$"),
    "whole_floats": _matches(r"^[+-]?[0-9]+\.0+$"),
    # As spreadsheets write long numbers; few texts have the letters at all.
    "powers": f"contains({{v}}, 'E+') AND {_matches(SHORTENED)}",
}
# Asked of columns only that hold other texts than numbers.
TEXTS: Final = {
    "booleans": f"lower({{v}}) IN {BOOLEAN_TEXTS}",
    "emails": _matches(EMAIL),
    "phones": f"{_matches(PHONE)} AND {_other()}",
    "dialled": f"{_matches(DIALLED)} AND {_other()}",
    "addresses": _matches(ADDRESS),
    "titles": _matches(TITLE),
    "capitals": _matches(CAPITALS),
    "lettered": _matches(r"\p{L}"),
    "digitless": f"NOT {_matches(r'[0-9]')}",
    "clocks": _matches(f"{CLOCK}|{DURATION}"),
    "quantities": f"{_matches(QUANTITY)} OR {_matches(RATE)}",
    "wrapped": _matches(WRAPPED),
    "dated": f"{_matches(DATED)} AND NOT {_matches(ADDRESS)}",
}
MEASURES: Final = (
    "count(*)",
    "count({v})",
    "approx_count_distinct({v})",
    "min({n})",
    "max({n})",
    "avg({n})",
    "coalesce(min(length({v})), 0)",
)
# Numbers are one.
WORDS: Final = "length({v}) - length(replace({v}, ' ', '')) + 1"


def count_values(values: Sequence[str], conditions: Sequence[Mapping[str, str]], table: str) -> str:
    """Write the query that counts columns: of each `MEASURES`, then the conditions in order.

    Args:
        values: The columns' values in SQL.
        conditions: Of each column entries of `NUMBERS`.
        table: Where they stand.
    """
    read, selected = [], []
    for place, (value, asked) in enumerate(zip(values, conditions, strict=True)):
        v, n, number = f"v{place}", f"n{place}", f"TRY_CAST({value} AS DOUBLE)"
        # Filters of aggregates take three times as long as a number that is null.
        read.append(f"{value} AS {v}, CASE WHEN isfinite({number}) THEN {number} END AS {n}")
        selected += [measure.format(v=v, n=n) for measure in MEASURES]
        selected += [f"count_if({one.format(v=v, n=n)})" for one in asked.values()]
    return f"SELECT {', '.join(selected)} FROM (SELECT {', '.join(read)} FROM {table})"


def list_texts(values: Sequence[str], table: str) -> str:
    """Write the query for every text of columns: the column's place, the text and its rows.

    Args:
        values: The columns' values in SQL.
        table: Where they stand.
    """
    return " UNION ALL ".join(
        f"SELECT {place} AS place, {value} AS v, count(*) AS rows FROM {table} GROUP BY v"
        for place, value in enumerate(values)
    )


def count_texts(table: str) -> str:
    """Write the query for `WORDS` and `TEXTS` of columns, a row for each in their order.

    Args:
        table: What `list_texts` gave, as a table: each part of a union would compile every
            pattern again, which takes longer than to match it.
    """
    asked = (f"coalesce(sum(rows) FILTER ({one.format(v='v')}), 0)" for one in TEXTS.values())
    words = f"coalesce(sum(rows * ({WORDS.format(v='v')})) / sum(rows) FILTER (v IS NOT NULL), 0)"
    return f"SELECT {words}, {', '.join(asked)} FROM {table} GROUP BY place ORDER BY place"


def ask_of_numbers(*, has_integers: bool, has_fractions: bool) -> dict[str, str]:
    """Write what is asked of a column of plain numbers: only what may be so, for that is dear."""
    asked = {**NUMBERS, "numbers": "{n} IS NOT NULL"}
    if not has_integers:
        asked |= dict.fromkeys(("integers", "zeros", "long"), "false")
    return asked if has_fractions else {**asked, "whole_floats": "false", "powers": "false"}
