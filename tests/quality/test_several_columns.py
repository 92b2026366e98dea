"""Rules over several columns say the same in SQL and in pandas, whatever is missing."""

import inspect
import re
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from include.quality.gx import (
    ColumnPairMapExpectation,
    MulticolumnMapExpectation,
    core_expectations,
)
from include.quality.results import RuleResult
from include.quality.suites import build_suite
from include.specs import PipelineSpec
from tests.builders import make_spec
from tests.quality.samples import check_in_both

HUGE = 2**53
PAIRS: list[dict[str, Any]] = [
    {
        "expect": "expect_column_pair_values_to_be_in_set",
        "column_A": "first",
        "column_B": "second",
        "value_pairs_set": [["a", "b"], [None, "b"], ["c", None], [3, "a"]],
    },
    {"expect": "expect_column_pair_values_to_be_equal", "column_A": "first", "column_B": "second"},
    {"expect": "expect_column_pair_values_to_be_equal", "column_A": "many", "column_B": "few"},
    {"expect": "expect_column_pair_values_to_be_equal", "column_A": "old", "column_B": "new"},
    {
        "expect": "expect_column_pair_values_a_to_be_greater_than_b",
        "column_A": "x",
        "column_B": "y",
    },
    {
        "expect": "expect_column_pair_values_a_to_be_greater_than_b",
        "column_A": "many",
        "column_B": "y",
        "or_equal": True,
    },
]
LISTS: list[dict[str, Any]] = [
    {"expect": "expect_compound_columns_to_be_unique", "column_list": ["first", "many"]},
    {"expect": "expect_compound_columns_to_be_unique", "column_list": ["second", "x", "old"]},
    {"expect": "expect_multicolumn_sum_to_equal", "column_list": ["x", "y"], "sum_total": 3},
    {"expect": "expect_multicolumn_sum_to_equal", "column_list": ["many", "few"], "sum_total": 3},
    {"expect": "expect_multicolumn_values_to_be_equal", "column_list": ["first", "second"]},
    {"expect": "expect_multicolumn_values_to_be_equal", "column_list": ["many", "few", "x"]},
    {
        "expect": "expect_select_column_values_to_be_unique_within_record",
        "column_list": ["first", "second"],
    },
    {
        "expect": "expect_select_column_values_to_be_unique_within_record",
        "column_list": ["many", "few"],
    },
]
RULES = [
    *PAIRS,
    *LISTS,
    *({**rule, "ignore_row_if": "neither"} for rule in PAIRS),
    *({**rule, "ignore_row_if": "either_value_is_missing"} for rule in PAIRS),
    *({**rule, "ignore_row_if": "never"} for rule in LISTS),
    *({**rule, "ignore_row_if": "any_value_is_missing"} for rule in LISTS),
    *({**rule, "where": "x >= 1"} for rule in (*PAIRS, *LISTS)),
]
ROWS: dict[str, list[Any]] = {
    "first": ["a", None, "c", None, "a", "a", "3", "b"],
    "second": ["b", "b", None, None, "b", None, "a", "b"],
    "x": [1.0, 2.0, None, None, 1.0, 5.0, 0.0, 1.5],
    "y": [2.0, None, 1.0, None, 2.0, float("-inf"), 3.0, 1.5],
    "many": [1, None, 2, None, 1, HUGE, 0, 3],
    "few": [1, 3, None, None, 2, HUGE, 0, 0],
    "old": [True, None, False, None, True, False, True, False],
    "new": [True, True, None, None, False, False, True, True],
}
TABLES = {
    "some missing": ROWS,
    "none missing": {name: [values[n] for n in (0, 4, 6, 7)] for name, values in ROWS.items()},
    "all missing": {name: [None] * 4 for name in ROWS},
    "empty": {name: [] for name in ROWS},
}
TYPES = {
    "first": pa.string(),
    "second": pa.string(),
    "x": pa.float64(),
    "y": pa.float64(),
    "many": pa.int64(),
    "few": pa.int64(),
    "old": pa.bool_(),
    "new": pa.bool_(),
}


def build_spec() -> PipelineSpec:
    kinds = {pa.string(): "category", pa.float64(): "number", pa.int64(): "integer"}
    columns = [
        {"name": name, "kind": kinds.get(kind, "boolean"), "nulls": 1}
        for name, kind in TYPES.items()
    ]
    target = {"column": "y", "task": "regression"}
    return make_spec(columns=columns, target=target, quality=RULES, promotion={})


def said(result: RuleResult) -> tuple[bool, int, int, str]:
    return result.is_met, result.unexpected, result.checked, result.error


@pytest.mark.parametrize(
    "name",
    # Fifty rules each: the table with some of everything is enough for every day.
    [
        name if name == "some missing" else pytest.param(name, marks=pytest.mark.slow)
        for name in TABLES
    ],
)
def test_both_engines_say_the_same_of_several_columns(name: str, tmp_path: Path) -> None:
    values = TABLES[name]
    table = pa.table(
        {column: pa.array(cells, TYPES[column]) for column, cells in values.items()}
        | {"row_id": pa.array(range(len(values["x"])), pa.int64())}
    )
    spec = build_spec()
    rules = [rule for rule in build_suite(spec, "training") if rule.origin.startswith("quality.")]
    in_sql, in_pandas = check_in_both(spec, rules, table, tmp_path)
    for rule, left, right in zip(rules, in_sql, in_pandas, strict=True):
        assert said(left) == said(right), rule
        assert not left.error


def test_no_expectation_over_several_columns_is_left_out() -> None:
    kinds = [kind for _, kind in inspect.getmembers(core_expectations, inspect.isclass)]
    over_several = {
        re.sub(r"(?<!^)(?=[A-Z])", "_", kind.__name__).lower()
        for kind in kinds
        if issubclass(kind, ColumnPairMapExpectation | MulticolumnMapExpectation)
    }
    tested = {rule["expect"] for rule in RULES}
    assert over_several == tested
