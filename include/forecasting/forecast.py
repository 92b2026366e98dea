"""From measurements to a forecast: what a number of rows takes, and whether it fits here."""

from collections.abc import Callable
from functools import reduce
from statistics import median
from typing import NamedTuple

from include.forecasting.costs import Costs, Measurement
from include.forecasting.lines import Line, Range, fit_line
from include.modeling.machine import Machine
from include.modeling.memory import total_bytes
from include.steps.train.feature_arrays import MEMORY_SHARE
from include.values.formats import format_count, format_size

NOTHING = Range(0.0, 0.0, 0.0)


class StepForecast(NamedTuple):
    """What one step will take."""

    step: str
    seconds: Range
    cpu_seconds: Range
    memory_bytes: Range
    disk_bytes: Range


class Obstacle(NamedTuple):
    """Something that will not fit by the estimate, or may not by the range."""

    sentence: str
    is_expected: bool


class Forecast(NamedTuple):
    """What all steps will take, and what stands in the way."""

    rows: int
    steps: tuple[StepForecast, ...]
    obstacles: tuple[Obstacle, ...]

    @property
    def seconds(self) -> Range:
        """Time of all steps, one after the other."""
        return reduce(Range.__add__, (step.seconds for step in self.steps), NOTHING)

    @property
    def cpu_seconds(self) -> Range:
        """Processor time of all steps."""
        return reduce(Range.__add__, (step.cpu_seconds for step in self.steps), NOTHING)

    @property
    def memory_bytes(self) -> Range:
        """Memory of the step that needs most: they run one after the other."""
        return Range(
            *(max(ends) for ends in zip(*(s.memory_bytes for s in self.steps), strict=True))
        )

    @property
    def disk_bytes(self) -> Range:
        """Disk that the tables of all steps take."""
        return reduce(Range.__add__, (step.disk_bytes for step in self.steps), NOTHING)

    @property
    def fits(self) -> bool:
        """Whether everything fits by the estimates."""
        return not any(obstacle.is_expected for obstacle in self.obstacles)


def forecast_rows(costs: Costs, rows: int, machine: Machine) -> Forecast:
    """Forecast a run over a number of rows.

    Args:
        costs: What was measured.
        rows: Rows of the source.
        machine: What is free here.
    """
    steps = tuple(_forecast_step(step, costs.of_step(step), rows) for step in costs.steps)
    forecast = Forecast(rows, steps, ())
    obstacles = [_check_memory(step, costs, rows, machine) for step in steps]
    obstacles.append(_check_disk(forecast, costs, machine))
    return forecast._replace(obstacles=tuple(each for each in obstacles if each is not None))


def _forecast_step(step: str, measured: list[Measurement], rows: int) -> StepForecast:
    memory = _fit_memory(measured).predict(rows)
    disk = _fit(measured, lambda each: each.disk_bytes).predict(rows)
    arrays = _spilled_bytes(measured, rows)
    if arrays:
        memory = Range(*(max(0.0, each - arrays) for each in memory))
        disk += Range(arrays, arrays, arrays)
    return StepForecast(
        step=step,
        seconds=_fit(measured, lambda each: each.seconds).predict(rows),
        cpu_seconds=_fit(measured, lambda each: each.cpu_seconds).predict(rows),
        memory_bytes=memory,
        disk_bytes=disk,
    )


def _fit(measured: list[Measurement], read: Callable[[Measurement], float]) -> Line:
    points = [(each.rows, read(each)) for each in measured]
    if len({rows for rows, _ in points}) == 1:
        points.append((0, 0.0))  # one number of rows: at most as much more as there are more rows
    return fit_line(*zip(*points, strict=True))


def _fit_memory(measured: list[Measurement]) -> Line:
    """Fit the memory beyond what the process held when the step began."""
    line = _fit(measured, lambda each: each.memory_bytes - each.start_memory_bytes)
    start = float(median(each.start_memory_bytes for each in measured))
    points = tuple((rows, cost + start) for rows, cost in line.points)
    return Line(line.intercept + start, line.slope, points)


def _spilled_bytes(measured: list[Measurement], rows: int) -> float:
    """Return the size of the training arrays if they are too large for memory.

    Arrays beyond a share of the machine's memory lie in files (`feature_arrays`).
    """
    most = measured[-1]
    size = most.array_bytes / most.rows * rows
    return size if size > MEMORY_SHARE * total_bytes() else 0.0


def _check_memory(step: StepForecast, costs: Costs, rows: int, machine: Machine) -> Obstacle | None:
    need, has = step.memory_bytes, machine.memory_bytes
    if need.high <= has:
        return None
    line = _fit_memory(costs.of_step(step.step))
    most = line.most_rows(has)
    what = f"{step.step} needs about {_spread(need)} of memory"
    return _describe(what, rows, (need, has), most=most, other="a machine with more memory")


def _check_disk(forecast: Forecast, costs: Costs, machine: Machine) -> Obstacle | None:
    need, has = forecast.disk_bytes, machine.disk_bytes
    if has is None or need.high <= has:
        return None
    largest = max(forecast.steps, key=lambda step: step.disk_bytes.estimate)
    lines = [_fit(costs.of_step(step), lambda each: each.disk_bytes) for step in costs.steps]
    total = Line(
        sum(line.intercept for line in lines), sum(line.slope for line in lines), lines[0].points
    )
    what = f"the steps need about {_spread(need)} of disk, most of it {largest.step},"
    other = "a data root (GATEHOUSE_DATA_ROOT) with more room"
    return _describe(what, forecast.rows, (need, has), most=total.most_rows(has), other=other)


def _describe(
    what: str, rows: int, need_and_has: tuple[Range, int], *, most: int, other: str
) -> Obstacle:
    need, has = need_and_has
    verb = "will not fit" if need.low > has else "will probably not fit"
    if need.estimate <= has:
        verb = "may not fit"
    advice = f"Use {other}"
    if most:
        advice += f", or set row_limit to {format_count(_round(most))} at most"
    sentence = (
        f"{format_count(rows)} rows {verb}: {what} for them, and {format_size(has)} are free "
        f"here. {advice}."
    )
    return Obstacle(sentence, is_expected=need.estimate > has)


def _round(rows: int) -> int:
    """Round down to two digits: a forecast is no more exact than that."""
    unit: int = 10 ** max(0, len(str(rows)) - 2)
    return rows // unit * unit


def _spread(need: Range) -> str:
    return f"{format_size(need.estimate)} ({format_size(need.low)} to {format_size(need.high)})"
