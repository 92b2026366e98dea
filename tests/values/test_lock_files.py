"""A lock: one at a time, told to whoever waits, free as soon as its holder is gone."""

import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from include.errors import GatehouseError
from include.values.lock_files import hold_lock

HOLDER = """
import sys, time
from pathlib import Path
from include.values.lock_files import hold_lock
with hold_lock(Path(sys.argv[1]), "working", print, timeout=10):
    print("held", flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def lock(tmp_path: Path) -> Path:
    return tmp_path / "run" / "some.lock"


@pytest.fixture
def holder(lock: Path) -> Iterator["subprocess.Popen[str]"]:
    """Hold the lock in another process, until its input ends."""
    with subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(lock)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        yield process
        process.kill()


def take(lock: Path, told: list[str], timeout: float = 30) -> None:
    with hold_lock(lock, "working", told.append, timeout=timeout):
        pass


def test_a_free_lock_is_taken_without_a_wait_and_silently(lock):
    told: list[str] = []
    for _ in range(2):
        take(lock, told, timeout=0)
    assert told == []


def test_a_second_process_waits_until_the_first_lets_go_and_says_so(lock, holder):
    told: list[str] = []
    has_told = threading.Event()

    def tell(line: str) -> None:
        told.append(line)
        has_told.set()

    def wait() -> None:
        with hold_lock(lock, "working", tell, timeout=30):
            pass

    second = threading.Thread(target=wait, daemon=True)
    second.start()
    assert has_told.wait(30)
    assert second.is_alive()
    assert told == [f"process {holder.pid} is working, too; waiting for it"]
    holder.stdin.close()
    second.join(30)
    assert not second.is_alive()


def test_the_lock_of_a_killed_process_is_free(lock, holder):
    holder.kill()
    holder.wait(10)
    take(lock, [], timeout=0)


def test_a_holder_that_never_ends_is_named(lock, holder):
    with pytest.raises(GatehouseError, match=f"Received: process {holder.pid} still holds"):
        take(lock, [], timeout=0)


def test_two_threads_of_one_process_exclude_each_other(lock):
    inside, most = 0, 0
    guard = threading.Lock()

    def enter() -> None:
        nonlocal inside, most
        with hold_lock(lock, "working", lambda _: None, timeout=10):
            with guard:
                inside, most = inside + 1, max(most, inside + 1)
            time.sleep(0.05)
            with guard:
                inside -= 1

    threads = [threading.Thread(target=enter) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert most == 1
