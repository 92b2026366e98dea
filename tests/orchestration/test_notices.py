"""What people are told of a run: composed of names and counts, never of what a row holds."""

from types import SimpleNamespace

import pytest

from include.orchestration import notices
from include.records import Gate, MonitorRecord, PromoteRecord, Verdict
from include.steps.notify import SentNotice
from tests.builders import make_spec

RUN = SimpleNamespace(dag_id="train__loans", run_id="manual__2026-01-01T00:00:00+00:00")


@pytest.fixture
def read_notices(data_root, monkeypatch):
    """Give a function that reads what was told, by event; the run is one of an Airflow."""
    monkeypatch.setattr(notices, "get_current_context", lambda: {"dag_run": RUN})

    def read():
        files = sorted((data_root / "notices" / "loans").glob("*.json"))
        told = [SentNotice.model_validate_json(path.read_bytes()).notice for path in files]
        return {notice.event: notice for notice in told}

    return read


def judged(kind, *passed):
    gates = [
        Gate(name="worst slice job = smith", is_passed=each, detail="smith") for each in passed
    ]
    return Verdict(kind=kind, gates=tuple(gates), reason="job = smith is worse")


def compared(*drifted):
    values = {"version": "3", "rows": 9, "starts_training": False, "window_uri": "x"}
    return MonitorRecord(**values, drifted=drifted, why=f"{', '.join(drifted)} drifted")


def test_a_failed_run_leads_to_its_page_and_a_failed_data_gate_is_told_as_one(read_notices):
    notices.tell_failure(make_spec(), RUN, "train failed")
    notices.tell_failure(make_spec(), RUN, "validate failed")
    told = read_notices()
    assert told["failed"].why == "train failed"
    assert told["gates"].what == "the data did not pass its gate"
    assert told["failed"].link.endswith("/runs/manual__2026-01-01T00%3A00%3A00%2B00%3A00")


def test_a_gate_is_counted_and_its_words_which_may_hold_a_value_are_not_told(read_notices):
    kept = PromoteRecord(is_promoted=False, reason="job = smith is worse")
    notices.tell_verdict(make_spec(), judged("keep", True, False), kept)
    notices.tell_approval(make_spec(), judged("inconclusive", True))
    told = read_notices()
    assert told["gates"].why == "1 of 2 gates were not passed"
    assert told["approval"].why == "the verdict is inconclusive"
    assert not any("smith" in notice.model_dump_json() for notice in told.values())


def test_a_lost_performance_is_told_as_a_drift_is(read_notices):
    lost = compared().model_copy(update={"lost": ("accuracy >= 0.8",)})
    notices.tell_drift(make_spec(), lost)
    assert read_notices()["drift"].what == "version 3 no longer keeps its bounds"


def test_a_promotion_is_told_with_the_way_back(read_notices):
    promoted = PromoteRecord(is_promoted=True, version="2", reason="version 2 is champion")
    notices.tell_verdict(make_spec(), judged("promote", True), promoted)
    assert read_notices()["promoted"].what == "version 2 is champion"
    assert "gatehouse rollback loans" in read_notices()["promoted"].next_move


def test_a_candidate_that_is_no_better_is_no_news(read_notices):
    kept = PromoteRecord(is_promoted=False, reason="no better")
    notices.tell_verdict(make_spec(), judged("keep", True), kept)
    notices.tell_drift(make_spec(), compared())
    assert read_notices() == {}


def test_the_same_drift_is_told_once_and_another_again(read_notices, data_root):
    for columns in (["age"], ["age"], ["age", "job"]):
        notices.tell_drift(make_spec(), compared(*columns))
    assert len(list((data_root / "notices" / "loans").glob("*.json"))) == 2
    assert "gatehouse run loans" in read_notices()["drift"].next_move


@pytest.mark.parametrize(
    ("connection", "address"),
    [
        (
            {"conn_type": "smtp", "host": "mx", "port": 587, "login": "me", "password": "a/b"},
            "smtp://me:a%2Fb@mx:587",
        ),
        ({"conn_type": "smtp", "host": "mx", "port": 465}, "smtps://mx:465"),
        (
            {
                "conn_type": "slackwebhook",
                "host": "https://hooks.org/services",
                "password": "T/B/x",
            },
            "https://hooks.org/services/T/B/x",
        ),
        ({"conn_type": "http", "host": "hooks.org", "port": 8080}, "https://hooks.org:8080"),
    ],
    ids=["mail", "mail over TLS", "Slack", "plain"],
)
def test_an_airflow_connection_is_written_as_an_address(monkeypatch, connection, address):
    from airflow.sdk import Connection

    found = Connection(conn_id="x", **connection)
    monkeypatch.setattr(notices.Connection, "get", lambda _: found)
    assert notices._find_address("x") == address
