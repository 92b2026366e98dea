"""Triggering and watching: a double trigger is one run, and what a run waits for is told."""

import io
import re
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from include.errors import GatehouseError, InfrastructureError
from include.settings import Settings
from include.stack import airflow_api, training_run
from include.stack.airflow_api import AirflowApi, Triggered
from include.stack.run_result import TOLD, print_result
from include.stack.training_run import build_run_id, follow_training_run
from tests.builders import make_spec
from tests.stack.small_airflow import SmallAirflow

AT = datetime(2026, 7, 28, 14, 5, 59, tzinfo=UTC)
DAG = "train__loans"


@pytest.fixture
def airflow() -> Iterator[SmallAirflow]:
    with SmallAirflow() as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


@pytest.fixture
def settings(airflow: SmallAirflow, tmp_path: Path) -> Settings:
    return airflow.settings(tmp_path)


@pytest.fixture
def screen() -> Console:
    return Console(file=io.StringIO(), width=200)


def text_of(screen: Console) -> str:
    assert isinstance(screen.file, io.StringIO)
    return screen.file.getvalue()


def trigger(settings: Settings, conf: dict[str, Any]) -> Triggered:
    with AirflowApi(settings) as api:
        return api.trigger_once(DAG, conf, build_run_id(conf, AT))


def test_a_run_id_is_readable_and_one_that_airflow_allows():
    run_id = build_run_id({"note": "Grüße, [5] ../", "epochs": 3}, AT)
    assert re.fullmatch(r"manual__2026-07-28T14:05Z__[0-9a-f]{8}", run_id)
    assert re.fullmatch(r"^[A-Za-z0-9_.~:+-]+$", run_id)


def test_a_run_id_tells_minutes_and_parameters_apart_but_not_their_order():
    conf = {"epochs": 3, "batch_size": 4}
    same = build_run_id(dict(reversed(conf.items())), AT.replace(second=0))
    assert build_run_id(conf, AT) == same
    assert build_run_id({**conf, "epochs": 4}, AT) != same
    assert build_run_id(conf, AT.replace(minute=6)) != same


def test_a_run_need_not_wait_for_the_next_second_of_the_database(settings, airflow):
    run_id = trigger(settings, {}).run_id
    asked = datetime.fromisoformat(airflow.runs[run_id]["run_after"])
    assert datetime.now(UTC) - asked >= timedelta(seconds=1)


def test_two_triggers_at_the_same_moment_are_one_run(settings, airflow):
    barrier = threading.Barrier(2)

    def start(_: int) -> Triggered:
        barrier.wait()
        return trigger(settings, {"epochs": 3})

    with ThreadPoolExecutor(2) as pool:
        started = list(pool.map(start, range(2)))
    assert len(airflow.runs) == 1
    assert {one.run_id for one in started} == set(airflow.runs)
    assert sorted(one.is_new for one in started) == [False, True]


def test_other_parameters_in_the_same_minute_are_a_run_of_their_own(settings, airflow):
    assert trigger(settings, {"epochs": 3}).is_new
    assert trigger(settings, {"epochs": 4}).is_new
    assert len(airflow.runs) == 2


@pytest.mark.parametrize("state", ["success", "failed"])
def test_a_run_that_has_ended_is_run_again_in_the_same_minute(settings, airflow, state):
    first = trigger(settings, {})
    airflow.runs[first.run_id]["state"] = state
    again = trigger(settings, {})
    assert again == Triggered(f"{first.run_id}-2", is_new=True)
    assert trigger(settings, {}) == Triggered(again.run_id, is_new=False)


def test_without_waiting_the_address_is_told_and_that_is_all(settings, airflow, screen):
    assert follow_training_run(settings, make_spec(), {}, screen, wait=False)
    (run_id,) = airflow.runs
    assert f"{settings.airflow}/dags/{DAG}/runs/{run_id}" in text_of(screen)
    assert airflow.runs[run_id]["state"] == "queued"


def test_a_double_start_says_that_it_shows_the_first(settings, airflow, screen, monkeypatch):
    monkeypatch.setattr(training_run, "build_run_id", lambda conf, _: build_run_id(conf, AT))
    for _ in range(2):
        follow_training_run(settings, make_spec(), {}, screen, wait=False)
    assert "was triggered with the same parameters in this minute" in text_of(screen)
    assert len(airflow.runs) == 1


def watch(
    settings: Settings, airflow: SmallAirflow, screen: Console, until: str, **changes: Any
) -> str:
    """Follow a run until a text shows, then let it fail."""
    spec = make_spec(**changes)
    with ThreadPoolExecutor(1) as pool:
        watching = pool.submit(follow_training_run, settings, spec, {}, screen)
        for _ in range(100):
            if until in text_of(screen) or watching.done():
                break
            threading.Event().wait(0.1)
        for run in airflow.runs.values():
            run["state"] = "failed"
        assert watching.result(20) is False
    return text_of(screen)


def test_a_run_that_waits_for_an_answer_says_where_and_until_when(settings, airflow, screen):
    asked = {"task_id": "approve", "state": "awaiting_input", "map_index": -1}
    airflow.tasks = [{**asked, "start_date": "2026-07-28T14:05:00Z"}]
    airflow.question = "**Log loss is lower.**\n\n- Worst slice: job = a\\|b."
    text = watch(settings, airflow, screen, "Ctrl-C", promotion={"approval_hours": 36})
    (run_id,) = airflow.runs
    until = datetime(2026, 7, 30, 2, 5, tzinfo=UTC).astimezone()
    assert f"waits for your answer until {until:%Y-%m-%d %H:%M %Z}" in text
    assert f"{settings.airflow}/dags/{DAG}/runs/{run_id}/tasks/approve/required_actions" in text
    assert "the run goes on waiting" in text
    assert text.count("waits for your answer") == 1
    assert text.index("Log loss is lower.") < text.index("Worst slice: job = a|b.")


def test_where_there_is_no_terminal_a_line_tells_now_and_then_how_far_it_is(
    settings, airflow, screen, monkeypatch
):
    monkeypatch.setattr(training_run, "BEAT_SECONDS", 0.1)
    airflow.tasks = [{"task_id": "train", "state": "running", "map_index": -1}]
    text = watch(settings, airflow, screen, "tasks ended")
    assert "s: queued, 0 of 1 tasks ended, at train" in text


def test_a_failed_run_tells_each_rule_once_and_where_its_report_is(settings, airflow, screen):
    rules = "2 of 9 rules failed\nCRITICAL  unique  column age"
    error = {"exc_type": "QualityError", "exc_value": f"expected good data. Received: {rules}"}
    failed = {"task_id": "validate", "state": "failed", "map_index": -1, "try_number": 1}
    airflow.tasks = [failed, {**failed, "task_id": "close_run"}]
    airflow.answers = {
        "/validate/logs/1": {
            "content": [{"event": rules}, {"event": "Task failed", "error_detail": [error]}]
        },
        "/close_run/links": {"extra_links": {"Report": "http://mlflow/report.html"}},
    }
    text = watch(settings, airflow, screen, "triggered")
    assert text.count("CRITICAL  unique") == 1
    assert "expected good data" in text
    assert "report   http://mlflow/report.html" in text


def test_a_run_that_queues_behind_another_says_so(settings, airflow, screen, monkeypatch):
    monkeypatch.setattr(training_run, "QUEUE_SECONDS", 0)
    text = watch(settings, airflow, screen, "another run is under way")
    assert f"{settings.airflow}/dags/{DAG}/runs" in text


def test_a_run_that_waits_for_its_turn_says_so(settings, airflow, screen, monkeypatch):
    monkeypatch.setattr(training_run, "QUEUE_SECONDS", 0)
    airflow.tasks = [{"task_id": "ingest", "state": "up_for_reschedule", "map_index": -1}]
    assert "waits for its turn" in watch(settings, airflow, screen, "another run is under way")


def test_a_run_that_somebody_deletes_is_not_watched_for_ever(settings, airflow, screen):
    with ThreadPoolExecutor(1) as pool:
        watching = pool.submit(follow_training_run, settings, make_spec(), {}, screen)
        while "triggered" not in text_of(screen):
            threading.Event().wait(0.1)
        airflow.runs.clear()
        with pytest.raises(GatehouseError, match="must be there to be watched. Received: it is g"):
            watching.result(20)


def test_a_token_that_has_expired_is_asked_for_anew(settings, airflow):
    with AirflowApi(settings) as api:
        airflow.tokens.clear()
        assert api.get_dag(DAG) == {}
    assert airflow.signed_in == 2


def test_a_trigger_that_the_database_had_no_turn_for_is_asked_again(airflow, settings, monkeypatch):
    monkeypatch.setattr(airflow_api, "WRITE_PAUSE_SECONDS", 0.0)
    airflow.failures = ["before", "before"]
    assert trigger(settings, {"epochs": 1}).is_new
    assert len(airflow.runs) == 1


def test_a_dag_is_unpaused_once_the_database_has_a_turn_for_it(airflow, settings, monkeypatch):
    monkeypatch.setattr(airflow_api, "WRITE_PAUSE_SECONDS", 0.0)
    airflow.failures = ["before"]
    with AirflowApi(settings) as api:
        api.unpause(DAG)
    assert not airflow.failures


def test_a_trigger_that_failed_after_it_was_stored_is_one_run_and_ours(
    airflow, settings, monkeypatch
):
    monkeypatch.setattr(airflow_api, "WRITE_PAUSE_SECONDS", 0.0)
    airflow.failures = ["after"]
    assert trigger(settings, {"epochs": 1}).is_new
    assert len(airflow.runs) == 1


def test_a_database_that_never_has_a_turn_is_named(airflow, settings, monkeypatch):
    monkeypatch.setattr(airflow_api, "WRITE_PAUSE_SECONDS", 0.0)
    airflow.failures = ["before"] * 100
    with pytest.raises(InfrastructureError, match="HTTP 500"):
        trigger(settings, {"epochs": 1})


def test_a_run_behind_a_dead_one_says_so_and_until_when(airflow, settings, screen, monkeypatch):
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    monkeypatch.setattr(training_run, "QUEUE_SECONDS", 0)
    airflow.runs["manual__dead"] = {"dag_run_id": "manual__dead", "state": "running"}
    airflow.tasks = [
        {"task_id": "train", "state": "running", "hostname": socket.getfqdn(), "pid": gone.pid}
    ]

    def end_when_told() -> None:
        while "is dead" not in text_of(screen):
            time.sleep(0.05)
        for entry in airflow.runs.values():
            entry["state"] = "failed"

    ender = threading.Thread(target=end_when_told, daemon=True)
    ender.start()
    follow_training_run(settings, make_spec(), {}, screen)
    ender.join()
    assert re.search(r"run manual__dead is dead: .* task train .*120 s", text_of(screen), re.DOTALL)


@pytest.mark.parametrize(
    ("state", "said"),
    [
        ("success", "ended without a verdict, marked success by hand,"),
        ("failed", "no task failed: somebody marked the run in Airflow"),
    ],
)
def test_a_run_that_a_person_marked_is_no_success(airflow, settings, screen, state, said):
    def mark() -> None:
        while not airflow.runs:
            time.sleep(0.05)
        for entry in airflow.runs.values():
            entry["state"] = state

    marker = threading.Thread(target=mark, daemon=True)
    marker.start()
    assert follow_training_run(settings, make_spec(), {}, screen) is False
    marker.join()
    assert said in text_of(screen)
    assert "verdict  None" not in text_of(screen)


def test_close_run_fails_with_the_others_and_only_their_logs_are_shown(airflow, settings, screen):
    airflow.tasks = [
        {"task_id": name, "state": "failed", "map_index": -1} for name in ("train", "close_run")
    ]
    text = watch(settings, airflow, screen, "triggered")
    assert "train failed" in text
    assert "close_run failed; the end" not in text


def test_an_asset_is_changed_by_its_name_where_airflow_knows_it(airflow, settings):
    known = [{"id": 7, "name": "model__loans_2"}, {"id": 8, "name": "model__loans"}]
    airflow.answers = {"/assets?name_pattern=model__loans": {"assets": known}}
    with AirflowApi(settings) as api:
        assert api.change_asset("model__loans", {"version": "1"})
        assert not api.change_asset("model__others", {"version": "1"})
    [event] = airflow.runs.values()
    assert (event["asset_id"], event["extra"]) == (8, {"version": "1"})


def test_what_the_verdict_warns_of_is_told_after_it(screen):
    said = "the candidate never predicts 'yes', which 83 of 400 [test] rows are"
    records = {name: {} for name in TOLD} | {
        "judge": {"kind": "promote", "reason": "better", "warnings": [said]}
    }
    print_result(records, screen)
    assert f"verdict  promote: better\nwarning  {said}\n" in text_of(screen)
