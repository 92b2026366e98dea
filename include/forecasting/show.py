"""A forecast as people read it in a terminal."""

from collections.abc import Callable
from typing import Final

from rich.console import Console, Group, RenderableType
from rich.table import Table

from include.forecasting.costs import Costs
from include.forecasting.forecast import Forecast, StepForecast, advise_run
from include.forecasting.lines import Range
from include.modeling.machine import Machine
from include.values.formats import format_count, format_list, format_seconds, format_size

# Fewer rows than this are lost in what a step takes to start.
FEW_ROWS: Final = 10_000
# How many times the measured rows a forecast may reach before it deserves a warning.
FAR: Final = 20


def show_forecast(forecast: Forecast, costs: Costs, machine: Machine, console: Console) -> None:
    """Print the table of a forecast, what it rests on, and what stands in the way."""
    console.print(_draw(forecast, costs, machine))


def _draw(forecast: Forecast, costs: Costs, machine: Machine) -> RenderableType:
    table = Table(
        title=f"{format_count(forecast.rows)} rows will take about",
        title_justify="left",
        box=None,
        pad_edge=False,
    )
    for heading in ("step", "time", "CPU time", "memory", "disk"):
        table.add_column(heading, justify="left" if heading == "step" else "right", no_wrap=True)
    for step in forecast.steps:
        table.add_row(step.step, *_write_cells(step))
    table.add_row("[bold]all[/bold]", *_write_cells(forecast))
    return Group(table, *(line.replace("[", r"\[") for line in _explain(forecast, costs, machine)))


def _write_cells(found: StepForecast | Forecast) -> tuple[str, ...]:
    disk = format_size(found.disk_bytes.estimate) if found.disk_bytes.estimate else "–"
    time, cpu, memory = found.seconds, found.cpu_seconds, found.memory_bytes
    if not found.is_told:
        ends = [_write_ends(each, format_seconds) for each in (time, cpu)]
        return (*ends, _write_ends(memory, format_size), disk)
    cells = _write(time, format_seconds), format_seconds(cpu.estimate), _write(memory, format_size)
    return (*cells, disk)


def _write(found: Range, write: Callable[[float], str]) -> str:
    """Write an estimate with its range below."""
    return f"{write(found.estimate)}\n[dim]{write(found.low)} to {write(found.high)}[/dim]"


def _write_ends(found: Range, write: Callable[[float], str]) -> str:
    """Write a range of which no estimate is better than another."""
    return f"{write(found.low)}\nto {write(found.high)}"


def _explain(forecast: Forecast, costs: Costs, machine: Machine) -> list[str]:
    counts = [format_count(rows) for rows in costs.rows]
    said = f"{', '.join(counts[:-1])} and {counts[-1]}" if len(counts) > 1 else counts[0]
    disk = f", {format_size(machine.disk_bytes)} of disk" if machine.disk_bytes else ""
    lines = [
        f"Measured by runs on {said} rows. Training is reckoned with all epochs, though early "
        "stopping may end it sooner.",
        f"Free here: {format_size(machine.memory_bytes)} of memory{disk}.",
    ]
    if untold := [step.step for step in forecast.steps if not step.is_told]:
        which = "" if len(untold) == len(forecast.steps) else f" of {format_list(untold)}"
        most = max(each.rows for step in untold for each in costs.of_step(step))
        lines.append(
            f"Note: all runs{which} had about {format_count(most)} rows, which does not tell what "
            "of time and memory grows with the rows: each range goes from none of it to all of it. "
            f"{advise_run(most)}"
        )
    if costs.rows[-1] < FEW_ROWS:
        lines.append(
            "Note: so few rows take hardly longer than none. Trust the ranges, not the estimates."
        )
    elif forecast.rows > FAR * costs.rows[-1]:
        times = format_count(round(forecast.rows / costs.rows[-1]))
        lines.append(
            f"Note: that is {times} times the rows that were measured. A run on more rows gives "
            "narrower ranges."
        )
    return lines
