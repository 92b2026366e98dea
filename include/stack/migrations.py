"""Bring the local databases to what the installed Airflow and MLflow expect, after a copy of each.

Which releases wrote them last stands in `run/releases.json`; while they are the installed ones,
nothing is asked and nothing runs.
"""

import json
import sqlite3
import subprocess
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from importlib.metadata import version
from pathlib import Path
from typing import NamedTuple

from include.errors import GatehouseError
from include.settings import Settings
from include.stack.environment import airflow_home, find_executable
from include.values.private_files import (
    OWNER_ONLY,
    make_private_directory,
    private_opener,
    write_private,
)


class Database(NamedTuple):
    """A database of the stack and the command that migrates it."""

    distribution: str
    path: Path
    command: tuple[str, ...]
    is_made_by_command: bool


def airflow_database(settings: Settings) -> Database:
    """Describe Airflow's database, which its migration also creates."""
    path = airflow_home(settings) / "airflow.db"
    return Database("apache-airflow", path, ("airflow", "db", "migrate"), is_made_by_command=True)


def mlflow_database(settings: Settings) -> Database:
    """Describe MLflow's database, which its server creates."""
    path = settings.home / "mlflow" / "mlflow.db"
    command = ("mlflow", "db", "upgrade", f"sqlite:///{path}")
    return Database("mlflow", path, command, is_made_by_command=False)


def migrate(
    settings: Settings,
    database: Database,
    environment: Mapping[str, str],
    tell: Callable[[str], None],
) -> None:
    """Migrate a database if another release wrote it, after a copy.

    Args:
        settings: Where the copy and the note of the release go.
        database: One whose service is down.
        environment: Variables of the services.
        tell: Called with a line for each thing that happens.

    Raises:
        GatehouseError: It cannot be copied or migrated.
    """
    name, installed = database.distribution, version(database.distribution)
    note = settings.home / "run" / "releases.json"
    releases = _read(note)
    exists = database.path.exists()
    if not database.is_made_by_command:
        write_ahead(database.path)
    if exists and releases.get(name) == installed:
        return
    copy = None
    if exists:
        copy = _copy(database.path, settings.home / "backups", releases.get(name, "earlier"))
        tell(f"{name} {installed}: migrating {database.path.name}; a copy of it is {copy}")
    if exists or database.is_made_by_command:
        _run(settings, database, environment, copy)
    write_private(note, json.dumps({**releases, name: installed}))


def run_program(
    settings: Settings, command: Sequence[str], environment: Mapping[str, str]
) -> subprocess.CompletedProcess[str]:
    """Run a program of this environment to its end, whatever its exit code."""
    return subprocess.run(
        [find_executable(command[0]), *command[1:]],
        env=dict(environment),
        cwd=settings.home,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        umask=OWNER_ONLY,
    )


def _read(note: Path) -> dict[str, str]:
    try:
        return dict(json.loads(note.read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        return {}


def _copy(path: Path, directory: Path, release: str) -> Path:
    make_private_directory(directory)
    copy = directory / f"{path.stem}-{release}.db"
    copy.unlink(missing_ok=True)
    open(copy, "xb", opener=private_opener).close()
    try:
        with closing(sqlite3.connect(path)) as old, closing(sqlite3.connect(copy)) as new:
            old.backup(new)
    except sqlite3.Error as error:
        raise GatehouseError(
            f"{path} must be copied to {copy} before it is migrated. Received: {error}. Make room, "
            "see that nothing else has it open, and run `make up` again."
        ) from error
    return copy


def write_ahead(path: Path) -> None:
    """Let SQLite write ahead (WAL), as Airflow lets its own database do.

    A commit then waits for the disk once rather than three times, and nobody who reads waits for
    who writes. The file remembers it.
    """
    open(path, "ab", opener=private_opener).close()
    with closing(sqlite3.connect(path)) as database:
        database.execute("PRAGMA journal_mode = WAL")


def _run(
    settings: Settings, database: Database, environment: Mapping[str, str], copy: Path | None
) -> None:
    done = run_program(settings, database.command, environment)
    if done.returncode != 0:
        back = (
            f"To go back, install the earlier lock and put {copy} in its place, with no "
            f"{database.path.name}-wal beside it."
            if copy
            else f"Remove {database.path} and run `make up` again."
        )
        raise GatehouseError(
            f"{' '.join(database.command)} must succeed. Received: exit code {done.returncode}. "
            f"{back}\n{(done.stdout + done.stderr)[-2000:]}"
        )
