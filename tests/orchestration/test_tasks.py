"""What all tasks share: the size of records, the stop that Airflow asks for."""

import os
import signal

import pytest

from include.errors import GatehouseError
from include.orchestration.tasks import check_size, stop_requested
from include.records import PromoteRecord


def test_a_record_that_is_too_long_is_refused_with_advice():
    record = PromoteRecord(is_promoted=False, reason="x" * 9000)
    with pytest.raises(GatehouseError, match=r"below 8192 bytes. Received: PromoteRecord of 9\d+"):
        check_size(record)


def test_a_short_record_passes_as_it_is():
    record = PromoteRecord(is_promoted=False, reason="short")
    assert check_size(record) is record


def test_a_task_learns_that_airflow_asked_it_to_stop():
    before = signal.getsignal(signal.SIGTERM)
    with stop_requested() as stop:
        assert not stop()
        os.kill(os.getpid(), signal.SIGTERM)
        assert stop()
    assert signal.getsignal(signal.SIGTERM) is before
