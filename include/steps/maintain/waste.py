"""What may go: its size, and how it is removed."""

import shutil
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import NamedTuple

from upath import UPath

from include.tables.layout import MANIFEST, is_local


class Waste(NamedTuple):
    """One thing that nobody needs any more."""

    kind: str
    name: str
    size_bytes: int
    remove: Callable[[], None]


def waste_of(kind: str, path: UPath) -> Waste:
    """Describe a file or a directory that may go."""
    return Waste(kind, str(path), measure(path), partial(remove, path))


def measure(path: UPath) -> int:
    """Add up the bytes of a file, or of all files below a directory."""
    files = [path] if path.is_file() else [each for each in path.rglob("*") if each.is_file()]
    return sum(int(each.stat().st_size) for each in files)


def remove(path: UPath) -> None:
    """Remove a file or directory; of a table the manifest first, so that no half of it shows."""
    if path.is_file():
        path.unlink(missing_ok=True)
        return
    (path / MANIFEST).unlink(missing_ok=True)
    if is_local(path):
        shutil.rmtree(Path(str(path)))
    else:
        path.fs.rm(path.path, recursive=True)


def last_change(path: UPath) -> float:
    """Tell when a file was written, in Unix seconds; now, where a store does not say."""
    return float(getattr(path.stat(), "st_mtime", 0) or "inf")
