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
    """What one step will take; told if its runs tell time and memory that grow from the rest."""

    step: str
    seconds: Range
    cpu_seconds: Range
    memory_bytes: Range
    disk_bytes: Range
    is_told: bool = True


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
    def is_told(self) -> bool:
        """Whether the runs of every step tell what grows with the rows from what does not."""
        return all(step.is_told for step in self.steps)

    @property
    def fits(self) -> bool:
        """Whether nothing is known not to fit."""
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
    has = machine.memory_bytes
    unsure = [step for step in steps if not step.is_told and step.memory_bytes.low <= has]
    obstacles = [_check_memory(each, costs, rows, has) for each in steps if each not in unsure]
    obstacles.append(_check_untold(unsure, costs, rows, has))
    obstacles.append(_check_disk(forecast, costs, machine))
    return forecast._replace(obstacles=tuple(each for each in obstacles if each is not None))


def _forecast_step(step: str, measured: list[Measurement], rows: int) -> StepForecast:
    time = _fit(measured, lambda each: each.seconds)
    spilled = _spilled_bytes(measured, rows)
    disk = _fit_disk(measured).predict(rows)
    return StepForecast(
        step=step,
        seconds=time.predict(rows),
        cpu_seconds=_fit(measured, lambda each: each.cpu_seconds).predict(rows),
        memory_bytes=_fit_memory(measured, holds_arrays=not spilled).predict(rows),
        disk_bytes=disk + Range(spilled, spilled, spilled),
        is_told=time.is_told,
    )


def _fit(measured: list[Measurement], read: Callable[[Measurement], float]) -> Line:
    return fit_line([each.rows for each in measured], [read(each) for each in measured])


def _fit_disk(measured: list[Measurement]) -> Line:
    """Fit the size of a table: one without rows has next to none."""
    points = [(0, 0), *((each.rows, each.disk_bytes) for each in measured)]
    return fit_line(*zip(*points, strict=True))


def _fit_memory(measured: list[Measurement], *, holds_arrays: bool) -> Line:
    """Fit the memory beyond what is known: of the process before the step, and of the arrays."""
    line = _fit(
        measured,
        lambda each: max(0, each.memory_bytes - each.start_memory_bytes - each.array_bytes),
    )
    start = float(median(each.start_memory_bytes for each in measured))
    return line.add(start, _array_bytes(measured[-1]) if holds_arrays else 0.0)


def _array_bytes(measured: Measurement) -> float:
    """Return the size of the training arrays of one row."""
    return measured.array_bytes / measured.rows


def _spilled_bytes(measured: list[Measurement], rows: int) -> float:
    """Return the size of the training arrays if they are too large for memory.

    Arrays beyond a share of the machine's memory lie in files (`feature_arrays`).
    """
    size = _array_bytes(measured[-1]) * rows
    return size if size > MEMORY_SHARE * total_bytes() else 0.0


def _check_memory(step: StepForecast, costs: Costs, rows: int, has: int) -> Obstacle | None:
    need = step.memory_bytes
    if need.high <= has:
        return None
    most = _fit_memory(costs.of_step(step.step), holds_arrays=True).most_rows(has)
    what = f"{step.step} needs about {_spread(need)} of memory"
    return _describe(what, rows, (need, has), most=most, other="a machine with more memory")


def _check_untold(steps: list[StepForecast], costs: Costs, rows: int, has: int) -> Obstacle | None:
    """Check the step that may need most, of those whose runs do not tell what grows with rows."""
    step = max(steps, key=lambda each: each.memory_bytes.high, default=None)
    if step is None or step.memory_bytes.high <= has:
        return None
    need, measured = step.memory_bytes, costs.of_step(step.step)[-1].rows
    sentence = (
        f"{format_count(rows)} rows may not fit: {step.step} needs at least "
        f"{format_size(need.low)} of memory for them, up to {format_size(need.high)} if all of it "
        f"grows with the rows, and {format_size(has)} are free here. Runs that all "
        f"had about {format_count(measured)} rows do not tell. {advise_run(measured)}"
    )
    return Obstacle(sentence, is_expected=False)


def advise_run(measured: int) -> str:
    """Say how to learn what grows with the rows, where all runs had about one number of them."""
    fewer = _round(max(1, measured // 4))
    return f"A run on fewer rows, such as --row-limit {fewer}, or on more, tells."


def _check_disk(forecast: Forecast, costs: Costs, machine: Machine) -> Obstacle | None:
    need, has = forecast.disk_bytes, machine.disk_bytes
    if has is None or need.high <= has:
        return None
    largest = max(forecast.steps, key=lambda step: step.disk_bytes.estimate)
    total, *lines = [_fit_disk(costs.of_step(step)) for step in costs.steps]
    for line in lines:
        total = total.add(*line.best)
    spilled = sum(_spilled_bytes(costs.of_step(step), forecast.rows) for step in costs.steps)
    total = total.add(0.0, spilled / forecast.rows)
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
