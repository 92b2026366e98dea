import pytest

from include.quality.outcomes import hide_text, write_moved_outcome, write_outcome
from include.quality.results import RuleResult
from include.quality.rules import Rule

RULE = Rule(
    "expect_column_values_to_be_in_set", {"column": "job"}, origin="columns.job", expected="a job"
)
FAILED = RuleResult(
    False, "sql", unexpected=2, checked=9, examples=("'jane@ex.org' (row 3)", "12.5 (row 4)")
)


@pytest.mark.parametrize(
    ("example", "shown"),
    [
        ("'jane@ex.org' (row 3)", "not shown (row 3)"),
        ("'1 (row 2)' (row 3)", "not shown (row 3)"),
        ("'two\nlines' (row 3)", "not shown (row 3)"),
        ("'12' (row 3)", "not shown (row 3)"),
        ("12 (row 3)", "12 (row 3)"),
        ("-0.25 (row 3)", "-0.25 (row 3)"),
        ("57834.2871 (row 3)", "about 5.8e+04 (row 3)"),
        ("1e+300 (row 3)", "1e+300 (row 3)"),
        ("inf (row 3)", "inf (row 3)"),
        ("missing (row 3)", "missing (row 3)"),
        ("True (row 3)", "True (row 3)"),
        ("1990-01-31T00:00:00+00:00 (row 3)", "not shown (row 3)"),
        ("a='jane', b=3 (row 3)", "not shown (row 3)"),
        ("observed: 17", "observed: 17"),
        ("observed: ['jane@ex.org']", "observed: not shown"),
        ("jane@ex.org", "not shown"),
        ("", "not shown"),
    ],
)
def test_beside_private_columns_examples_show_small_numbers_only(example: str, shown: str) -> None:
    assert hide_text(example) == shown


def test_without_private_columns_examples_are_shown() -> None:
    assert write_outcome(RULE, FAILED).examples == FAILED.examples


def test_rows_that_moved_are_hidden_alike() -> None:
    sound = RuleResult(True, "sql", checked=7)
    outcome = write_moved_outcome(RULE, FAILED, sound, has_private=True)
    assert outcome.examples == ("not shown (row 3)", "12.5 (row 4)")
    outcome = write_moved_outcome(RULE, FAILED, FAILED, has_private=True)
    assert "jane" not in outcome.model_dump_json()


def test_an_engines_exception_may_quote_a_value_and_the_readers_words_do_not() -> None:
    broken = RuleResult(False, "sql", error="could not convert 'jane@ex.org'")
    assert "private" in write_outcome(RULE, broken, has_private=True).error
    assert "jane" in write_outcome(RULE, broken).error
    absent = RuleResult(False, "reader", error="there is no column 'job'")
    assert write_outcome(RULE, absent, has_private=True).error == "there is no column 'job'"
