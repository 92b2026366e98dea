"""What the person who is asked to approve gets to read, and what their answer means."""

from types import SimpleNamespace

import pytest
from markdown_it import MarkdownIt

from include.errors import GatehouseError
from include.orchestration.approval import (
    APPROVE,
    REJECT,
    build_approval,
    describe_verdict,
    read_answer,
    read_responder,
)
from include.records import Gate, Verdict
from tests.builders import make_spec

HOSTILE = (
    "<img src=x onerror=alert(1)><script>alert(2)</script> [click](javascript:alert(3)) "
    "![i](http://evil/x.png) `code` | a | &lt;b&gt;\n\n# big\n\n- point"
)


def test_names_from_the_data_are_plain_text_to_markdown():
    verdict = Verdict(
        kind="inconclusive",
        gates=(Gate(name=HOSTILE, is_passed=True, detail="roc_auc *0.9*"),),
        reason=HOSTILE,
        needs_approval=True,
    )
    parsed = MarkdownIt("gfm-like", {"linkify": False}).parse(describe_verdict(verdict))
    kinds = {part.type for token in parsed for part in (token, *(token.children or ()))}
    assert kinds <= {
        *("paragraph_open", "paragraph_close", "bullet_list_open", "bullet_list_close"),
        *("list_item_open", "list_item_close", "inline", "text", "text_special"),
        *("strong_open", "strong_close"),
    }
    texts = [
        "".join(part.content for part in token.children or ())
        for token in parsed
        if token.type == "inline"
    ]
    plain = " ".join(HOSTILE.split())
    assert texts == [plain, f"yes {plain}: roc_auc *0.9*"]


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


def test_the_person_who_answered_is_named():
    answer = {"chosen_options": [APPROVE], "responded_by_user": {"id": "7", "name": "ada"}}
    assert read_responder(answer) == "ada"
    assert read_responder({"chosen_options": [REJECT], "responded_by_user": None}) == ""


def test_a_verdict_that_is_not_there_is_named_rather_than_asked_about():
    ti = SimpleNamespace(xcom_pull=lambda task_ids: None)
    with pytest.raises(GatehouseError, match="approve needs the record of judge"):
        build_approval(make_spec()).execute({"ti": ti})
