"""When a person is asked, what their answer means, and what is left to Airflow."""

from types import SimpleNamespace

import pytest

from include.errors import GatehouseError
from include.orchestration.approval import build_approval, read_answer
from include.records import Answer
from include.records.model import PROMOTE
from tests.builders import make_spec

ADA = {"id": "7", "name": "ada"}
KEEP = "Keep version 3"


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (None, None),
        ({"chosen_options": [KEEP], "responded_by_user": None}, None),
        (
            {"chosen_options": [PROMOTE], "responded_by_user": ADA, "params_input": {}},
            Answer(is_yes=True, by="ada"),
        ),
        (
            {
                "chosen_options": [KEEP],
                "responded_by_user": {"id": "7", "name": None},
                "params_input": {"reason": " too few rows\n"},
            },
            Answer(is_yes=False, by="7", reason="too few rows"),
        ),
        (
            {
                "chosen_options": [PROMOTE],
                "responded_by_user": ADA,
                "params_input": {"reason": None},
            },
            Answer(is_yes=True, by="ada"),
        ),
    ],
    ids=["not asked", "no answer in time", "yes", "no, with a reason", "yes, without a reason"],
)
def test_an_answer_says_what_who_and_why(answer, expected):
    assert read_answer(answer) == expected


def test_a_verdict_that_is_not_there_is_named_rather_than_asked_about():
    ti = SimpleNamespace(xcom_pull=lambda task_ids: None)
    with pytest.raises(GatehouseError, match="approve needs the record of judge"):
        build_approval(make_spec()).execute({"ti": ti})


def test_a_reason_that_is_too_long_is_refused():
    approve = build_approval(make_spec())
    with pytest.raises(ValueError, match="too long"):
        approve.validate_params_input({"reason": "x" * 501})
