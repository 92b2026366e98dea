"""What ends a task that must not go on: a stop, a dead supervisor, code that changed under way."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from include.errors import CodeChangedError, StoppedError
from include.orchestration import guards
from include.orchestration.guards import check_same_code, stop_at_once, stop_requested
from include.tables import code
from tests.builders import make_run, make_spec

STEP = "include.steps.promote"
ROOT = Path(__file__).resolve().parents[2]
# A supervisor that forks a task, as Airflow does; the task writes until something ends it.
SUPERVISOR = """
import os, sys, time
from pathlib import Path
from include.errors import StoppedError
from include.orchestration.guards import end_with_supervisor, stop_at_once

place = Path(sys.argv[1])
if os.fork():
    time.sleep(60)
else:
    (place / "pid").write_text(str(os.getpid()))
    try:
        with end_with_supervisor(), stop_at_once():
            (place / "started").touch()
            time.sleep(60)
    except StoppedError:
        (place / "stopped").touch()
"""


def test_a_step_that_can_end_cleanly_learns_that_airflow_asked_it_to():
    before = signal.getsignal(signal.SIGTERM)
    with stop_requested() as stop:
        assert not stop()
        os.kill(os.getpid(), signal.SIGTERM)
        assert stop()
    assert signal.getsignal(signal.SIGTERM) is before


def test_any_other_step_is_ended_and_its_cleaning_up_is_not():
    before = signal.getsignal(signal.SIGTERM)
    cleaned = []

    def work() -> None:
        try:
            os.kill(os.getpid(), signal.SIGTERM)
            time.sleep(5)
        finally:
            os.kill(os.getpid(), signal.SIGTERM)
            cleaned.append(True)

    with pytest.raises(StoppedError, match="a request to stop"), stop_at_once():
        work()
    assert cleaned == [True]
    assert signal.getsignal(signal.SIGTERM) is before


@pytest.mark.skipif(
    not sys.platform.startswith("linux"), reason="only Linux tells of a dead parent"
)
def test_a_task_ends_when_its_supervisor_is_killed(tmp_path: Path):
    supervisor = subprocess.Popen([sys.executable, "-c", SUPERVISOR, str(tmp_path)], cwd=ROOT)
    wait_for(tmp_path / "started")
    task = psutil.Process(int((tmp_path / "pid").read_text()))

    supervisor.kill()
    supervisor.wait()

    wait_for(tmp_path / "stopped")
    psutil.wait_procs([task], timeout=10)
    assert not task.is_running() or task.status() == psutil.STATUS_ZOMBIE


def test_a_pipeline_file_that_changes_during_a_run_ends_it(data_root):
    run = make_run(run_id="manual__spec")
    check_same_code(make_spec(), run, STEP, is_first=True)
    check_same_code(make_spec(), run, STEP, is_first=False)

    changed = make_spec(min_rows=7)
    with pytest.raises(CodeChangedError, match="Clear the first task"):
        check_same_code(changed, run, STEP, is_first=False)
    check_same_code(changed, run, STEP, is_first=True)
    check_same_code(changed, run, STEP, is_first=False)


def test_code_that_changes_during_a_run_ends_it(data_root, monkeypatch):
    run = make_run(run_id="manual__code")
    check_same_code(make_spec(), run, STEP, is_first=True)

    change_code(monkeypatch, "include.tracking.registry")

    with pytest.raises(CodeChangedError, match="another include.tracking.registry than"):
        check_same_code(make_spec(), run, STEP, is_first=False)


def test_a_data_root_that_was_moved_during_a_run_ends_it(data_root, monkeypatch):
    run = make_run(run_id="manual__moved")
    check_same_code(make_spec(), run, STEP, is_first=True)
    moved = data_root.rename(data_root.with_name("moved"))
    monkeypatch.setenv("GATEHOUSE_DATA_ROOT", str(moved))

    with pytest.raises(CodeChangedError, match=r"data root \(.*, now .*moved\).*Clear the first"):
        check_same_code(make_spec(), run, STEP, is_first=False)

    check_same_code(make_spec(), run, STEP, is_first=True)
    check_same_code(make_spec(), run, STEP, is_first=False)


def test_code_that_the_step_does_not_import_may_change_while_a_run_waits(data_root, monkeypatch):
    run = make_run(run_id="manual__waiting")
    check_same_code(make_spec(), run, "include.steps.ingest", is_first=True)

    change_code(monkeypatch, "include.cli", "include.reporting.explore_page", "include.steps.train")

    check_same_code(make_spec(), run, STEP, is_first=False)


def change_code(monkeypatch, *changed: str) -> None:
    """Let modules have other digests than they had."""
    read = code._read_module

    def read_changed(name):
        source = read(name)
        return source._replace(digest="another") if name in changed else source

    monkeypatch.setattr(code, "_read_module", read_changed)


def test_a_system_that_tells_of_no_dead_parent_goes_on_without(monkeypatch):
    monkeypatch.setattr(guards.sys, "platform", "darwin")
    with guards.end_with_supervisor():
        pass


def wait_for(path: Path) -> None:
    deadline = time.monotonic() + 60
    while not path.exists():
        assert time.monotonic() < deadline, path
        time.sleep(0.05)
