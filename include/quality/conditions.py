"""Row conditions: the `where` of a quality rule, read from text."""

import re
from collections.abc import Callable
from typing import Any, Final, NamedTuple

from include.errors import did_you_mean
from include.values.times import read_moment

NULLITY: Final = re.compile(r"^\s*(?P<column>.+?)\s+is\s+(?P<negated>not\s+)?null\s*$", re.I)
MEMBERSHIP: Final = re.compile(
    r"^\s*(?P<column>.+?)\s+(?P<negated>not\s+)?in\s*[\[(](?P<values>.*)[\])]\s*$", re.I
)
COMPARISON: Final = re.compile(
    r"^\s*(?P<column>.+?)\s*(?P<operator><=|>=|==|!=|=|<|>)\s*(?P<value>.+)$"
)
OPERATORS: Final = {"=": "=="}


class Where(NamedTuple):
    """One condition on one column; `value` is of the column's type, a tuple for `in`."""

    column: str
    operator: str
    value: Any = None

    def __str__(self) -> str:
        return f"{self.column} {self.operator}{'' if self.value is None else f' {self.value!r}'}"


def parse_where(text: str, kinds: dict[str, str]) -> Where:
    """Read a row condition.

    Args:
        text: `column op value` with op one of == != < <= > >=, `column in [a, b]`,
            `column not in [a, b]`, `column is null` or `column is not null`.
        kinds: Kind of every column that may be named.

    Raises:
        ValueError: The text is no condition, names an unknown column or a wrong value.

    Example:
        >>> parse_where("age >= 18", {"age": "integer"})
        Where(column='age', operator='>=', value=18)
        >>> parse_where("job in [clerk, 'old smith']", {"job": "category"})
        Where(column='job', operator='in', value=('clerk', 'old smith'))
    """
    if match := NULLITY.match(text):
        operator = "is not null" if match["negated"] else "is null"
        return Where(_known(match["column"], kinds), operator)
    if match := MEMBERSHIP.match(text):
        column = _known(match["column"], kinds)
        values = re.findall(r"\s*('[^']*'|\"[^\"]*\"|[^,]+)\s*(?:,|$)", match["values"])
        if not values:
            raise ValueError("expected at least one value between the brackets")
        operator = "not in" if match["negated"] else "in"
        return Where(column, operator, tuple(_read_value(one, kinds[column]) for one in values))
    if match := COMPARISON.match(text):
        column = _known(match["column"], kinds)
        operator = OPERATORS.get(match["operator"], match["operator"])
        return Where(column, operator, _read_value(match["value"], kinds[column]))
    raise ValueError("expected `column op value`, `column in [a, b]` or `column is null`")


def _known(name: str, kinds: dict[str, str]) -> str:
    name = name.strip()
    if name not in kinds:
        raise ValueError(
            f"expected one of the columns {sorted(kinds)[:20]}, not {name!r}."
            f"{did_you_mean(name, kinds)}"
        )
    return name


def _read_value(text: str, kind: str) -> Any:
    text = text.strip()
    if len(text) > 1 and text[0] == text[-1] and text[0] in "'\"":
        text = text[1:-1]
    try:
        return _READERS.get(kind, str)(text)
    except (ValueError, KeyError) as error:
        raise ValueError(f"expected a value of kind {kind}, not {text!r}") from error


def _read_boolean(text: str) -> bool:
    return {"true": True, "false": False}[text.lower()]


def _read_integer(text: str) -> int | float:
    number = float(text)
    return int(number) if number.is_integer() else number


_READERS: Final[dict[str, Callable[[str], Any]]] = {
    "number": float,
    "integer": _read_integer,
    "boolean": _read_boolean,
    "datetime": read_moment,
}
