import sys
from pathlib import Path
from typing import Any

import pytest

from include.errors import SpecError
from include.quality.suites import build_suite, check_rules, choose_suite
from tests.builders import BASE_SPEC, make_spec

BETWEEN = "expect_column_values_to_be_between"
WRONG: dict[str, tuple[dict[str, Any], str]] = {
    "misspelt name": (
        {"expect": "expect_column_values_to_be_betwen", "column": "age"},
        r"quality\.0\.expect: .*did you mean expect_column_values_to_be_between",
    ),
    "unknown argument": (
        {"expect": BETWEEN, "column": "age", "minimum": 3},
        r"quality\.0\.minimum: .* takes column, max_value, min_value, mostly.* Received: 3",
    ),
    "missing argument": ({"expect": BETWEEN, "min_value": 3}, r"quality\.0\.column: .*required"),
    "argument out of bounds": (
        {"expect": BETWEEN, "column": "age", "min_value": 1, "mostly": 3},
        r"quality\.0\.mostly: .*Received: 3",
    ),
    "no bound at all": ({"expect": BETWEEN, "column": "age"}, r"quality\.0: .*cannot both be None"),
    "unknown column": (
        {"expect": BETWEEN, "column": "agee", "min_value": 3},
        r"quality\.0: expected columns of the contract.*\['agee'\]",
    ),
    "unknown column in a condition": (
        {"expect": BETWEEN, "column": "age", "min_value": 3, "where": "jobs == nurse"},
        r"quality\.0\.where: .*not 'jobs'",
    ),
    "condition without operator": (
        {"expect": BETWEEN, "column": "age", "min_value": 3, "where": "nurses"},
        r"quality\.0\.where: expected `column op value`",
    ),
    "own way of conditions": (
        {"expect": BETWEEN, "column": "age", "min_value": 3, "row_condition": "age>3"},
        r"quality\.0\.row_condition: .*`where`",
    ),
    "a function": ({"expect": "os.path.join"}, r"quality\.0\.expect: expected a subclass"),
    "no such module": ({"expect": "nowhere.Rule"}, r"quality\.0\.expect: expected an importable"),
    "quarantine of a whole table": (
        {"expect": "expect_table_row_count_to_be_between", "min_value": 3, "quarantine": True},
        r"quality\.0\.quarantine: .*single rows",
    ),
}


@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_entry_is_blamed_on_its_key(name: str) -> None:
    entry, message = WRONG[name]
    with pytest.raises(SpecError, match=message):
        check_rules(make_spec(quality=[entry]))


def test_a_time_that_cannot_be_read_is_blamed_on_its_column() -> None:
    columns = [
        {**column, **({"min": "last year"} if column["name"] == "opened" else {})}
        for column in BASE_SPEC["columns"]
    ]
    with pytest.raises(SpecError, match=r"columns\.opened: .*'last year'"):
        check_rules(make_spec(columns=columns))


def test_the_scoring_suite_leaves_the_target_and_constant_columns_alone() -> None:
    spec = make_spec(
        quality=[
            {
                "expect": "expect_column_values_to_not_be_in_set",
                "column": "repaid",
                "value_set": ["maybe"],
            }
        ]
    )
    rules = build_suite(spec, "scoring")
    assert all("repaid" not in rule.columns for rule in rules)
    names = {rule.name for rule in rules}
    assert "expect_column_values_to_vary" not in names
    row_count = next(rule for rule in rules if rule.name.startswith("expect_table_row_count"))
    assert row_count.arguments == {"min_value": 1}
    training = build_suite(spec, "training")
    assert {rule.origin for rule in training} >= {"columns.repaid", "quality.0", "min_rows"}


def test_values_of_a_category_are_compared_as_text() -> None:
    spec = make_spec(
        quality=[
            {
                "expect": "expect_column_values_to_be_in_set",
                "column": "job",
                "value_set": [1, 2.5, True, "x"],
            }
        ]
    )
    assert build_suite(spec, "training")[-1].arguments["value_set"] == ["1", "2.5", "true", "x"]


def test_a_class_of_ones_own_is_found_by_its_dotted_path(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "my_rules.py").write_text(
        "import great_expectations.expectations as gxe\n"
        "class ExpectGrownUps(gxe.ExpectColumnValuesToBeBetween):\n"
        "    column: str = 'age'\n"
        "    min_value: float = 18\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    check_rules(make_spec(quality=[{"expect": "my_rules.ExpectGrownUps", "severity": "info"}]))
    sys.modules.pop("my_rules")


def test_private_columns_keep_only_the_rules_that_a_digest_can_pass() -> None:
    private = {"name": "email", "kind": "category", "values": ["a"], "private": "hash"}
    masked = {"name": "phone", "kind": "id", "private": "mask"}
    rules = build_suite(make_spec(columns=[*BASE_SPEC["columns"], private, masked]), "training")
    of_private = [rule for rule in rules if {"email", "phone"} & set(rule.columns)]
    assert all(rule.is_private for rule in of_private)
    assert {(rule.subject, rule.name) for rule in of_private} == {
        ("email", "expect_column_to_exist"),
        ("email", "expect_column_values_to_not_be_null"),
        ("email", "expect_column_values_to_vary"),
        ("phone", "expect_column_to_exist"),
        ("phone", "expect_column_values_to_not_be_null"),
    }


def test_a_table_without_the_target_is_for_scoring() -> None:
    spec = make_spec()
    columns = [column.name for column in spec.stored_columns]
    assert choose_suite(spec, columns) == "training"
    assert choose_suite(spec, [name for name in columns if name != "repaid"]) == "scoring"


def test_pairs_of_text_columns_are_written_as_text_and_misshapen_ones_are_refused() -> None:
    entry = {
        "expect": "expect_column_pair_values_to_be_in_set",
        "column_A": "job",
        "column_B": "age",
        "value_pairs_set": [[1, 2], [None, 3]],
    }
    rule = build_suite(make_spec(quality=[entry]), "training")[-1]
    assert rule.arguments["value_pairs_set"] == [["1", 2], [None, 3]]
    with pytest.raises(SpecError, match="value_pairs_set"):
        build_suite(make_spec(quality=[{**entry, "value_pairs_set": [["a", 1, 2]]}]), "training")
