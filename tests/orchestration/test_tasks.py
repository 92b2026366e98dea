"""What all tasks share: the size of records, and what an answer means."""

import pytest

from include.errors import GatehouseError
from include.orchestration.approval import APPROVE, REJECT, read_answer
from include.orchestration.tasks import check_size
from include.records import PromoteRecord


def test_a_record_that_is_too_long_is_refused_with_advice():
    record = PromoteRecord(is_promoted=False, reason="x" * 9000)
    with pytest.raises(GatehouseError, match=r"below 8192 bytes. Received: PromoteRecord of 9\d+"):
        check_size(record)


def test_a_short_record_passes_as_it_is():
    record = PromoteRecord(is_promoted=False, reason="short")
    assert check_size(record) is record


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (None, None),
        ({"chosen_options": [APPROVE], "responded_by_user": {"id": "admin"}}, True),
        ({"chosen_options": [REJECT], "responded_by_user": {"id": "admin"}}, False),
        ({"chosen_options": [REJECT], "responded_by_user": None}, None),
    ],
    ids=["not asked", "yes", "no", "no answer in time"],
)
def test_no_answer_is_not_taken_for_a_no(answer, expected):
    assert read_answer(answer) is expected
