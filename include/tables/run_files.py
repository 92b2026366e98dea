"""The files of one run, `<root>/runs/<pipeline>/<run>/`: what is too long for a record."""

import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryFile, gettempdir
from typing import IO

from upath import UPath

from include.records import RunContext
from include.tables.layout import is_local, open_root, slug


class RunFiles:
    """Writes and reads the files of a run, each whole or not at all."""

    def __init__(self, root: str, run: RunContext) -> None:
        self._directory = (
            open_root(root) / "runs" / slug_of_pipeline(run.pipeline) / slug(run.run_key)
        )

    @classmethod
    def at(cls, directory: UPath) -> "RunFiles":
        """Open the files of a run whose directory is known."""
        files = cls.__new__(cls)
        files._directory = directory
        return files

    @property
    def directory(self) -> str:
        """Where the files lie, as a path or URI."""
        return str(self._directory)

    @property
    def local_directory(self) -> Path:
        """A directory on this machine, for libraries that write files themselves.

        With a root in an object store it lies in the system's temporary directory and lasts as
        long as the machine.
        """
        self._local_place.mkdir(parents=True, exist_ok=True)
        return self._local_place

    @property
    def _local_place(self) -> Path:
        if is_local(self._directory):
            return Path(str(self._directory))
        pipeline, run = str(self._directory.parent.name), str(self._directory.name)
        return Path(gettempdir()) / "gatehouse" / pipeline / run

    def read_local(self, name: str) -> str:
        """Read a short text of `local_directory`; empty where there is none, nothing is made."""
        try:
            return (self._local_place / name).read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError):
            return ""

    def uri(self, name: str) -> str:
        """Return the place of a file."""
        return str(self._path(name))

    def exists(self, name: str) -> bool:
        """Tell whether a file has been written."""
        return bool(self._path(name).exists())

    def read_bytes(self, name: str) -> bytes:
        """Read a file."""
        return bytes(self._path(name).read_bytes())

    def write_bytes(self, name: str, data: bytes) -> str:
        """Write a file atomically and return its place.

        Args:
            name: Path below the run's directory, e.g. `costs/ingest.json`.
            data: The whole content.
        """
        path = self._path(name)
        write_atomically(path, data)
        return str(path)

    def _path(self, name: str) -> UPath:
        parts = name.split("/")
        if not name or "\x00" in name or any(part in {"", ".", ".."} for part in parts):
            raise ValueError(f"a run's file needs a relative path. Received: {name[:120]!r}")
        return self._directory.joinpath(*parts)


def list_runs(root: str, pipeline: str) -> Iterator[RunFiles]:
    """Give the files of all runs of a pipeline, the latest run first."""
    directory = open_root(root) / "runs" / slug_of_pipeline(pipeline)
    if not directory.exists():
        return
    places = [place for place in directory.iterdir() if place.is_dir()]
    for place in sorted(places, key=_changed_at, reverse=True):
        yield RunFiles.at(place)


def _changed_at(place: UPath) -> float:
    # Object stores keep no time for what looks like a directory.
    return float(getattr(place.stat(), "st_mtime", 0) or 0)


def slug_of_pipeline(pipeline: str) -> str:
    """Return a pipeline as a directory name; pipelines already are plain names."""
    return pipeline if pipeline.isidentifier() else slug(pipeline)


def write_atomically(path: UPath, data: bytes) -> None:
    """Write a file so that readers see the old one or the new one, never half of it."""
    try:
        with replace_file(path) as file:
            file.write(data)
    except BaseException as error:
        error.add_note(f"Needed: {len(data)} bytes for {path.name}.")
        raise


@contextmanager
def replace_file(path: UPath) -> Iterator[IO[bytes]]:
    """Open a file for writing that takes its name only when all of it is there."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if not is_local(path):
        # An object store completes an object when it is closed, also by an error.
        with TemporaryFile() as file:
            yield file
            file.seek(0)
            with path.open("wb") as remote:
                shutil.copyfileobj(file, remote)
        return
    temporary = Path(str(path.parent)) / f".{path.name}.{os.getpid()}-{secrets.token_hex(4)}"
    try:
        with temporary.open("wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(str(path))
    finally:
        temporary.unlink(missing_ok=True)
