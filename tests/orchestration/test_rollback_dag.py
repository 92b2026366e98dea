"""The DAG that goes back: whom it asks, and whose name stands in the history."""

from types import SimpleNamespace

import pytest

from include.orchestration.rollback_dag import build_rollback_dag, name_who
from tests.builders import make_spec

ADA = {"responded_by_user": {"id": "7", "name": "ada"}}


def test_whoever_is_asked_answers_before_anything_moves():
    dag = build_rollback_dag([make_spec()])
    assert dag.get_task("rollback").upstream_task_ids == {"ask"}
    assert dag.params["ask"] is False
    # Airflow would show the whole form as part of the question.
    assert not dag.get_task("ask").params


@pytest.mark.parametrize(
    ("run_type", "user", "answer", "expected"),
    [
        ("manual", "eve", None, "eve"),
        ("manual", None, None, "a person"),
        ("operator_triggered", "eve", None, "the comparison after promotion"),
        ("operator_triggered", "eve", ADA, "ada"),
    ],
)
def test_the_history_names_who_decided(run_type, user, answer, expected):
    run = SimpleNamespace(run_type=run_type, triggering_user_name=user)
    assert name_who(run, answer) == expected
