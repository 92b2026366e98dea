"""Showing progress: what is shown is the latest, and a server that is away holds up nothing."""

import threading
from typing import NamedTuple

from include.orchestration import task_progress as progress
from include.orchestration.task_progress import report_progress


class Epoch(NamedTuple):
    epoch: int
    epochs: int = 9
    metrics: dict[str, float] = {}  # noqa: RUF012 - never changed
    seconds: float = 1.0
    eta_seconds: float = 1.0


class SlowStore:
    """A state store whose server answers when it is let."""

    def __init__(self, *failures: Exception) -> None:
        self.asked, self.answer = threading.Semaphore(0), threading.Semaphore(0)
        self.epochs: list[int] = []
        self.failures = list(failures)

    def set(self, _key: str, value: dict[str, float]) -> None:
        self.asked.release()
        self.answer.acquire()
        if self.failures:
            raise self.failures.pop()
        self.epochs.append(value["epoch"])


def test_an_epoch_does_not_wait_and_the_latest_is_shown(monkeypatch):
    monkeypatch.setattr(progress, "SECONDS_BETWEEN_WRITES", 0.0)
    store = SlowStore()
    show = report_progress(store)
    show(Epoch(1))
    store.asked.acquire()  # the write of the first has begun, and does not come to an end
    for epoch in (2, 3, 4):
        show(Epoch(epoch))
    assert store.epochs == []
    store.answer.release()
    store.asked.acquire()
    store.answer.release()
    show(Epoch(9))
    store.asked.acquire()
    assert store.epochs == [1, 4]


def test_a_failure_is_told_once_and_writing_goes_on(monkeypatch, caplog):
    for name in ("SECONDS_BETWEEN_WRITES", "SECONDS_AFTER_FAILURE"):
        monkeypatch.setattr(progress, name, 0.0)
    store = SlowStore(OSError("the API server is away"))
    show = report_progress(store)
    show(Epoch(1))
    store.answer.release()
    store.asked.acquire()
    show(Epoch(2))
    store.asked.acquire()
    store.answer.release()
    show(Epoch(3))
    store.asked.acquire()
    assert store.epochs == [2]
    assert caplog.text.count("progress is not shown") == 1


def test_without_a_store_nothing_is_shown():
    report_progress(None)(Epoch(1))
