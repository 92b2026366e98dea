"""What a machine has left, and a container that has less."""

from pathlib import Path

import pytest

from include.modeling.machine import read_machine


def test_this_machine_has_memory_and_disk(tmp_path: Path) -> None:
    machine = read_machine(str(tmp_path / "not" / "there"), cgroup=tmp_path)
    assert machine.memory_bytes > 0
    assert machine.disk_bytes > 0


def test_a_container_has_what_its_limit_leaves(tmp_path: Path) -> None:
    (tmp_path / "memory.max").write_text("500000\n")
    (tmp_path / "memory.current").write_text("200000\n")
    assert read_machine(str(tmp_path), cgroup=tmp_path).memory_bytes == 300_000


@pytest.mark.parametrize("limit", ["max\n", ""], ids=["no limit", "unreadable"])
def test_a_container_without_a_limit_has_the_machine(tmp_path: Path, limit: str) -> None:
    (tmp_path / "memory.max").write_text(limit)
    assert read_machine(str(tmp_path), cgroup=tmp_path).memory_bytes > 10**6


def test_an_object_store_has_no_disk_to_fill() -> None:
    assert read_machine("memory://bucket/data").disk_bytes is None
