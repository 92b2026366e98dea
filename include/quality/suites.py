"""From a spec to the rules of a suite.

What Great Expectations would only find while it validates (unknown names, wrong arguments,
columns that are not there) is found here first and blamed on the key of the spec.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from include.errors import SpecError
from include.quality.conditions import Where, parse_where
from include.quality.contract_rules import contract_rules
from include.quality.expectation_classes import RESERVED, build_expectation, find_class
from include.quality.rules import Rule, Suite, column_kinds, private_columns
from include.specs import PipelineSpec
from include.specs.data import QualityRule
from include.values.times import read_moment

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
        if rule.is_quarantine and not hasattr(find_class(rule), "map_metric"):
            raise SpecError(
                f"{rule.origin}.quarantine: expected a rule about single rows. Received: "
                f"{rule.name}, which looks at the table as a whole. Remove the key."
            )
        if suite == "training" or spec.target.column not in rule.columns:
            rules.append(rule)
    return tuple(rules)


def choose_suite(spec: PipelineSpec, columns: Iterable[str]) -> Suite:
    """Choose the suite that fits a table: scoring if it lacks the target, else training.

    Args:
        spec: The pipeline.
        columns: Columns of the table.
    """
    return "training" if spec.target.column in set(columns) else "scoring"


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
        read_moment(bound or "2024-01-31")
    except ValueError as error:
        raise SpecError(
            f"columns.{name}: expected min and max as ISO 8601 times. Received: {bound!r}. "
            "Write them as 2024-01-31 or 2024-01-31T12:00."
        ) from error


def _read_entry(spec: PipelineSpec, entry: QualityRule, origin: str) -> Rule:
    kinds = column_kinds(spec)
    for name, reason in RESERVED.items():
        if name in entry.arguments:
            raise SpecError(
                f"{origin}.{name}: expected a rule without this key, {reason}. "
                f"Received: {entry.arguments[name]!r}. Remove the key."
            )
    where = None
    if entry.where is not None:
        try:
            where = parse_where(entry.where, kinds)
        except ValueError as error:
            raise SpecError(
                f"{origin}.where: {error}. Received: {entry.where!r}. Correct the condition."
            ) from error
    arguments = _fit_arguments(entry.arguments, kinds)
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


def _fit_arguments(arguments: Mapping[str, Any], kinds: dict[str, str]) -> dict[str, Any]:
    """Write the sets of text columns as text, as the columns are stored: 3 becomes '3'."""
    fitted = {
        name: list(value) if isinstance(value, tuple) else value
        for name, value in arguments.items()
    }
    kind, *pair = (
        kinds.get(str(arguments.get(name)), "") for name in ("column", "column_A", "column_B")
    )
    values, pairs = fitted.get("value_set"), fitted.get("value_pairs_set")
    if isinstance(values, list):
        fitted["value_set"] = [_fit_value(value, kind) for value in values]
    if isinstance(pairs, list):
        fitted["value_pairs_set"] = [_fit_pair(one, pair) for one in pairs]
    return fitted


def _fit_pair(value: Any, kinds: Sequence[str]) -> Any:
    if not isinstance(value, list | tuple) or len(value) != len(kinds):
        return value  # for Great Expectations to refuse
    return [_fit_value(one, kind) for one, kind in zip(value, kinds, strict=True)]


def _fit_value(value: Any, kind: str) -> Any:
    return _as_text(value) if kind in TEXT_KINDS else value


def _as_text(value: Any) -> Any:
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value) if isinstance(value, int | float) else value


def _describe(entry: QualityRule, where: Where | None) -> str:
    arguments = ", ".join(f"{name}={value!r}" for name, value in entry.arguments.items())
    scope = f" where {where}" if where else ""
    return f"{entry.expect}({arguments[:300]}){scope} to hold"
