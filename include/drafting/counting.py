"""What is counted of a column's texts, all in one query: what could each value be?"""

from typing import Final

from include.values.duck import quote_text

NUMERIC: Final = r"^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$"
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
COMMA: Final = r"^[+-]?(\d+|\d{1,3}(\.\d{3})+),\d+$"
THOUSANDS: Final = r"^[+-]?\d{1,3}(,\d{3})+$"
UNIT: Final = r"^[+-]?[$€£¥]?\s?[+-]?(\d+|\d{1,3}(,\d{3})+|\d{1,3}(\.\d{3})+)([.,]\d+)?\s?[%$€£¥]?$"
BOOLEANS: Final = "('true','false','yes','no','t','f','y','n')"

PATTERNS: Final = {
    "number": NUMERIC,
    "email": EMAIL,
    "phone": PHONE,
    "dialled": DIALLED,
    "address": ADDRESS,
    "title": TITLE,
    "capitals": CAPITALS,
    "comma": COMMA,
    "thousands": THOUSANDS,
    "unit": UNIT,
}
# SQL conditions in which {v} is the value; what numbers are is what ingest reads as such.
COUNTED: Final = {
    "integers": "regexp_full_match({v}, '[+-]?[0-9]{{1,18}}')",
    "numbers": "regexp_matches({v}, {number}) AND isfinite(TRY_CAST({v} AS DOUBLE))",
    "booleans": f"lower({{v}}) IN {BOOLEANS}",
    "emails": "regexp_matches({v}, {email})",
    "phones": "regexp_matches({v}, {phone}) AND {is_other}",
    "dialled": "regexp_matches({v}, {dialled}) AND {is_other}",
    "addresses": "regexp_matches({v}, {address})",
    "titles": "regexp_matches({v}, {title})",
    "capitals": "regexp_matches({v}, {capitals})",
    "lettered": r"regexp_matches({v}, '\p{{L}}')",
    "commas": "regexp_matches({v}, {comma})",
    "thousands": "regexp_matches({v}, {thousands})",
    "units": "regexp_matches({v}, {unit})",
}


def count_values(value: str, table: str) -> str:
    """Write the query over one column.

    Args:
        value: The column, quoted.
        table: Where it lies.

    Returns:
        SQL for one row: rows, filled, distinct (estimated), the entries of `COUNTED` in order,
        smallest and largest number, length of the shortest text, words on average.
    """
    number = f"TRY_CAST({value} AS DOUBLE)"
    patterns = {name: quote_text(pattern) for name, pattern in PATTERNS.items()}
    other = f"NOT regexp_matches({value}, {quote_text(f'{DAY}|{ADDRESS}')})"
    counts = ", ".join(
        f"count(*) FILTER ({condition.format(v=value, is_other=other, **patterns)})"
        for condition in COUNTED.values()
    )
    return f"""
        SELECT count(*), count({value}), approx_count_distinct({value}), {counts},
               min({number}) FILTER (isfinite({number})),
               max({number}) FILTER (isfinite({number})),
               coalesce(min(length({value})), 0),
               coalesce(avg(length({value}) - length(replace({value}, ' ', '')) + 1), 0)
        FROM {table}"""
