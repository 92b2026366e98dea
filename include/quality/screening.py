"""The quick way to a yes: most rules hold, and then there is nothing to count or to show.

Asked for a yes or no only, Great Expectations joins nearly all rules into one query. A rule
without `mostly` and `where` that holds has no unexpected value, so its counts are known as well.
"""

from collections.abc import Iterable, Sequence
from typing import Any, Final

import pyarrow.parquet as pq

from include.quality.expectation_classes import find_class
from include.quality.gx import ColumnMapExpectation
from include.quality.rules import Rule

YES_OR_NO: Final = {"result_format": "BOOLEAN_ONLY"}
# These look at missing values too.
OF_ALL_ROWS: Final = frozenset(
    {"expect_column_values_to_not_be_null", "expect_column_values_to_be_null"}
)
UNIQUE: Final = "expect_column_values_to_be_unique"


def build_screen(rule: Rule) -> Rule:
    """Return a cheaper rule that holds only if this one does.

    To count the different values is less work than to find the rows that share one.
    """
    if rule.expect != UNIQUE or set(rule.arguments) != {"column"} or rule.where:
        return rule
    return Rule(
        "expect_column_proportion_of_unique_values_to_be_between",
        {**rule.arguments, "min_value": 1},
        origin=rule.origin,
        severity=rule.severity,
        is_private=rule.is_private,
    )


def has_known_counts(rule: Rule) -> bool:
    """Tell whether a rule that holds needs no counting."""
    kind = find_class(rule)
    if not hasattr(kind, "map_metric"):
        return True
    is_strict = rule.arguments.get("mostly", 1) == 1 and rule.where is None
    return is_strict and issubclass(kind, ColumnMapExpectation) and "column" in rule.arguments


def skipped_missing(rule: Rule) -> str | None:
    """Return the column whose missing values the rule passes over, if it does."""
    if hasattr(find_class(rule), "map_metric") and rule.name not in OF_ALL_ROWS:
        return str(rule.arguments["column"])
    return None


def count_nulls(files: Sequence[str]) -> dict[str, int]:
    """Read from the files' footers how many values of each column are missing.

    Returns:
        Counts by column; columns of lists, and those without statistics, are left out.
    """
    counts: dict[str, int | None] = {}
    for column in _column_chunks(files):
        name, statistics = column.path_in_schema, column.statistics
        before = counts.get(name, 0)
        is_known = before is not None and statistics is not None and statistics.has_null_count
        counts[name] = before + statistics.null_count if is_known else None
    return {name: count for name, count in counts.items() if count is not None}


def _column_chunks(files: Sequence[str]) -> Iterable[Any]:
    for file in files:
        footer = pq.read_metadata(file)
        for group in range(footer.num_row_groups):
            for place in range(footer.num_columns):
                yield footer.row_group(group).column(place)
