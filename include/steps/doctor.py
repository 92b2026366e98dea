"""Whether the place where steps run is well: each check says what it found, or what to do.

Every check is a function that takes the settings, gives a line, and raises a `GatehouseError` with
the next move if something is wrong. None of them prints the value of a secret.
"""

import logging
import os
import stat
import time
from collections.abc import Callable, Iterator, Mapping
from email.utils import parsedate_to_datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Final

import httpx

from include.errors import GatehouseError, InfrastructureError, RoomError
from include.modeling.machine import read_machine
from include.records import Record
from include.settings import PROJECT_ROOT, Settings, load_settings
from include.tables.layout import open_root
from include.tables.run_files import write_atomically
from include.tracking.round_trip import try_round_trip
from include.tracking.seals import KEY_FILE
from include.values.private_files import OWNER_ONLY

logger = logging.getLogger(__name__)

LOCK: Final = PROJECT_ROOT / "requirements.txt"
MIN_DISK: Final = 2_000_000_000
# A first training with JAX and MLflow takes about this much.
MIN_MEMORY: Final = 1_000_000_000
# Airflow's tokens are good for ten seconds beyond their time.
MAX_SKEW_SECONDS: Final = 5.0
Check = Callable[[Settings], str]


class Finding(Record):
    """What a check found: a line, and with what is wrong the next move."""

    check: str
    is_well: bool
    found: str


def examine(settings: Settings, checks: Mapping[str, Check]) -> Iterator[Finding]:
    """Make checks one after the other; whatever happens in one, the others are made."""
    for name, check in checks.items():
        try:
            yield Finding(check=name, is_well=True, found=check(settings))
        except GatehouseError as error:
            yield Finding(check=name, is_well=False, found=str(error))
        except Exception as error:
            told = f"the check must come to its end. Received: {type(error).__name__}: {error}"
            yield Finding(check=name, is_well=False, found=told)


def doctor(more: Mapping[str, Check] | None = None) -> None:
    """Examine the place where this runs, for a task.

    Args:
        more: Checks beside those of what steps need.

    Raises:
        InfrastructureError: Something is wrong; all of it is in the message.
    """
    ill = []
    for finding in examine(load_settings(), {**CHECKS, **(more or {})}):
        logger.info("%s: %s", finding.check, finding.found)
        if not finding.is_well:
            ill.append(f"{finding.check}: {finding.found}")
    if ill:
        raise InfrastructureError(
            "everything that `gatehouse doctor` examines must be well. Received:\n" + "\n".join(ill)
        )


def check_versions(_: Settings, lock: Path = LOCK) -> str:
    """Hold what is installed against the lock."""
    from packaging.requirements import Requirement

    # A line of the lock may end in a comment or go on; what it pins stands before that.
    lines = (line.partition(" #")[0].rstrip("\\ ") for line in lock.read_text("utf-8").splitlines())
    pinned = [Requirement(line) for line in lines if line[:1].isalnum()]
    wanted = [each for each in pinned if each.marker is None or each.marker.evaluate()]
    wrong = [
        f"{each.name} {found}, not {str(each.specifier).removeprefix('==')}"
        for each in wanted
        if (found := _installed(each.name)) not in each.specifier
    ]
    if wrong:
        raise GatehouseError(
            f"what is installed must be what {lock.name} pins. Received: {'; '.join(wrong[:5])}"
            f"{f' and {len(wrong) - 5} more' if len(wrong) > 5 else ''}. Run `make install`."
        )
    return f"{len(wanted)} distributions are those of the lock"


def check_mlflow(settings: Settings) -> str:
    """Write to MLflow and read back what was written."""
    started = time.monotonic()
    try_round_trip(settings)
    return f"a run and an artifact came back in {time.monotonic() - started:.1f} s"


def check_writing(settings: Settings) -> str:
    """Write a file where state and tables lie, and remove it."""
    for root in dict.fromkeys((str(settings.home), settings.data)):
        probe = open_root(root) / f".doctor-{os.getpid()}"
        try:
            write_atomically(probe, b"probe")
            probe.unlink()
        except Exception as error:
            raise GatehouseError(
                f"{root} must be writable for this user. Received: {error}. Change its owner, or "
                "set GATEHOUSE_HOME or GATEHOUSE_DATA_ROOT to a place that is."
            ) from error
    return f"{settings.home} and {settings.data} can be written"


def check_disk(settings: Settings) -> str:
    """Look at the room for tables and for the state of the stack."""
    for root in (str(settings.home), settings.data):
        free = read_machine(root).disk_bytes
        if free is not None and free < MIN_DISK:
            raise RoomError(
                f"{root} needs {MIN_DISK / 1e9:.0f} GB of free disk. Received: {free / 1e9:.1f} "
                "GB. See what `gatehouse maintain --dry-run` would remove, or make room."
            )
    free = read_machine(str(settings.home)).disk_bytes or 0
    return f"{free / 1e9:.1f} GB are free"


def check_memory(settings: Settings) -> str:
    """Look at the memory that is free, of the container if that is less."""
    free = read_machine(settings.data).memory_bytes
    if free < MIN_MEMORY:
        raise RoomError(
            f"a training needs {MIN_MEMORY / 1e9:.0f} GB of free memory. Received: "
            f"{free / 1e9:.1f} GB. End what takes it, or raise the container's limit."
        )
    return f"{free / 1e9:.1f} GB are free"


def check_clock(settings: Settings) -> str:
    """Hold this machine's clock against that of the MLflow server."""
    try:
        answer = httpx.get(f"{settings.mlflow}/health", timeout=5)
        there = parsedate_to_datetime(answer.headers["Date"]).timestamp()
    except (httpx.HTTPError, KeyError, ValueError) as error:
        raise InfrastructureError(
            f"MLflow at {settings.mlflow} must tell the time. Received: {type(error).__name__}. "
            "Start it (`make up` does, locally)."
        ) from error
    skew = abs(time.time() - there)
    if skew > MAX_SKEW_SECONDS:
        raise GatehouseError(
            f"clocks must agree within {MAX_SKEW_SECONDS:.0f} s. Received: {skew:.0f} s between "
            "this machine and MLflow's. Let both be set by NTP."
        )
    return f"within {MAX_SKEW_SECONDS:.0f} s of MLflow's"


def check_secrets(settings: Settings) -> str:
    """Look who may read the files that hold secrets."""
    places = [settings.home / name for name in ("secrets.env", KEY_FILE, "airflow/passwords.json")]
    found = [path for path in (*places, PROJECT_ROOT / ".env") if path.exists()]
    is_open = [path for path in found if path.stat().st_mode & OWNER_ONLY]
    if is_open:
        paths = " ".join(map(str, is_open))
        raise GatehouseError(
            "files with secrets must be readable by their owner only. Received: "
            f"{', '.join(f'{path} {stat.filemode(path.stat().st_mode)}' for path in is_open)}. "
            f"Run: chmod 600 {paths}"
        )
    return f"{len(found)} files, readable by their owner only"


CHECKS: Final[Mapping[str, Check]] = {
    "versions": check_versions,
    "writing": check_writing,
    "disk": check_disk,
    "memory": check_memory,
    "secrets": check_secrets,
    "mlflow": check_mlflow,
    "clock": check_clock,
}


def _installed(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "0+none"
