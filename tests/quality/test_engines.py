from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from include.quality.rules import Rule
from include.quality.suites import build_suite
from include.specs import PipelineSpec
from tests.builders import BASE_SPEC, make_spec
from tests.quality.samples import DIRTY, check_in_both, to_table

COLUMNS: list[dict[str, Any]] = [
    {**column, "min": "2023-12-31", "max": "2027-01-01T12:00"}
    if column["name"] == "opened"
    else column
    for column in BASE_SPEC["columns"]
]
RULES: list[dict[str, Any]] = [
    {
        "expect": "expect_column_values_to_be_between",
        "column": "age",
        "max_value": 60,
        "where": "job == clerk",
        "mostly": 0.5,
    },
    {
        "expect": "expect_column_values_to_be_between",
        "column": "income",
        "min_value": 10,
        "strict_min": True,
        "where": "married == true",
    },
    {
        "expect": "expect_column_values_to_not_be_null",
        "column": "income",
        "where": "age is not null",
    },
    {"expect": "expect_column_values_to_be_null", "column": "age", "where": "age is null"},
    {
        "expect": "expect_column_values_to_be_in_set",
        "column": "job",
        "value_set": ["clerk", "nurse", "smith"],
    },
    {
        "expect": "expect_column_values_to_not_be_in_set",
        "column": "job",
        "value_set": ["smith"],
        "where": "job in [clerk, smith]",
    },
    {
        "expect": "expect_column_value_lengths_to_be_between",
        "column": "job",
        "min_value": 5,
        "max_value": 5,
    },
    {
        "expect": "expect_column_values_to_be_between",
        "column": "opened",
        "min_value": "2024-06-01T00:00:00+00:00",
        "where": "opened >= 2024-03-01",
    },
    {
        "expect": "expect_column_pair_values_a_to_be_greater_than_b",
        "column_A": "income",
        "column_B": "age",
    },
    {
        "expect": "expect_column_pair_values_to_be_in_set",
        "column_A": "job",
        "column_B": "repaid",
        "value_pairs_set": [["clerk", "yes"], ["clerk", "no"], ["nurse", "no"], [None, "no"]],
    },
    {
        "expect": "expect_compound_columns_to_be_unique",
        "column_list": ["job", "repaid", "age"],
    },
    {"expect": "expect_table_row_count_to_be_between", "min_value": 2, "max_value": 500},
    {
        "expect": "expect_column_unique_value_count_to_be_between",
        "column": "job",
        "min_value": 2,
        "max_value": 4,
    },
    {"expect": "expect_column_values_to_be_finite", "column": "income", "where": "age > 30"},
]


@pytest.fixture(scope="module")
def spec() -> PipelineSpec:
    return make_spec(columns=COLUMNS, quality=RULES)


@pytest.fixture(scope="module")
def rules(spec: PipelineSpec) -> list[Rule]:
    return list(build_suite(spec, "training"))


@pytest.mark.parametrize("name", DIRTY)
def test_both_engines_say_the_same(
    name: str, spec: PipelineSpec, rules: list[Rule], tmp_path: Path
) -> None:
    in_sql, in_pandas = check_in_both(spec, rules, to_table(DIRTY[name]), tmp_path)
    for rule, left, right in zip(rules, in_sql, in_pandas, strict=True):
        said = [(one.is_met, one.unexpected, one.checked, one.error) for one in (left, right)]
        assert said[0] == said[1], rule


def test_both_engines_see_the_same_of_tensors(tmp_path: Path) -> None:
    images = np.arange(24, dtype=np.float32).reshape(6, 4)
    images[1, 0], images[2, 3], images[4, 1] = -1, np.nan, np.inf
    table = pa.table(
        {
            "image": pa.FixedSizeListArray.from_arrays(pa.array(images.ravel()), 4),
            "label": ["a", "b", "a", "b", "a", "b"],
            "row_id": range(6),
        }
    )
    spec = make_spec(
        target={"column": "label", "task": "classification"},
        columns=[
            {"name": "image", "kind": "tensor", "shape": [2, 2], "min": 0},
            {"name": "label", "kind": "category"},
        ],
        quality=[
            {"expect": "expect_column_values_to_be_between", "column": "image.sum", "max_value": 60}
        ],
    )
    rules = [rule for rule in build_suite(spec, "training") if "image." in rule.subject]
    in_sql, in_pandas = check_in_both(spec, rules, table, tmp_path)
    assert [one._replace(engine="sql") for one in in_pandas] == in_sql
    found = {
        (rule.name, rule.subject): one.unexpected for rule, one in zip(rules, in_sql, strict=True)
    }
    assert found == {
        ("expect_column_values_to_be_between", "image.min"): 1,
        ("expect_column_values_to_be_finite", "image.min"): 0,
        ("expect_column_values_to_be_finite", "image.max"): 2,
        ("expect_column_values_to_be_between", "image.sum"): 3,
    }
