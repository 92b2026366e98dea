"""What keeps a task from going on when it should not: a stop, a dead supervisor, changed code."""

import ctypes
import json
import logging
import os
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Final

from include.errors import CodeChangedError, GatehouseError, StoppedError
from include.records import RunContext
from include.records.names import FINGERPRINT
from include.settings import load_settings
from include.specs import PipelineSpec

logger = logging.getLogger(__name__)
# What every task runs its step with.
RUNNER: Final = "include.steps.runner"
# Linux: the signal that a process gets when its parent dies (prctl, option 1).
PR_SET_PDEATHSIG: Final = 1


@contextmanager
def stop_requested() -> Iterator[Callable[[], bool]]:
    """Give a function that tells whether Airflow asked this task to end (SIGTERM).

    Airflow's own handler only calls `on_kill` and lets the task go on until it is killed, so a
    step that can end cleanly has to be told.
    """
    received: list[int] = []
    before = signal.signal(signal.SIGTERM, lambda number, _frame: received.append(number))
    try:
        yield lambda: bool(received)
    finally:
        signal.signal(signal.SIGTERM, before)


@contextmanager
def stop_at_once() -> Iterator[None]:
    """End the block with an exception when Airflow asks this task to end (SIGTERM).

    Raises:
        StoppedError: It asked.
    """

    def end(_number: int, _frame: Any) -> None:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)  # once is enough: cleaning up goes on
        raise StoppedError(
            "the task runs to its end. Received: a request to stop. Clear the task to run it again."
        )

    before = signal.signal(signal.SIGTERM, end)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


@contextmanager
def end_with_supervisor() -> Iterator[None]:
    """Ask the kernel to stop this task when its supervisor dies; Linux only.

    Without a supervisor nobody tells Airflow that the task is alive, so a retry starts while this
    one would go on writing.
    """
    supervisor = os.getppid()
    is_set = _set_death_signal(signal.SIGTERM)
    if is_set and os.getppid() != supervisor:  # it died in between
        os.kill(os.getpid(), signal.SIGTERM)
    try:
        yield
    finally:
        if is_set:
            _set_death_signal(0)


def _set_death_signal(number: int) -> bool:
    if not sys.platform.startswith("linux"):
        return False
    try:
        return bool(ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, int(number)) == 0)
    except (OSError, AttributeError):
        logger.warning("this system cannot stop a task whose supervisor dies")
        return False


def missing_record(step: str, name: str) -> GatehouseError:
    """Say that a task lacks what the one before it hands on."""
    return GatehouseError(
        f"{step} needs the record of {name}, which a task hands on when it has run. Received: "
        f"none; {name} was marked success by hand. Clear {name} with all that follow it."
    )


def check_same_code(spec: PipelineSpec, run: RunContext, step: str, *, is_first: bool) -> None:
    """Refuse to mix two states of the project, the pipeline file or the data root in one run.

    The first task notes every module of the project, and of a builder of the user's own. A later
    task looks at those that its own step imports, so a change elsewhere, or of a docstring, does
    not fail a run that has been waiting for an answer since.

    Args:
        spec: The pipeline, with this run's parameters written in.
        run: The DAG run; the fingerprint lies among its files.
        step: Name of the module whose step is about to run.
        is_first: Whether this is the first task, which takes the fingerprint.

    Raises:
        CodeChangedError: They are not what they were at the first task.
    """
    from include.tables.code import find_code, list_modules
    from include.tables.digests import digest_key
    from include.tables.run_files import RunFiles

    root = load_settings().data
    files = RunFiles(root, run)
    builder = spec.model.kind.rpartition(".")[0]
    own = [builder] if builder else []
    if is_first or not files.exists(FINGERPRINT):
        noted = {
            "spec": digest_key(spec),
            "code": find_code(*list_modules(), *own),
            "root": root,
        }
        files.write_bytes(FINGERPRINT, json.dumps(noted, indent=1).encode())
        return
    before = json.loads(files.read_bytes(FINGERPRINT))
    now = find_code(step, RUNNER, *own)
    changed = [name for name, digest in now.items() if before["code"].get(name, digest) != digest]
    if before["spec"] != digest_key(spec):
        changed.insert(0, "the pipeline's file")
    # What the tasks before handed on names files there.
    if before.get("root", root) != root:
        changed.insert(0, f"data root ({before['root']}, now {root})")
    if changed:
        raise CodeChangedError(
            "what a run's tasks import, the pipeline's file and the data root must stay the same "
            f"during the run. Received: another {', '.join(changed[:5])} than at the first task. "
            "Clear the first task with all that follow it: what the change does not touch is "
            "reused."
        )
