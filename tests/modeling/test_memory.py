"""What memory is left to this process, and how many the kernel ended for want of it."""

import subprocess
import sys
from pathlib import Path

import pytest

from include.modeling.memory import count_kills, free_bytes, total_bytes
from include.settings import PROJECT_ROOT

LIMITED = """
import resource
from include.modeling.memory import free_bytes, total_bytes

used = int(open("/proc/self/statm").read().split()[0]) * resource.getpagesize()
resource.setrlimit(resource.RLIMIT_AS, (used + 50_000_000, resource.RLIM_INFINITY))
print(free_bytes(), total_bytes() - used)
"""


def write_group(place: Path, **files: str) -> None:
    place.mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        (place / name.replace("__", ".")).write_text(text)


@pytest.mark.parametrize(
    ("names", "cache"),
    [
        (("memory__max", "memory__current"), "inactive_file"),
        (("memory__limit_in_bytes", "memory__usage_in_bytes"), "total_inactive_file"),
    ],
    ids=["version 2", "version 1"],
)
def test_files_that_a_container_has_read_leave_their_memory_to_whoever_asks(tmp_path, names, cache):
    limit, used = names
    write_group(tmp_path, **{limit: "500000", used: "400000"})
    assert free_bytes(tmp_path) == 100_000
    write_group(tmp_path, memory__stat=f"anon 1\n{cache} 250000\n")
    assert free_bytes(tmp_path) == 350_000
    write_group(tmp_path, **{used: "900000"}, memory__stat="")
    assert free_bytes(tmp_path) == 0


def test_the_most_that_a_container_can_have_is_its_limit_whatever_is_taken(tmp_path):
    write_group(tmp_path, memory__max="max", memory__current="400000")
    assert total_bytes(tmp_path) > 500_000
    write_group(tmp_path, memory__max="500000", memory__current="499999")
    assert total_bytes(tmp_path) == 500_000


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the limit is Linux's")
def test_a_limit_of_the_process_itself_counts():
    done = subprocess.run(
        [sys.executable, "-c", LIMITED],
        cwd=PROJECT_ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    free, most = map(int, done.stdout.split())
    assert 0 < free <= most == 50_000_000


def test_kills_are_those_of_the_own_group(tmp_path):
    write_group(tmp_path, memory__events="low 0\noom 4\noom_kill 3\n")
    assert count_kills(tmp_path) == 3
    write_group(tmp_path, memory__events="")
    write_group(tmp_path, memory__oom_control="oom_kill_disable 0\nunder_oom 0\noom_kill 2\n")
    assert count_kills(tmp_path) == 2


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="Linux counts them")
def test_without_a_group_kills_are_those_of_the_machine(tmp_path):
    lines = Path("/proc/vmstat").read_text().split()
    assert count_kills(tmp_path) == int(lines[lines.index("oom_kill") + 1])
