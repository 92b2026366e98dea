"""The contract of many columns in one expectation: what their counts and extremes tell of it.

Great Expectations takes milliseconds of its own for each expectation, and walks over all columns
for each metric: three rules for each of 2,000 columns took minutes, their queries seconds. One
metric that counts all columns in one query answers for most of these rules at once.
"""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Final, NamedTuple

import sqlalchemy as sa

from include.quality.duckdb_engine import DuckDBExecutionEngine
from include.quality.expectations import LARGEST
from include.quality.gx import BatchExpectation, TableMetricProvider, metric_value
from include.quality.results import RuleResult
from include.quality.rules import Rule

NAME: Final = f"{__name__}.ExpectColumnsToHaveRanges"
# Rules that a range can prove, with the arguments that it knows of.
PROVABLE: Final = {
    "expect_column_values_to_not_be_null": {"column", "mostly"},
    "expect_column_values_to_be_between": {"column", "min_value", "max_value"},
    "expect_column_values_to_be_finite": {"column"},
    "expect_column_values_to_vary": {"column"},
}


class Range(NamedTuple):
    """How many values of a column are there, and the smallest and the largest of them."""

    present: int
    low: Any
    high: Any


class ColumnRanges(TableMetricProvider):
    """The range of every column, and the rows, by one query."""

    metric_name = "table.column_ranges"
    value_keys = ("column_list", "with_extremes")

    @metric_value(engine=DuckDBExecutionEngine)
    def _in_sql(
        cls,  # noqa: N805 - Great Expectations gives it by this name
        execution_engine: Any,
        metric_domain_kwargs: dict[str, Any],
        metric_value_kwargs: dict[str, Any],
        **_: Any,
    ) -> Any:
        rows, *_others = execution_engine.get_compute_domain(metric_domain_kwargs, "table")
        asked = [sa.func.count()]
        for name in metric_value_kwargs["column_list"]:
            column = sa.column(name)
            is_ranged = name in metric_value_kwargs["with_extremes"]
            extremes = (sa.func.min(column), sa.func.max(column)) if is_ranged else (sa.null(),) * 2
            asked += [sa.func.count(column), *extremes]
        numbered = [one.label(f"n{place}") for place, one in enumerate(asked)]
        return tuple(
            execution_engine.execute_query(sa.select(*numbered).select_from(rows)).fetchone()
        )


class ExpectColumnsToHaveRanges(BatchExpectation):
    """Expect columns that can be counted and compared; the ranges are the observed value."""

    column_list: list[str]
    with_extremes: list[str]
    metric_dependencies: ClassVar[tuple[str, ...]] = ("table.column_ranges",)
    success_keys: ClassVar[tuple[str, ...]] = ("column_list", "with_extremes")
    args_keys: ClassVar[tuple[str, ...]] = ("column_list", "with_extremes")

    def _validate(
        self,
        metrics: dict[str, Any],
        runtime_configuration: dict[str, Any] | None = None,
        execution_engine: Any = None,
    ) -> dict[str, Any]:
        return {"success": True, "result": {"observed_value": metrics["table.column_ranges"]}}


def is_provable(rule: Rule) -> bool:
    """Tell whether a column's range may prove a rule."""
    return rule.where is None and set(rule.arguments) <= PROVABLE.get(rule.name, set())


def ask_for_ranges(rules: Sequence[Rule]) -> Rule:
    """Write the rule whose observed value are the ranges that these rules need."""
    ranged = dict.fromkeys(r.arguments["column"] for r in rules if "null" not in r.name)
    names = dict.fromkeys(rule.arguments["column"] for rule in rules)
    return Rule(NAME, {"column_list": [*names], "with_extremes": [*ranged]}, origin="columns")


def read_ranges(rule: Rule, observed: Sequence[Any]) -> tuple[int, dict[str, Range]]:
    """Read the observed value of a rule of `ask_for_ranges`: the rows, and each column's range."""
    rows, *counted = observed
    names = rule.arguments["column_list"]
    ranges = (Range(*counted[3 * place : 3 * place + 3]) for place in range(len(names)))
    return rows, dict(zip(names, ranges, strict=True))


def prove(rule: Rule, rows: int, ranges: Mapping[str, Range]) -> RuleResult | None:
    """Say that a rule holds, with what Great Expectations would count; None if it may not.

    NaN is neither below nor above a bound, so a column with one proves nothing.
    """
    found, given = ranges[rule.arguments["column"]], rule.arguments
    if "null" in rule.name:
        missing = rows - found.present
        is_met = rows > 0 and found.present >= given.get("mostly", 1) * rows
        return RuleResult(True, "sql", unexpected=missing, checked=rows) if is_met else None
    if not found.present:
        return None
    if rule.name == "expect_column_values_to_vary":
        return RuleResult(True, "sql", checked=rows) if found.low < found.high else None
    is_finite = rule.name == "expect_column_values_to_be_finite"
    low = -LARGEST if is_finite else given.get("min_value")
    high = LARGEST if is_finite else given.get("max_value")
    is_inside = _is_inside(found, low, high)
    return RuleResult(True, "sql", checked=found.present) if is_inside else None


def _is_inside(found: Range, low: Any, high: Any) -> bool:
    """Compare a range with its bounds; what cannot be compared, or is NaN, is not inside."""
    try:
        is_inside = (low is None or found.low >= low) and (high is None or found.high <= high)
    except TypeError:
        return False
    # NaN is the largest of all to DuckDB.
    return bool(is_inside and found.high == found.high)
