"""Starting and finding processes: obstacles are named, what is gone counts for nothing."""

import json
import math
import os
import shutil
import socket
import stat
import subprocess
import sys
import threading

import psutil
import pytest

from include.errors import GatehouseError
from include.settings import Settings
from include.stack import services
from include.values.lock_files import hold_lock
from tests.mlflow_fixture import free_port


@pytest.fixture
def settings(tmp_path):
    return Settings(home=tmp_path, airflow_port=free_port(), mlflow_port=free_port())


def remember(settings: Settings, name: str, pid: int, created: float) -> None:
    path = settings.home / "run" / f"{name}.json"
    path.parent.mkdir(exist_ok=True)
    entry = {"pid": pid, "created": created, "home": str(settings.home)}
    path.write_text(json.dumps(entry), encoding="utf-8")


def test_a_taken_port_names_its_setting(tmp_path):
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        port = listener.getsockname()[1]
        settings = Settings(home=tmp_path, airflow_port=port, mlflow_port=free_port())
        with pytest.raises(GatehouseError, match=f"GATEHOUSE_AIRFLOW_PORT.*Received: {port}"):
            services.start_stack(settings, print)


def start_sleeping(settings: Settings) -> subprocess.Popen[bytes]:
    """Start a process as a service is started, and remember it."""
    child = subprocess.Popen(
        [sys.executable, "-c", "import time; time.sleep(60)"],
        cwd=settings.home,
        start_new_session=True,
    )
    remember(settings, "scheduler", child.pid, psutil.Process(child.pid).create_time())
    return child


def test_a_process_id_that_belongs_to_another_by_now_counts_for_nothing(settings):
    own = psutil.Process(os.getpid())
    remember(settings, "mlflow", own.pid, own.create_time() - 1000)
    assert services.find_process(settings, "mlflow") is None


@pytest.mark.parametrize("content", ["", "{", '{"pid": 999999999, "created": 1}', "[]"])
def test_a_damaged_or_stale_file_counts_for_nothing(settings, content):
    path = settings.home / "run" / "mlflow.json"
    path.parent.mkdir()
    path.write_text(content, encoding="utf-8")
    assert services.find_process(settings, "mlflow") is None


def test_down_does_not_wait_for_a_parent_that_never_collects_what_has_ended(settings, monkeypatch):
    monkeypatch.setattr(services, "STOP_SECONDS", math.inf)
    start = (
        "import subprocess, sys, time\n"
        "child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)'],"
        " start_new_session=True)\n"
        "print(child.pid, flush=True)\n"
        "time.sleep(60)"
    )
    with subprocess.Popen(
        [sys.executable, "-c", start], cwd=settings.home, stdout=subprocess.PIPE, text=True
    ) as parent:
        pid = int(parent.stdout.readline())
        remember(settings, "scheduler", pid, psutil.Process(pid).create_time())
        assert services.stop_stack(settings) == ["scheduler"]
        assert psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
        parent.kill()


def test_down_ends_the_whole_group_and_is_safe_to_repeat(settings):
    child = start_sleeping(settings)
    assert services.stop_stack(settings) == ["scheduler"]
    assert child.poll() is not None
    assert services.stop_stack(settings) == []


def test_what_was_up_before_its_directory_moved_is_stopped_from_the_new_place(tmp_path):
    old, new = tmp_path / "old", tmp_path / "new"
    old.mkdir()
    child = start_sleeping(Settings(home=old))
    old.rename(new)
    assert services.stop_stack(Settings(home=new)) == ["scheduler"]
    assert child.poll() is not None


def test_what_was_up_before_its_directory_moved_is_not_taken_for_what_is_started(tmp_path):
    old, new = tmp_path / "old", tmp_path / "new"
    old.mkdir()
    child = start_sleeping(Settings(home=old))
    old.rename(new)
    told = []
    with socket.socket() as listener:  # so that nothing is started in its place
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        port = listener.getsockname()[1]
        moved = Settings(home=new, airflow_port=port, mlflow_port=free_port())
        with pytest.raises(GatehouseError, match="GATEHOUSE_AIRFLOW_PORT"):
            services.start_stack(moved, told.append)
    assert child.poll() is not None
    assert told == [f"what was started in {old} is stopped: it was moved to {new}"]


def test_a_copy_of_a_directory_neither_finds_nor_stops_what_runs_in_the_original(tmp_path):
    original, copy = tmp_path / "original", tmp_path / "copy"
    original.mkdir()
    child = start_sleeping(Settings(home=original))
    shutil.copytree(original, copy)
    assert services.read_health(Settings(home=copy))["scheduler"] == "down"
    assert services.stop_stack(Settings(home=copy)) == []
    assert child.poll() is None
    assert services.stop_stack(Settings(home=original)) == ["scheduler"]
    assert child.poll() is not None


@pytest.mark.parametrize("is_collected", [True, False])
def test_what_a_killed_service_left_running_ends_too(settings, is_collected):
    # Only the parent prints: of two writers, either may be first.
    fork = "import os, time; child = os.fork(); child and print(child, flush=True); time.sleep(60)"
    service = subprocess.Popen(
        [sys.executable, "-c", fork], start_new_session=True, stdout=subprocess.PIPE, text=True
    )
    left = psutil.Process(int(service.stdout.readline()))
    remember(settings, "scheduler", service.pid, psutil.Process(service.pid).create_time())
    service.kill()
    if is_collected:
        service.wait()
    else:
        os.waitid(os.P_PID, service.pid, os.WEXITED | os.WNOWAIT)
    service.stdout.close()
    assert left.is_running()

    services.stop_stack(settings)

    service.wait()
    psutil.wait_procs([left], timeout=10)
    assert not left.is_running() or left.status() == psutil.STATUS_ZOMBIE


def test_everything_is_down_before_the_first_start(settings):
    assert set(services.read_health(settings).values()) == {"down"}


def test_every_service_listens_on_loopback_only(settings):
    from include.stack.environment import build_environment

    environment = build_environment(settings)
    assert environment["AIRFLOW__API__HOST"] == "127.0.0.1"
    for service in services.build_services(settings):
        if service.name == "mlflow":
            assert "--host=127.0.0.1" in service.command
        if service.name in {"scheduler", "triggerer"}:
            assert "--skip-serve-logs" in service.command


def test_a_start_waits_for_the_start_of_another_process(settings):
    lock, told, ended = settings.home / "run" / "start.lock", [], []

    def start() -> None:
        try:
            services.start_stack(settings, told.append)
        except GatehouseError as error:
            ended.append(str(error))

    # Its port is taken, so that the start ends at once when its turn comes.
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", settings.airflow_port))
        listener.listen()
        second = threading.Thread(target=start, daemon=True)
        with hold_lock(lock, "starting", print, timeout=1):
            second.start()
            second.join(3)
            assert second.is_alive()
            assert [line for line in told if "waiting for it" in line]
        second.join(10)
    assert "GATEHOUSE_AIRFLOW_PORT" in ended[0]


@pytest.mark.slow  # a journey looks at the whole stack's files; this one at an earlier release's
def test_what_the_services_write_is_readable_by_the_owner_only(settings):
    # A directory of an earlier release, open to everybody.
    logs = settings.home / "logs"
    logs.mkdir(mode=0o755)
    try:
        services.start_mlflow(settings, print)
        written = [
            settings.home / place
            for place in ("mlflow/mlflow.db", "logs/mlflow.log", "run/mlflow.json")
        ]
        assert [stat.S_IMODE(path.stat().st_mode) for path in written] == [0o600] * 3
    finally:
        services.stop_stack(settings)
    assert stat.S_IMODE(logs.stat().st_mode) == 0o700
