"""One process at a time: a lock that the kernel frees when its holder ends, however it ends."""

import fcntl
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from include.errors import GatehouseError
from include.values.private_files import make_private_directory, private_opener

LOOK_SECONDS = 0.2
# Whoever finds the stack up holds the lock for a moment only, which is nothing to tell.
QUIET_SECONDS = 1.0


@contextmanager
def hold_lock(
    path: Path, doing: str, tell: Callable[[str], None], *, timeout: float
) -> Iterator[None]:
    """Hold a lock file, after waiting for whoever holds it.

    Args:
        path: The file; it stays, since to remove it would let two in.
        doing: What one process at a time does, e.g. `starting the stack`.
        tell: Called with a line if there is somebody to wait for.
        timeout: Seconds to wait for a holder that lives but does not come to an end.

    Raises:
        GatehouseError: The holder did not let go in time.
    """
    make_private_directory(path.parent)
    with open(path, "a+", encoding="utf-8", opener=private_opener) as file:
        started, has_told = time.monotonic(), False
        while not _try_lock(file):
            waited = time.monotonic() - started
            if waited > timeout:
                raise GatehouseError(
                    f"one process at a time may be {doing}. Received: process "
                    f"{_read_holder(file)} still holds {path} after {timeout:.0f} s. See what it "
                    "does and end it; the lock is free as soon as it is gone."
                )
            if waited > QUIET_SECONDS and not has_told:
                has_told = True
                tell(f"process {_read_holder(file)} is {doing}, too; waiting for it")
            time.sleep(LOOK_SECONDS)
        file.truncate(0)
        file.write(str(os.getpid()))
        file.flush()
        yield


def _try_lock(file: IO[str]) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _read_holder(file: IO[str]) -> str:
    file.seek(0)
    return file.read().strip() or "unknown"
