"""A try that ended without a word, for want of memory or in native code: the next one says so.

What ends a process outright leaves its note behind: the kernel counts whom it ended for memory, and
Python's fault handler writes down a crash. Any other kill is tried again.
"""

import faulthandler
import json
import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from include.errors import RoomError
from include.modeling.memory import CGROUP, count_kills, free_bytes
from include.tables.run_files import RunFiles
from include.tables.storage_errors import NEEDS_LESS

logger = logging.getLogger(__name__)
DIRECTORY: Final = "tries"


@contextmanager
def note_try(files: RunFiles, step: str, cgroup: Path = CGROUP) -> Iterator[None]:
    """Note on this machine that a step is at work, until it ends by itself in whatever way.

    Args:
        files: The run's files.
        step: Name of the step, or of its share.
        cgroup: Directory of the control groups.

    Raises:
        RoomError: The step was at work before, and the kernel ended it or native code crashed.
    """
    note = files.local_directory / DIRECTORY / f"{step}.json"
    note.parent.mkdir(exist_ok=True)
    kills = count_kills(cgroup)
    try:
        if note.exists():
            _check_last_try(step, note.read_text(encoding="utf-8"), kills, free_bytes(cgroup))
        with note.open("w", encoding="utf-8") as file:
            file.write(json.dumps({"kills": kills, "free_bytes": free_bytes(cgroup)}) + "\n")
            file.flush()
            with _crashes_written_to(file.fileno()):
                yield
    finally:
        note.unlink(missing_ok=True)


def _check_last_try(step: str, note: str, kills: int, free: int) -> None:
    head, _, crash = note.partition("\n")
    before = json.loads(head)
    if kills > before["kills"]:
        end = "the system ended its last try for want of memory"
    elif crash:
        logger.error("the last try crashed: %s", crash)
        end = f"its last try crashed ({crash.partition(chr(10))[0]}), most often want of memory"
    else:
        return
    raise RoomError(
        f"expected memory enough for {step}. Received: {end}; {before['free_bytes'] / 1e9:.1f} GB "
        f"were free when that began, and it needed more. Now {free / 1e9:.1f} GB are free. "
        f"{NEEDS_LESS} Clear the task to try again all the same."
    )


@contextmanager
def _crashes_written_to(file: int) -> Iterator[None]:
    was_enabled = faulthandler.is_enabled()
    faulthandler.enable(file)
    try:
        yield
    finally:
        faulthandler.disable()
        if was_enabled and sys.__stderr__ is not None:
            faulthandler.enable(sys.__stderr__)
