"""The step `plan_curve`: no shares unless they are asked for, and none without rows."""

import logging

import pytest

from include.records import PrepareRecord
from include.steps.plan_curve import plan_curve
from tests.builders import make_run, make_spec
from tests.reporting.samples import make_table


def prepared_with(train_rows: int) -> PrepareRecord:
    return PrepareRecord(
        features=make_table("features"),
        preprocessor_uri="",
        schema_uri="",
        train_rows=train_rows,
        validation_rows=0,
        test_rows=30,
        inputs=5,
    )


def test_a_run_that_does_not_ask_gets_no_shares() -> None:
    assert plan_curve(make_spec(), make_run(), prepared_with(1_000)).shares == ()


@pytest.mark.parametrize(
    ("rows", "shares"),
    [
        (1_000, (0.05, 0.1, 0.25, 0.5, 1.0)),
        (60, (0.25, 0.5, 1.0)),
        (12, (1.0,)),
    ],
)
def test_shares_of_too_few_rows_are_left_out(
    rows: int, shares: tuple[float, ...], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING)
    plan = plan_curve(make_spec(), make_run(learning_curve=True), prepared_with(rows))
    assert (plan.shares, plan.train_rows) == (shares, rows)
    assert ("left out" in caplog.text) is (len(shares) < 5)
