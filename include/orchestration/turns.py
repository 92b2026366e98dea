"""Runs of a DAG take turns, whatever starts them.

A run that waits for a person's answer must not hold up those after it, and a backfill has a
number of runs of its own, so Airflow's `max_active_runs` cannot see to it. Each run takes a number
among the files of the data root before its first task works; whoever finds another run at its turn
comes back later. A run that waits for an answer steps aside; once it is answered, its last tasks
come before those of a run that has not begun to measure its candidate.
"""

import time
from collections.abc import Callable, Mapping
from typing import Final

from upath import UPath

from include.records import RunContext
from include.tables.layout import is_local, open_root, slug

DIGITS: Final = 9
KEPT: Final = 3
NAMELESS_SECONDS: Final = 60.0
# Where Airflow has a task at work, or about to be.
BUSY: Final = frozenset(
    {"scheduled", "queued", "running", "restarting", "up_for_retry", "up_for_reschedule"}
)
# Until then nothing was held against the champion, so that it may still change.
UNMEASURED: Final = frozenset({None, "scheduled", "queued", "up_for_reschedule"})


def find_run_ahead(root: str, run: RunContext, is_over: Callable[[str], bool]) -> str | None:
    """Take the turn for a run, or tell whose it is.

    Args:
        root: The data root.
        run: The run that would go on.
        is_over: Tells whether the run of an id has ended or is gone.

    Returns:
        The id of the run to wait for; None if it is this run's turn.
    """
    directory = open_root(root) / "turns" / slug(run.dag_id)
    directory.mkdir(parents=True, exist_ok=True)
    turns = sorted(path for path in directory.iterdir() if path.name.isdecimal())
    holder = turns[-1].read_text(encoding="utf-8") if turns else ""
    if holder == run.run_id:
        return None
    if turns and not (is_over(holder) if holder else _is_left(turns[-1])):
        return holder or "another run"
    number = int(turns[-1].name) + 1 if turns else 1
    if not _take(directory / f"{number:0{DIGITS}}", run.run_id):
        return "another run"
    for path in turns[: -KEPT or None]:
        path.unlink(missing_ok=True)
    return None


def steps_aside(states: Mapping[str, str | None], *, is_decided: bool) -> bool:
    """Tell whether a run at its turn lets another go on.

    Args:
        states: States of its tasks.
        is_decided: Whether the other run has only to do what was decided about its candidate.

    Example:
        >>> steps_aside({"train": "success", "approve": "awaiting_input"}, is_decided=False)
        True
        >>> steps_aside({"train": "running", "evaluate": None}, is_decided=True)
        True
    """
    if is_decided and states.get("evaluate") in UNMEASURED:
        return True
    return states.get("approve") == "awaiting_input" and BUSY.isdisjoint(states.values())


def _is_left(path: UPath) -> bool:
    """Tell whether a number without a name was left by a crash, not taken a moment ago."""
    return bool(time.time() - path.stat().st_mtime > NAMELESS_SECONDS)


def _take(path: UPath, run_id: str) -> bool:
    """Write a number that nobody has; of two runs at the same moment one gets it.

    An object store cannot promise that: there it takes runs that start some time apart.
    """
    if not is_local(path):
        path.write_bytes(run_id.encode())
        return True
    try:
        with path.open("xb") as file:
            file.write(run_id.encode())
    except FileExistsError:
        return False
    return True
