from include.quality.failure_table import render_failures
from include.records import QualityReport, RuleOutcome


def test_at_most_ten_rules_are_shown() -> None:
    outcomes = tuple(
        RuleOutcome(
            rule=f"rule_{number}",
            severity="warning",
            is_met=False,
            engine="sql",
            unexpected=number,
            checked=1000,
        )
        for number in range(15)
    )
    text = render_failures(QualityReport(suite="training", rows=1000, outcomes=outcomes))
    assert text.count("WARNING") == 10
    assert text.endswith("… and 5 more: see quality/report.json of the run.")
    assert "none of them critical" in text


def test_a_tiny_share_is_not_zero() -> None:
    outcome = RuleOutcome(
        rule="rule",
        severity="critical",
        is_met=False,
        engine="sql",
        unexpected=1,
        checked=5_000_000,
    )
    text = render_failures(QualityReport(suite="scoring", rows=5_000_000, outcomes=(outcome,)))
    assert "1 of 5,000,000 rows: less than 0.001 %" in text
