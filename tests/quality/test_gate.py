from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from include.quality.failure_table import render_failures
from include.quality.gate import GateResult, is_blocked, run_gate
from include.records import RuleOutcome
from tests.builders import BASE_SPEC, make_frame, make_spec
from tests.quality.samples import DIRTY, spoil, to_table, write_files

QUARANTINE = [{**column, "quarantine": True} for column in BASE_SPEC["columns"]]
REGEX = {"expect": "expect_column_values_to_match_regex", "column": "job", "regex": "^[a-n]"}


def gate(
    directory: Path,
    rows: pd.DataFrame | pa.Table,
    *,
    suite: Any = "training",
    rejected: int = 0,
    **changes: Any,
) -> GateResult:
    table = rows if isinstance(rows, pa.Table) else to_table(rows)
    files = write_files(directory, table)
    return run_gate(make_spec(**changes), files, suite=suite, rejected=rejected)


def failed(result: GateResult) -> set[tuple[str, str, str]]:
    return {(one.severity, one.rule, one.column) for one in result.report.failures}


def outcome(result: GateResult, rule: str, column: str = "") -> RuleOutcome:
    return next(
        one for one in result.report.outcomes if one.rule == rule and column in {one.column, ""}
    )


EXPECTED: dict[str, set[tuple[str, str, str]]] = {
    "sound": set(),
    "out of range": {("critical", "expect_column_values_to_be_between", "age")},
    "infinite": {
        ("critical", "expect_column_values_to_be_between", "income"),
        ("critical", "expect_column_values_to_be_finite", "income"),
    },
    "repeated ids": {("critical", "expect_column_values_to_be_unique", "loan_id")},
    "missing ids": {("critical", "expect_column_values_to_not_be_null", "loan_id")},
    "unknown class": {("critical", "expect_column_values_to_be_in_set", "repaid")},
    "missing target": {("critical", "expect_column_values_to_not_be_null", "repaid")},
    "one class": {("critical", "expect_column_unique_value_count_to_be_between", "repaid")},
    "all missing": {
        (severity, rule, column)
        for column in ("job", "income", "age")
        for severity, rule in (
            ("critical", "expect_column_values_to_not_be_null"),
            ("warning", "expect_column_values_to_vary"),
        )
    },
    "constant": {
        ("warning", "expect_column_values_to_vary", "income"),
        ("warning", "expect_column_values_to_vary", "job"),
    },
}


@pytest.mark.parametrize("name", EXPECTED)
def test_every_kind_of_dirt_fails_its_rule_and_no_other(name: str, tmp_path: Path) -> None:
    result = gate(tmp_path, DIRTY[name])
    assert failed(result) == EXPECTED[name]
    assert is_blocked(result.report) == any(one[0] == "critical" for one in EXPECTED[name])
    assert {one.engine for one in result.report.outcomes} == {"sql", "reader"}


def test_an_empty_table_fails(tmp_path: Path) -> None:
    result = gate(tmp_path, DIRTY["empty"])
    assert ("critical", "expect_table_row_count_to_be_between", "") in failed(result)
    assert result.report.rows == 0


def test_a_missing_column_is_said_once_and_rules_that_need_it_are_errors(tmp_path: Path) -> None:
    rows = make_frame(120).drop(columns="job")
    result = gate(tmp_path, rows, quality=[{**REGEX, "severity": "info"}])
    assert failed(result) == {
        ("critical", "expect_column_to_exist", "job"),
        ("info", "expect_column_values_to_match_regex", "job"),
    }
    assert "no column 'job'" in outcome(result, "expect_column_values_to_match_regex").error


def test_a_name_in_other_capitals_is_another_column(tmp_path: Path) -> None:
    result = gate(tmp_path, to_table(make_frame(120)).rename_columns({"age": "AGE"}))
    assert failed(result) == {("critical", "expect_column_to_exist", "age")}


def test_columns_that_differ_in_capitals_only_are_told_apart(tmp_path: Path) -> None:
    rows = to_table(make_frame(120))
    rows = rows.append_column("AGE", pa.array(np.full(120, 7)))
    columns = [*BASE_SPEC["columns"], {"name": "AGE", "kind": "integer", "min": 7, "max": 7}]
    result = gate(tmp_path, rows, columns=columns)
    assert failed(result) == {("warning", "expect_column_values_to_vary", "AGE")}
    assert outcome(result, "expect_column_values_to_be_between", "age").engine == "pandas"


def test_a_column_of_another_type_is_found_by_the_reader(tmp_path: Path) -> None:
    rows = to_table(make_frame(120))
    rows = rows.set_column(rows.column_names.index("age"), "age", rows["age"].cast(pa.string()))
    result = gate(tmp_path, rows)
    assert failed(result) == {("critical", "expect_column_type_to_be", "age")}


def test_what_has_no_sql_goes_to_pandas(tmp_path: Path) -> None:
    result = gate(tmp_path, make_frame(120), quality=[REGEX])
    found = outcome(result, "expect_column_values_to_match_regex")
    smiths = make_frame(120)["job"].eq("smith").sum()
    assert (found.engine, found.unexpected, found.is_met) == ("pandas", smiths, False)
    assert found.examples[0].startswith("'smith' (row ")


def test_a_rule_that_raises_is_an_error_and_not_a_pass(tmp_path: Path) -> None:
    rule = {"expect": "expect_column_values_to_be_between", "column": "job", "min_value": 3}
    result = gate(tmp_path, make_frame(120), quality=[rule])
    found = outcome(result, "expect_column_values_to_be_between", "job")
    assert (found.is_met, bool(found.error)) == (False, True)
    others = [one for one in result.report.outcomes if one is not found]
    assert {one.engine for one in others} == {"sql", "reader"}
    assert all(one.is_met for one in others)
    assert is_blocked(result.report)


def test_rows_that_fail_quarantine_rules_move_and_the_rest_goes_on(tmp_path: Path) -> None:
    rows = spoil(
        ("age", [3, 10], 7),
        ("loan_id", [30, 31], "L9"),
        ("repaid", [3], "perhaps"),
        ("job", [7], "zoologist"),
    )
    quality = [{**REGEX, "regex": "^[a-s]", "quarantine": True}]
    result = gate(tmp_path, rows, columns=QUARANTINE, quality=quality, quarantine_limit=0.1)
    moved = result.moved.to_pydict()
    assert moved["row_id"] == [3, 7, 10, 30, 31]
    assert moved["rule"][0] == (
        "expect_column_values_to_be_between; expect_column_values_to_be_in_set"
    )
    assert moved["column"][1:3] == ["job", "age"]
    assert moved["reason"][2] == "expected values between 18 and 100"
    assert not is_blocked(result.report)
    assert {one[0] for one in failed(result)} == {"warning"}
    assert (
        "2 rows moved to quarantine." in outcome(result, "expect_column_values_to_be_unique").advice
    )
    assert (result.report.rows, result.report.quarantined) == (120, 5)
    assert outcome(result, "quarantine_limit").is_met


def test_rules_without_quarantine_are_judged_on_what_remains(tmp_path: Path) -> None:
    rows = spoil(("age", [3], 7))
    quality = [{"expect": "expect_column_min_to_be_between", "column": "age", "min_value": 18}]
    assert is_blocked(gate(tmp_path, rows, quality=quality).report)
    result = gate(tmp_path, rows, columns=QUARANTINE, quality=quality)
    assert not is_blocked(result.report)


def test_more_rows_than_the_limit_stop_the_run(tmp_path: Path) -> None:
    rows = spoil(("age", range(6), 7))
    within = gate(tmp_path, rows, columns=QUARANTINE, quarantine_limit=0.05)
    beyond = gate(tmp_path, rows, columns=QUARANTINE, quarantine_limit=0.04)
    assert (is_blocked(within.report), is_blocked(beyond.report)) == (False, True)
    assert ("critical", "quarantine_limit", "") in failed(beyond)
    assert len(beyond.moved) == 0


def test_rows_that_could_not_be_read_count_for_the_limit(tmp_path: Path) -> None:
    sound = make_frame(120)
    assert not is_blocked(gate(tmp_path, sound, rejected=1).report)
    result = gate(tmp_path, sound, rejected=2)
    assert failed(result) == {("critical", "quarantine_limit", "")}
    assert outcome(result, "quarantine_limit").unexpected == 2


def test_rows_that_could_not_be_read_leave_less_room_for_rows_to_move(tmp_path: Path) -> None:
    # 5 % of 124 rows are 6, and 4 of them could not be read.
    for bad, moved in ((2, 2), (3, 0)):
        rows = spoil(("age", range(bad), 7))
        result = gate(tmp_path, rows, columns=QUARANTINE, rejected=4, quarantine_limit=0.05)
        assert len(result.moved) == moved
        assert is_blocked(result.report) == (moved == 0)


def test_what_mostly_tolerates_stays(tmp_path: Path) -> None:
    result = gate(tmp_path, make_frame(120), columns=QUARANTINE, quarantine_limit=1.0)
    assert len(result.moved) == 0
    assert outcome(result, "expect_column_values_to_not_be_null", "income").unexpected > 0


def test_scoring_needs_no_target(tmp_path: Path) -> None:
    rows = make_frame(1).drop(columns="repaid")
    assert failed(gate(tmp_path, rows, suite="scoring")) == set()


def test_private_values_are_never_shown(tmp_path: Path) -> None:
    columns = [
        {**column, "private": "hash", "unique": True} if column["name"] == "loan_id" else column
        for column in BASE_SPEC["columns"]
    ]
    quality = [
        {"expect": "expect_column_values_to_be_between", "column": "loan_id", "min_value": 3},
        {"expect": "expect_column_values_to_match_regex", "column": "loan_id", "regex": "^x"},
        {
            "expect": "expect_column_distinct_values_to_be_in_set",
            "column": "loan_id",
            "value_set": ["x"],
        },
    ]
    rows = spoil(("loan_id", range(120), "SECRET"))
    report = gate(tmp_path, rows, columns=columns, quality=quality).report
    assert len([one for one in report.failures if one.column == "loan_id"]) >= 4
    assert "SECRET" not in report.model_dump_json()


@pytest.mark.parametrize("is_moved", [True, False], ids=["moved", "judged"])
def test_a_private_value_in_the_wrong_column_is_not_shown(tmp_path: Path, is_moved: bool) -> None:
    columns = [
        *(QUARANTINE if is_moved else BASE_SPEC["columns"]),
        {"name": "mail", "kind": "text", "private": "drop"},
    ]
    rows = spoil(("repaid", [3], "jane@ex.org"), ("age", [4], 7), ("age", [5], 491701234567))
    result = gate(tmp_path, rows, columns=columns, quarantine_limit=0.1, quality=[REGEX])
    assert "jane" not in result.report.model_dump_json()
    assert outcome(result, "expect_column_values_to_be_in_set").examples == ("not shown (row 3)",)
    shown = outcome(result, "expect_column_values_to_be_between", "age").examples
    assert shown == ("7 (row 4)", "about 4.9e+11 (row 5)")
    assert outcome(result, "expect_column_values_to_match_regex").examples[0].startswith("not ")


@pytest.mark.parametrize(
    "name",
    ["<img src=x onerror=alert(1)>", "a%b:c", 'say "x"', "pm2.5", "=cmd", "x" * 190, "ü\n"],
    ids=ascii,
)
def test_hostile_column_names_are_only_names(name: str, tmp_path: Path) -> None:
    rows = to_table(spoil(("age", [3], 7))).rename_columns({"age": name})
    columns = [
        {**column, "name": name} if column["name"] == "age" else column
        for column in BASE_SPEC["columns"]
    ]
    result = gate(tmp_path, rows, columns=columns)
    (failure,) = result.report.failures
    assert (failure.unexpected, failure.examples) == (1, ("7 (row 3)",))


def test_the_failure_table_reads_like_a_compilers_errors(tmp_path: Path) -> None:
    rows = spoil(("age", range(3, 12), 7), ("job", range(120), "nurse"))
    text = render_failures(gate(tmp_path, rows).report)
    assert text.splitlines()[0].startswith("2 of ")
    assert "suite failed on 120 rows, 1 of them critical" in text
    checked = make_frame(120)["age"].drop(range(3, 12)).notna().sum() + 9
    assert f"CRITICAL  expect_column_values_to_be_between  column age\n    9 of {checked}" in text
    assert "7 (row 3), 7 (row 4), 7 (row 5), 7 (row 6), 7 (row 7)\n" in text
    assert "Expected values between 18 and 100. Correct them at the source" in text
    assert text.index("CRITICAL") < text.index("WARNING")
