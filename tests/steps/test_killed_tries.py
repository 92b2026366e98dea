"""A try that the kernel ended for want of memory: the next one says so, and is the last."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import nullcontext, suppress
from pathlib import Path

import pytest

from include.errors import RoomError, StoppedError
from include.modeling.memory import CGROUP
from include.orchestration.policies import RETRY_POLICY
from include.settings import PROJECT_ROOT
from include.steps.killed_tries import note_try
from include.tables.run_files import RunFiles
from tests.builders import make_run

# A step as a task runs it, that takes more and more memory, or is killed by somebody.
STEP = """
import os, signal, sys
from include.steps.killed_tries import note_try
from include.tables.run_files import RunFiles
from tests.builders import make_run

with note_try(RunFiles(sys.argv[1], make_run()), "train"):
    if sys.argv[2] == "killed":
        os.kill(os.getpid(), signal.SIGKILL)
    if sys.argv[2] == "crashed":
        os.abort()  # as C++ does of an allocation that fails (std::bad_alloc)
    held = b"1" * 400_000_000
"""
LIMIT_BYTES = 300_000_000
# Where version 2 and 1 keep the groups, and what the limit is called.
PLACES = ((CGROUP, "memory.max"), (CGROUP / "memory", "memory.limit_in_bytes"))


@pytest.fixture
def files(tmp_path: Path) -> RunFiles:
    return RunFiles(str(tmp_path), make_run())


@pytest.fixture
def small_group() -> Iterator[Path]:
    """Give a control group whose processes together may take 300 MB."""
    for root, limit in PLACES:
        group = root / f"gatehouse-test-{os.getpid()}"
        with suppress(OSError):
            group.mkdir()
            try:
                if (group / limit).exists():
                    (group / limit).write_text(str(LIMIT_BYTES))
                    yield group
                    return
            finally:
                group.rmdir()
    pytest.skip("no control group with a limit of memory may be made here")


def run_step(files: RunFiles, how: str, group: Path | None = None) -> tuple[int, str]:
    """Run the step in a process of its own; gives its exit code and what it said."""
    root = str(Path(files.directory).parents[2])
    join = f"echo $$ > {group}/cgroup.procs && " if group else ""
    command = f'{join}exec {sys.executable} -c "$0" {root} {how}'
    done = subprocess.run(
        ["/bin/sh", "-c", command, STEP],
        cwd=PROJECT_ROOT,
        env={**os.environ, "PYTHONPATH": str(PROJECT_ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, done.stderr


def test_a_step_that_the_kernel_ended_is_told_by_its_next_try_and_then_tried_no_more(
    files, small_group
):
    first, _ = run_step(files, "greedy", small_group)
    second, said = run_step(files, "greedy", small_group)
    assert (first, second) == (-signal.SIGKILL, 1)
    assert "RoomError: expected memory enough for train. Received: the system ended" in said
    assert "; 0.2 GB were free when that began, and it needed more. Now 0." in said
    assert "(row_limit)" in said
    assert RETRY_POLICY.evaluate(RoomError(said), 2, 4).action.value == "fail"
    # Whoever clears the task has it tried anew.
    assert run_step(files, "greedy", small_group)[0] == -signal.SIGKILL


def test_a_step_that_crashed_is_told_by_its_next_try_with_where_and_then_tried_no_more(files):
    first, _ = run_step(files, "crashed")
    second, said = run_step(files, "crashed")
    assert (first, second) == (-signal.SIGABRT, 1)
    assert "its last try crashed (Fatal Python error: Aborted), most often want of memory" in said
    assert 'File "<string>", line 11 in <module>' in said  # logged
    assert run_step(files, "crashed")[0] == -signal.SIGABRT


def test_what_anybody_else_killed_is_tried_again(files):
    for _ in range(2):
        assert run_step(files, "killed")[0] == -signal.SIGKILL


def write_kills(cgroup: Path, kills: int) -> Path:
    for name in ("memory.events", "memory.oom_control"):
        (cgroup / name).write_text(f"oom_kill {kills}\n")
    return cgroup


@pytest.mark.parametrize("end", [None, StoppedError("stop"), ValueError("wrong"), SystemExit()])
def test_a_try_that_ended_by_itself_leaves_no_word_for_the_next(files, tmp_path, end):
    # Another process of the group was ended meanwhile.
    with (
        pytest.raises(type(end)) if end else nullcontext(),
        note_try(files, "train", write_kills(tmp_path, 0)),
    ):
        if end:
            raise end
    with note_try(files, "train", write_kills(tmp_path, 1)):
        pass


def test_each_share_of_a_step_has_its_own_note(files, tmp_path):
    with (
        note_try(files, "predict_shard_0", write_kills(tmp_path, 0)),
        note_try(files, "predict_shard_1", write_kills(tmp_path, 1)),
    ):
        assert len(list((files.local_directory / "tries").iterdir())) == 2
