"""What waits, how long, and what it says it waits for."""

import pytest

from include.errors import DataError, TrackingUnavailableError
from include.orchestration.policies import RETRY_POLICY, default_args
from tests.builders import make_spec


def waits(error: Exception) -> list[float | None]:
    tries = default_args(make_spec())["retries"]
    decisions = [RETRY_POLICY.evaluate(error, number, tries) for number in range(1, tries + 1)]
    return [each.retry_delay and each.retry_delay.total_seconds() for each in decisions]


@pytest.mark.parametrize("total", [600, 30])
def test_the_waits_for_a_server_grow_and_come_to_the_setting(monkeypatch, total):
    monkeypatch.setenv("GATEHOUSE_OUTAGE_SECONDS", str(total))
    seconds = waits(TrackingUnavailableError("MLflow must answer"))
    assert sum(seconds) == pytest.approx(total)
    assert seconds == sorted(seconds)
    assert len(set(seconds)) == len(seconds)


def test_a_wait_says_what_it_waits_for():
    decision = RETRY_POLICY.evaluate(TrackingUnavailableError("MLflow must answer"), 2, 4)
    assert "waits 40 s for: TrackingUnavailableError: MLflow must answer" in decision.reason


def test_a_cleared_task_begins_with_the_short_wait():
    # Clearing adds the retries to the tries that there were.
    decision = RETRY_POLICY.evaluate(TrackingUnavailableError("away"), 6, 9)
    assert decision.retry_delay.total_seconds() == 10


def test_what_would_fail_again_does_not_wait():
    decision = RETRY_POLICY.evaluate(DataError("no"), 1, 4)
    assert (decision.action.value, decision.retry_delay) == ("fail", None)
