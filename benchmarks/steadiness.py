"""Fifteen runs in a row: what memory and open files each service holds after each of them.

A service that grew with every run would end the stack after some weeks. Counted are a service's
process and those it started that stay, when no task runs; the first runs only warm it.
"""

import contextlib
import statistics
import time
from collections.abc import Callable
from typing import NamedTuple

import psutil
from rich.console import Console
from rich.table import Table

from benchmarks.result import Result
from benchmarks.training_run import running_stack, trigger_and_wait
from include.settings import Settings
from include.stack.services import build_services, find_process

RUNS = 15
WARM = 5
# Seconds until what a run started has ended, and after which a process is one that stays.
SETTLED = 3.0
STAYS = 60.0
HELD = (
    ("memory", "memory_mb", "MB"),
    ("memory (PSS)", "proportional_mb", "MB"),
    ("open files", "files", "files"),
)


class Held(NamedTuple):
    """What a service holds: memory in MB, and open file descriptors.

    Resident memory counts a page that processes share in each of them; the proportional size (PSS)
    counts it once, so it is what the service costs the machine.
    """

    memory_mb: float
    proportional_mb: float
    files: float


def measure(tell: Callable[[str], None]) -> list[Result]:
    """Measure each service after each run."""
    seconds, rows = [], []
    with running_stack(tell) as (settings, api):
        for number in range(1, RUNS + 1):
            seconds.append(trigger_and_wait(settings, api).seconds)
            time.sleep(SETTLED)
            rows.append({each.name: look(settings, each.name) for each in build_services(settings)})
            tell(f"run {number} of {RUNS} took {seconds[-1]:.1f} s")
    Console(highlight=False).print(draw(rows))
    return [
        Result(
            name=f"{name}, {what} after {RUNS} runs",
            ratio=getattr(rows[-1][name], field) / getattr(rows[WARM][name], field),
            bound=1.1,
            seconds=seconds[-1],
            reference_seconds=seconds[WARM],
            reference=f"after {WARM + 1} runs",
            peak_memory_mb=rows[-1][name].memory_mb,
            note=f"{slope([getattr(row[name], field) for row in rows]):+.2f} {unit} a run",
        )
        for name in rows[0]
        for what, field, unit in HELD
    ]


def look(settings: Settings, name: str) -> Held:
    """Add up what a service's processes hold now."""
    service = find_process(settings, name)
    if service is None:
        raise RuntimeError(f"{name} must be up. Received: it ended.")
    held = Held(0, 0, 0)
    for process in (service, *service.children(recursive=True)):
        with contextlib.suppress(psutil.Error):  # it ended meanwhile
            if time.time() - process.create_time() > STAYS:
                memory = process.memory_full_info()
                proportional = getattr(memory, "pss", memory.rss)  # Linux alone tells it
                one = Held(memory.rss / 1e6, proportional / 1e6, process.num_fds())
                held = Held(*map(sum, zip(held, one, strict=True)))
    return held


def slope(values: list[float]) -> float:
    """Fit a line to what was held after each run of a warm stack, and give its slope."""
    warm = values[WARM:]
    return statistics.linear_regression(range(len(warm)), warm).slope


def draw(rows: list[dict[str, Held]]) -> Table:
    """Draw what each service held after each run."""
    table = Table("run", *rows[0], box=None, pad_edge=False, title="MB resident / PSS / files")
    for number, row in enumerate(rows, 1):
        cells = [" / ".join(f"{each:.0f}" for each in held) for held in row.values()]
        table.add_row(str(number), *cells)
    return table
