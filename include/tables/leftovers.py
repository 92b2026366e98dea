"""Directories of writers that died: named after their owner, removed once it is gone."""

import logging
import os
import re
import secrets
import shutil
import socket
import time
from pathlib import Path
from typing import Final

import psutil

logger = logging.getLogger(__name__)
PREFIX: Final = ".tmp-"
NAME: Final = re.compile(r"^\.tmp-(?P<host>.+)-(?P<pid>\d+)-(?P<born>\d+)-[0-9a-f]+$")
# On another machine nobody can look at the process, so only age tells.
FOREIGN_SECONDS: Final = 24 * 3600


def name_temporary() -> str:
    """Name a temporary directory after this process: host, id and time of birth."""
    pid = os.getpid()
    return f"{PREFIX}{_host()}-{pid}-{_birth(pid)}-{secrets.token_hex(4)}"


def remove_leftovers(directory: Path) -> int:
    """Remove temporary directories whose writer no longer lives.

    Returns:
        How many were removed.
    """
    dead = find_leftovers(directory)
    for path in dead:
        logger.info("removed %s, left by a writer that died", path)
        shutil.rmtree(path, ignore_errors=True)
    return len(dead)


def find_leftovers(directory: Path) -> list[Path]:
    """List the temporary directories whose writer no longer lives."""
    return [path for path in directory.glob(f"{PREFIX}*") if _is_dead(path)]


def _is_dead(path: Path) -> bool:
    match = NAME.match(path.name)
    if match is None or match["host"] != _host():
        return _age_seconds(path) > FOREIGN_SECONDS
    # A process id is given out again; the time of birth tells two owners apart.
    return _birth(int(match["pid"])) != int(match["born"])


def _age_seconds(path: Path) -> float:
    try:
        return time.time() - path.stat().st_mtime
    except FileNotFoundError:
        return 0.0


def _birth(pid: int) -> int:
    try:
        return int(psutil.Process(pid).create_time())
    except psutil.Error:
        return 0


def _host() -> str:
    return re.sub(r"[^A-Za-z0-9.]", "_", socket.gethostname())[:60]
