"""Making tables visible whole: rename on a local disk, manifest last in an object store."""

import contextlib
import json
import logging
import os
import shutil
from collections.abc import Mapping
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

from upath import UPath

from include.tables.layout import MANIFEST, is_local
from include.tables.leftovers import name_temporary, remove_leftovers
from include.tables.part_files import sync_file
from include.tables.writer import sync_directory

logger = logging.getLogger(__name__)


def make_temporary(parent: UPath) -> Path:
    """Make the directory that a table is written into, beside where it will be if that is local."""
    if not is_local(parent):
        return Path(mkdtemp(prefix="gatehouse-table-"))
    local = Path(str(parent))
    local.mkdir(parents=True, exist_ok=True)
    remove_leftovers(local)
    directory = local / name_temporary()
    directory.mkdir()
    return directory


def publish(directory: Path, final: UPath, manifest: Mapping[str, Any]) -> None:
    """Make a finished directory visible as a table; the same table already there stays."""
    existing = load_manifest(final)
    if existing is not None and not find_damage(final, existing):
        same = ("content", "extra_content")
        if all(existing[name] == manifest[name] for name in same):
            return
    if is_local(final):
        sync_directory(directory)
        _rename(directory, Path(str(final)))
    else:
        _upload(directory, final, manifest)


def _rename(directory: Path, final: Path) -> None:
    """Put a finished directory in its place; an older table there steps aside first."""
    for _ in range(5):
        if final.exists():
            aside = final.parent / name_temporary()
            try:
                final.rename(aside)
            except FileNotFoundError:
                continue
            shutil.rmtree(aside, ignore_errors=True)
        try:
            directory.rename(final)
        except OSError:
            if not final.exists():
                raise
            continue
        sync_file(final.parent)
        return
    raise OSError(f"another process keeps replacing the table at {final}")


def _upload(directory: Path, final: UPath, manifest: Mapping[str, Any]) -> None:
    (final / MANIFEST).unlink(missing_ok=True)
    final.mkdir(parents=True, exist_ok=True)
    names = [file["name"] for file in manifest["files"]]
    for name in [*names, *manifest["extra"], MANIFEST]:
        with (directory / name).open("rb") as source, (final / name).open("wb") as target:
            shutil.copyfileobj(source, target, 4 * 1024**2)


def load_manifest(path: UPath) -> dict[str, Any] | None:
    """Read a table's manifest; None if there is no table or the manifest is damaged."""
    try:
        manifest: dict[str, Any] = json.loads((path / MANIFEST).read_bytes())
    except FileNotFoundError:
        return None
    except ValueError:
        logger.warning("the manifest of %s is damaged", path)
        return None
    return manifest


def note_use(path: UPath) -> None:
    """Make a table that is used again as young as a new one, for whoever removes the old.

    Object stores do not let a time be set: there a table is as old as it is.
    """
    if is_local(path):
        with contextlib.suppress(OSError):  # read-only, or of another user
            os.utime(str(path / MANIFEST))


def find_damage(path: UPath, manifest: Mapping[str, Any]) -> str:
    """Compare the files with the manifest by name and size."""
    expected = {file["name"]: file["size_bytes"] for file in manifest["files"]}
    for name, size in {**expected, **manifest["extra"]}.items():
        try:
            found = (path / name).stat().st_size
        except FileNotFoundError:
            return f"{name} is missing"
        if found != size:
            return f"{name} has {found} bytes instead of {size}"
    return ""
