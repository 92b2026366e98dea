"""How much memory this process may take, and whether the kernel ended one for want of it.

Linux tells of a container in the files of its control group, version 2 or 1.
"""

import resource
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Final, NamedTuple

import psutil

CGROUP: Final = Path("/sys/fs/cgroup")
PROC: Final = Path("/proc")


class _Files(NamedTuple):
    """What the files of a control group are called; `cache` is a line of `memory.stat`."""

    limit: str
    used: str
    cache: str
    events: str


class _Room(NamedTuple):
    """The limit of a control group and what of it is taken, in bytes."""

    limit: int
    used: int


FILES: Final = (
    _Files("memory.max", "memory.current", "inactive_file", "memory.events"),
    _Files(
        "memory.limit_in_bytes",
        "memory.usage_in_bytes",
        "total_inactive_file",
        "memory.oom_control",
    ),
)


def free_bytes(cgroup: Path = CGROUP) -> int:
    """Give the memory that is free now: of the machine, the container, or this process's limit.

    Args:
        cgroup: Directory of the control groups.
    """
    groups = [room.limit - room.used for room in _cgroup_rooms(cgroup)]
    rooms = [int(psutil.virtual_memory().available), *groups]
    limit, _ = resource.getrlimit(resource.RLIMIT_AS)
    if limit != resource.RLIM_INFINITY:
        rooms.append(limit - int(psutil.Process().memory_info().vms))
    return max(0, min(rooms))


def total_bytes(cgroup: Path = CGROUP) -> int:
    """Give the most memory that this process can ever have: of the machine, or by a limit.

    Args:
        cgroup: Directory of the control groups.
    """
    limits = [int(psutil.virtual_memory().total), *(room.limit for room in _cgroup_rooms(cgroup))]
    limit, _ = resource.getrlimit(resource.RLIMIT_AS)
    return min(limits if limit == resource.RLIM_INFINITY else [*limits, limit])


def count_kills(cgroup: Path = CGROUP) -> int:
    """Count the processes that the kernel ended for want of memory, near this one as it tells.

    Args:
        cgroup: Directory of the control groups.

    Returns:
        Those of this process's control group, else of the machine; 0 where nobody counts them.
    """
    groups = ((place / each.events) for place in _own_groups(cgroup) for each in FILES)
    for path in (*groups, PROC / "vmstat"):
        if (kills := _read_counts(path).get("oom_kill")) is not None:
            return kills
    return 0


def _cgroup_rooms(cgroup: Path) -> Iterator[_Room]:
    """Give each limit above this process; pages of files that were read before count as free."""
    for place in _own_groups(cgroup):
        cached = _read_counts(place / "memory.stat")
        for each in FILES:
            with suppress(OSError, ValueError):
                limit, used = (int((place / name).read_text()) for name in each[:2])
                yield _Room(limit, used - cached.get(each.cache, 0))


def _own_groups(cgroup: Path) -> list[Path]:
    """List the directories of this process's control groups, the innermost first."""
    found = []
    with suppress(OSError, ValueError):
        for line in (PROC / "self/cgroup").read_text().splitlines():
            _, names, path = line.split(":", 2)
            if names in {"", "memory"}:
                root = cgroup / names
                own = root / path.strip("/")
                found += [each for each in (own, *own.parents) if each.is_relative_to(root)]
    return list(dict.fromkeys([*found, cgroup]))


def _read_counts(path: Path) -> dict[str, int]:
    """Read lines of a name and a number; nothing where there is no such file."""
    with suppress(OSError, ValueError):
        lines = (line.split() for line in path.read_text().splitlines())
        return {name: int(number) for name, number in lines}
    return {}
