"""What dead processes left on this machine's disks, and what the living write without end."""

import os
import re
from collections.abc import Iterator
from datetime import datetime
from functools import partial
from pathlib import Path
from tempfile import gettempdir
from typing import Final

from include.records.names import CHECKPOINT
from include.settings import Settings
from include.steps.maintain.waste import Waste, last_change, waste_of
from include.tables.layout import is_local, open_root
from include.tables.leftovers import FOREIGN_SECONDS, find_leftovers

# What this project makes with `tempfile`, and nothing that only begins alike.
SCRATCH: Final = re.compile(
    r"^gatehouse-(check|draft|duckdb|files|join|order|predict|quality|replay|reproduce|simulate|table)-[a-z0-9_]{8}$"
)
# Of the services of the local stack, which write without end.
LOG_BYTES: Final = 10_000_000


def find_leftover_files(settings: Settings, now: datetime) -> Iterator[Waste]:
    """Find temporary tables and scratch of dead writers, checkpoints, and logs that grew long.

    What does not tell its owner goes a day after it was last written.
    """
    before = now.timestamp() - FOREIGN_SECONDS
    scratch = (path for path in Path(gettempdir()).glob("gatehouse-*") if _is_ours(path))
    yield from (waste_of("scratch", each) for each in scratch if _was_left(each, before))
    for path in (settings.home / "logs").glob("*.log"):
        if (excess := path.stat().st_size - LOG_BYTES) > 0:
            yield Waste("log of a service", str(path), excess, partial(keep_end, path, LOG_BYTES))
    root = open_root(settings.data)
    if not is_local(root):
        return
    local = Path(str(root))
    for parent in (*local.glob("tables/*/*"), local / "downloads"):
        yield from (waste_of("temporary", each) for each in find_leftovers(parent))
    for pattern in (CHECKPOINT, ".*"):
        for path in local.glob(f"runs/*/*/{pattern}"):
            if path.is_file() and last_change(path) < before:
                yield waste_of("checkpoint" if path.name == CHECKPOINT else "temporary", path)


def keep_end(path: Path, size_bytes: int) -> None:
    """Keep the last lines of a file that another process appends to."""
    with path.open("r+b") as file:
        file.seek(-size_bytes, os.SEEK_END)
        end = file.read().partition(b"\n")[2]
        file.seek(0)
        file.write(end)
        file.truncate()


def _is_ours(path: Path) -> bool:
    is_scratch = SCRATCH.match(path.name) and path.is_dir() and not path.is_symlink()
    return bool(is_scratch and path.stat().st_uid == os.getuid())


def _was_left(path: Path, before: float) -> bool:
    """Tell whether nothing below a directory was written for long."""
    return all(last_change(each) < before for each in (path, *path.rglob("*")) if each.exists())
