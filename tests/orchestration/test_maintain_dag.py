"""The housekeeping DAG: its order, when it does more, and that it needs nobody to switch it on."""

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pytest
from airflow.sdk.exceptions import AirflowSkipException

from include.orchestration.maintain_dag import build_maintain_dag, is_nightly, skip_by_day


def run_at(hour, minute):
    return SimpleNamespace(run_after=datetime(2026, 1, 1, hour, minute, tzinfo=UTC))


def test_what_was_left_open_is_closed_before_anything_is_removed():
    dag = build_maintain_dag()
    order = ["close_left_runs", "tell_late_runs", "clean", "trim_history", "doctor"]
    assert [task.task_id for task in dag.topological_sort()] == order
    assert dag.max_active_runs == 1
    assert dag.is_paused_upon_creation is False


@pytest.mark.parametrize(
    ("hour", "minute", "old", "expected"),
    [(3, 0, False, True), (3, 15, False, False), (2, 45, False, False), (12, 0, True, True)],
    ids=["first after three", "second after three", "before three", "asked for"],
)
def test_once_a_night_it_does_more(hour, minute, old, expected):
    assert is_nightly({"old": old}, run_at(hour, minute)) is expected


def test_by_day_the_nightly_tasks_are_skipped():
    with pytest.raises(AirflowSkipException):
        skip_by_day({"old": False}, run_at(12, 0))


def test_a_stack_that_just_came_up_is_left_to_its_first_training():
    assert build_maintain_dag().schedule.run_immediately == timedelta(0)
