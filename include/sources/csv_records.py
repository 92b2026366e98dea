"""One record of a CSV file, read with care: for the lines that the fast scan cannot vouch for."""

import re
from typing import NamedTuple


class Dialect(NamedTuple):
    """How fields are written."""

    separator: str
    quote: str
    trim: bool


class RecordError(Exception):
    """A record that does not follow the rules of the format.

    Attributes:
        rule: Short name of the rule it breaks.
        reason: What was expected and received, without any value of the record.
    """

    def __init__(self, rule: str, reason: str) -> None:
        super().__init__(reason)
        self.rule = rule
        self.reason = reason


def parse_record(text: str, dialect: Dialect) -> list[str]:
    """Split one record into its fields.

    A field may be quoted as a whole, with quotes inside it doubled. Everything else with a quote
    in it is an error rather than a guess.

    Raises:
        RecordError: A quote is not closed, is followed by text, or stands in an unquoted field.

    Example:
        >>> parse_record("1,'a, ''b'' c',", Dialect(",", "'", True))
        ['1', "a, 'b' c", '']
    """
    fields: list[str] = []
    position = 0
    quoted = _quoted_field(dialect) if dialect.quote else None
    while True:
        match = quoted.match(text, position) if quoted else None
        if match is not None:
            fields.append(match[1].replace(dialect.quote * 2, dialect.quote))
            end = match.end()
        else:
            end = text.find(dialect.separator, position)
            end = len(text) if end < 0 else end
            field = text[position:end]
            _check_no_quote(field, dialect, len(fields) + 1)
            fields.append(field)
        if end >= len(text):
            return fields
        position = end + len(dialect.separator)


def check_field_count(fields: list[str], expected: int) -> None:
    """Refuse a record with more or fewer fields than there are columns.

    Raises:
        RecordError: The number differs.
    """
    if len(fields) != expected:
        rule = "extra_fields" if len(fields) > expected else "missing_fields"
        raise RecordError(rule, f"expected {expected} fields, received {len(fields)}")


def write_record(fields: list[str], separator: str, quote: str) -> bytes:
    """Write a record so that any reader of the format reads the same fields again.

    Raises:
        RecordError: Without a quote character, a field holds a separator or a line end.
    """
    if quote:
        cells = [f"{quote}{field.replace(quote, quote * 2)}{quote}" for field in fields]
    else:
        cells = fields
        if any(char in field for field in fields for char in (separator, "\n", "\r")):
            raise RecordError("line_end", "a line end inside a field, and no quote character")
    return (separator.join(cells) + "\n").encode()


def _quoted_field(dialect: Dialect) -> re.Pattern[str]:
    quote, separator = re.escape(dialect.quote), re.escape(dialect.separator)
    other = f"[^{quote}]*"
    blank = "[ \t]*" if dialect.trim and not dialect.separator.isspace() else ""
    return re.compile(
        f"{blank}{quote}({other}(?:{quote}{quote}{other})*){quote}{blank}(?={separator}|\\Z)"
    )


def _check_no_quote(field: str, dialect: Dialect, number: int) -> None:
    if not dialect.quote or dialect.quote not in field:
        return
    start = field.lstrip(" \t") if dialect.trim else field
    if not start.startswith(dialect.quote):
        raise RecordError("bad_quote", f"a quote inside field {number}, which is not quoted")
    raise RecordError(
        "bad_quote", f"the quote that opens field {number} is not closed before its separator"
    )
