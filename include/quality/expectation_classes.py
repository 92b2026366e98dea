"""From rules to expectations: classes found by name, arguments judged before any data is read."""

import difflib
import importlib
import inspect
import re
from typing import Any, Final

from include.errors import SpecError
from include.quality import expectations as own_expectations
from include.quality.conditions import Where
from include.quality.gx import (
    BatchExpectation,
    ConditionColumn,
    Expectation,
    ValidationError,
    core_expectations,
)
from include.quality.rules import Rule

# What a rule says by keys of its own.
RESERVED: Final = {
    "row_condition": "write the condition as `where`",
    "condition_parser": "write the condition as `where`",
    "result_format": "it is chosen by the pipeline",
    "catch_exceptions": "exceptions are always reported",
    "meta": "it is used by the pipeline",
}

# Expectations of ours that answer to the name of one of Great Expectations'.
INSTEAD: Final = {"ExpectColumnPairValuesToBeInSet": "ExpectColumnPairValuesToBeInGivenSet"}


def build_expectation(rule: Rule, *, number: int = 0) -> Any:
    """Build the expectation of a rule.

    Args:
        rule: The rule.
        number: Written into the expectation, by which its result is found again.

    Raises:
        SpecError: There is no such expectation, or it does not take these arguments.
    """
    kind = find_class(rule)
    condition = {"row_condition": build_condition(rule.where)} if rule.where else {}
    try:
        return kind(**rule.arguments, **condition, severity=rule.severity, meta={"number": number})
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(str(part) for part in first["loc"] if part != "__root__")
        takes = sorted(set(kind.__fields__) - set(BatchExpectation.__fields__) - set(RESERVED))
        raise SpecError(
            f"{rule.origin}{f'.{key}' if key else ''}: {rule.name} takes {', '.join(takes)}; "
            f"{first['msg']}. Received: {_received(rule, key)}. Correct the entry."
        ) from error
    except (TypeError, ValueError) as error:
        raise SpecError(
            f"{rule.origin}: {rule.name} does not accept its arguments. Received: {error}. "
            "Correct the entry."
        ) from error


def build_condition(where: Where) -> Any:
    """Write a row condition as Great Expectations' own object."""
    column = ConditionColumn(where.column)
    value = where.value
    conditions = {
        "==": lambda: column == value,
        "!=": lambda: column != value,
        "<": lambda: column < value,
        "<=": lambda: column <= value,
        ">": lambda: column > value,
        ">=": lambda: column >= value,
        "in": lambda: column.is_in(list(value)),
        "not in": lambda: column.is_not_in(list(value)),
        "is null": column.is_null,
        "is not null": column.is_not_null,
    }
    return conditions[where.operator]()


def find_class(rule: Rule) -> Any:
    """Return the class of a rule's expectation.

    Raises:
        SpecError: There is none.
    """
    if "." in rule.expect:
        return _import_class(rule)
    name = "".join(part.capitalize() for part in rule.expect.split("_"))
    name = INSTEAD.get(name, name)
    for home in (core_expectations, own_expectations):
        kind = getattr(home, name, None)
        if inspect.isclass(kind) and issubclass(kind, Expectation):
            return kind
    raise SpecError(
        f"{rule.origin}.expect: expected the name of an expectation or the dotted path of a class. "
        f"Received: {rule.expect!r}{_nearest(rule.expect)}. "
        "See https://greatexpectations.io/expectations."
    )


def _import_class(rule: Rule) -> Any:
    module, _, name = rule.expect.rpartition(".")
    try:
        kind = getattr(importlib.import_module(module), name)
    except (ImportError, AttributeError) as error:
        raise SpecError(
            f"{rule.origin}.expect: expected an importable class. Received: {rule.expect!r} "
            f"({error}). Put its module on PYTHONPATH."
        ) from error
    if not (inspect.isclass(kind) and issubclass(kind, Expectation)):
        raise SpecError(
            f"{rule.origin}.expect: expected a subclass of great_expectations' Expectation. "
            f"Received: {rule.expect!r}. Derive it from ColumnMapExpectation or a core expectation."
        )
    return kind


def _nearest(name: str) -> str:
    known = [
        re.sub(r"(?<!^)(?=[A-Z])", "_", each).lower()
        for home in (core_expectations, own_expectations)
        for each in dir(home)
        if each.startswith("Expect")
    ]
    close = difflib.get_close_matches(name, known, n=2, cutoff=0.7)
    return f" (did you mean {' or '.join(close)}?)" if close else ""


def _received(rule: Rule, key: str) -> str:
    value = rule.arguments.get(key.partition(".")[0], "nothing") if key else dict(rule.arguments)
    text = repr(value)
    return text if len(text) <= 120 else f"{text[:117]}..."
