"""From a spec to the rules of a suite, and from rules to expectations.

What Great Expectations would only find while it validates (unknown names, wrong arguments,
columns that are not there) is found here first and blamed on the key of the spec.
"""

import importlib
import inspect
import re
from typing import Any, Final

from include.errors import SpecError
from include.quality import expectations as own_expectations
from include.quality.conditions import Where, parse_where, read_datetime
from include.quality.contract import contract_rules
from include.quality.gx import (
    BatchExpectation,
    ConditionColumn,
    Expectation,
    ValidationError,
    core_expectations,
)
from include.quality.rules import Rule, Suite, column_kinds, private_columns
from include.specs import PipelineSpec
from include.specs.pipeline import QualityRule

# What a rule says by keys of its own.
RESERVED: Final = {
    "row_condition": "write the condition as `where`",
    "condition_parser": "write the condition as `where`",
    "result_format": "it is chosen by the pipeline",
    "catch_exceptions": "exceptions are always reported",
    "meta": "it is used by the pipeline",
}
TEXT_KINDS: Final = frozenset({"category", "text", "id"})


def build_suite(spec: PipelineSpec, suite: Suite) -> tuple[Rule, ...]:
    """Return all rules of a suite: the contract's, then those under `quality`.

    Args:
        spec: The pipeline.
        suite: training, or scoring, where rules that need the target are left out.

    Raises:
        SpecError: An entry under `quality` cannot be understood; the message names its key.
    """
    rules = [*contract_rules(spec, suite)]
    for place, entry in enumerate(spec.quality):
        rule = _read_entry(spec, entry, f"quality.{place}")
        build_expectation(rule)
        if suite == "training" or spec.target.column not in rule.columns:
            rules.append(rule)
    return tuple(rules)


def check_rules(spec: PipelineSpec) -> None:
    """Check the contract and the `quality` entries of a spec without any data.

    Raises:
        SpecError: An entry cannot be understood; the message names its key.
    """
    for column in spec.columns:
        for bound in (column.min, column.max) if column.kind == "datetime" else ():
            _check_time(column.name, bound)
    build_suite(spec, "training")


def _check_time(name: str, bound: str | None) -> None:
    try:
        read_datetime(bound or "2024-01-31")
    except ValueError as error:
        raise SpecError(
            f"columns.{name}: expected min and max as ISO 8601 times. Received: {bound!r}. "
            "Write them as 2024-01-31 or 2024-01-31T12:00."
        ) from error


def build_expectation(rule: Rule, *, number: int = 0) -> Any:
    """Build the expectation of a rule.

    Args:
        rule: The rule.
        number: Written into the expectation, by which its result is found again.

    Raises:
        SpecError: There is no such expectation, or it does not take these arguments.
    """
    kind = _find_class(rule)
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


def _read_entry(spec: PipelineSpec, entry: QualityRule, origin: str) -> Rule:
    kinds = column_kinds(spec)
    for name, reason in RESERVED.items():
        if name in entry.arguments:
            raise SpecError(f"{origin}.{name}: not taken here, {reason}. Remove the key.")
    where = None
    if entry.where is not None:
        try:
            where = parse_where(entry.where, kinds)
        except ValueError as error:
            raise SpecError(
                f"{origin}.where: {error}. Received: {entry.where!r}. Correct the condition."
            ) from error
    arguments = {
        name: _fit_value(name, value, kinds.get(str(entry.arguments.get("column")), ""))
        for name, value in entry.arguments.items()
    }
    rule = Rule(
        entry.expect,
        arguments,
        origin=origin,
        severity=entry.severity,
        is_quarantine=entry.quarantine,
        where=where,
        expected=_describe(entry, where),
        next_move=f"Correct the rows at the source, or change `{origin}` of the spec.",
    )
    unknown = [column for column in rule.columns if column not in kinds]
    if unknown and rule.name != "expect_column_to_exist":
        raise SpecError(
            f"{origin}: expected columns of the contract that are stored. Received: {unknown}; "
            f"known: {sorted(kinds)[:30]}. Correct the name or add the column."
        )
    is_private = not private_columns(spec).isdisjoint(rule.columns)
    return Rule(**{**_fields(rule), "is_private": is_private})


def _fields(rule: Rule) -> dict[str, Any]:
    return {name: value for name, value in vars(rule).items() if not name.startswith("_")}


def _fit_value(name: str, value: Any, kind: str) -> Any:
    """Write sets of a text column as text, as the column is stored: 3 becomes '3'."""
    if name == "value_set" and kind in TEXT_KINDS and isinstance(value, list | tuple):
        return [_as_text(one) for one in value]
    return list(value) if isinstance(value, tuple) else value


def _as_text(value: Any) -> Any:
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value) if isinstance(value, int | float) else value


def _describe(entry: QualityRule, where: Where | None) -> str:
    arguments = ", ".join(f"{name}={value!r}" for name, value in entry.arguments.items())
    scope = f" where {where}" if where else ""
    return f"{entry.expect}({arguments[:300]}){scope} to hold"


def _find_class(rule: Rule) -> Any:
    if "." in rule.expect:
        return _import_class(rule)
    name = "".join(part.capitalize() for part in rule.expect.split("_"))
    # Names with a single letter in them (…_values_a_to_…) are capitalised alike.
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
    import difflib

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
