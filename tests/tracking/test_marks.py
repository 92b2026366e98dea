"""What a person marks a run as after its end, in MLflow."""

import subprocess
import sys

import pytest

from include.settings import Settings
from include.tracking.marks import main, mark_run
from include.tracking.runs import open_run
from tests.builders import make_run
from tests.mlflow_fixture import free_port


@pytest.fixture
def settings(mlflow_server, tmp_path):
    return Settings(mlflow_url=mlflow_server, home=tmp_path)


VERDICT = {"gatehouse.verdict": "keep"}


@pytest.mark.parametrize(
    ("ended", "tags", "state", "expected"),
    [
        ("FINISHED", VERDICT, "failed", "FAILED"),
        ("FINISHED", VERDICT, "success", "FINISHED"),
        ("FAILED", VERDICT, "success", "FINISHED"),
        ("KILLED", {}, "success", "KILLED"),
        ("KILLED", VERDICT, "failed", "KILLED"),
        ("RUNNING", VERDICT, "failed", "RUNNING"),
    ],
    ids=["a good one", "the same", "a judged one", "without a verdict", "ended", "under way"],
)
def test_a_mark_is_taken_over_and_never_makes_a_verdict(settings, ended, tags, state, expected):
    run = make_run(run_id=f"manual__{ended}{state}{len(tags)}")
    log = open_run(settings, run)
    log.set_tags(tags)
    if ended != "RUNNING":
        log.client.set_terminated(log.run_id, status=ended)
    before = log.client.get_run(log.run_id).info.end_time

    mark_run(settings, run, state)

    found = log.client.get_run(log.run_id)
    assert (found.info.status, found.info.end_time) == (expected, before)
    is_told = (ended == "FINISHED") != (state == "success") and ended != "RUNNING"
    assert ("gatehouse.marked" in found.data.tags) == is_told


def test_a_champions_run_that_was_marked_failed_is_not_written_to_again(settings):
    run = make_run(run_id="manual__champion")
    log = open_run(settings, run)
    log.set_tags({**VERDICT, "gatehouse.promoted": "true"})
    log.client.set_terminated(log.run_id, status="FINISHED")
    mark_run(settings, run, "failed")

    again = open_run(settings, run)

    assert again.run_id != log.run_id
    assert again.client.get_run(again.run_id).data.tags["gatehouse.follows"] == log.run_id


def test_a_marked_run_that_goes_on_is_marked_no_more(settings):
    run = make_run(run_id="manual__again")
    log = open_run(settings, run)
    log.client.set_terminated(log.run_id, status="FINISHED")
    mark_run(settings, run, "failed")
    assert "gatehouse.marked" not in open_run(settings, run).client.get_run(log.run_id).data.tags


def test_a_mark_of_a_run_that_mlflow_does_not_know_changes_nothing(settings):
    mark_run(settings, make_run(run_id="manual__unknown", pipeline="unknown"), "failed")


def test_the_process_that_tells_a_mark_says_when_the_server_stays_away(tmp_path, monkeypatch):
    monkeypatch.setenv("GATEHOUSE_MLFLOW_URL", f"http://127.0.0.1:{free_port()}")
    monkeypatch.setenv("GATEHOUSE_OUTAGE_SECONDS", "0")
    monkeypatch.setenv("GATEHOUSE_HOME", str(tmp_path))
    command = [sys.executable, "-m", main.__module__, "train__loans", "manual__1", "failed"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "the MLflow server must answer" in done.stderr
