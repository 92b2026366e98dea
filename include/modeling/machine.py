"""What this machine has left: memory, of the container if that is less, and disk."""

from pathlib import Path
from typing import NamedTuple

import psutil
from upath import UPath

from include.modeling.memory import CGROUP, free_bytes


class Machine(NamedTuple):
    """What is free now; `disk_bytes` is None where tables lie in an object store."""

    memory_bytes: int
    disk_bytes: int | None


def read_machine(data_root: str, *, cgroup: Path = CGROUP) -> Machine:
    """Look at what is free.

    Args:
        data_root: Where tables lie.
        cgroup: Directory of the container's limits.
    """
    return Machine(free_bytes(cgroup), _free_disk(data_root))


def _free_disk(data_root: str) -> int | None:
    place = UPath(data_root.removeprefix("file://"))
    if not isinstance(place, Path):
        return None
    existing = next(each for each in (place.absolute(), *place.absolute().parents) if each.exists())
    return int(psutil.disk_usage(str(existing)).free)
