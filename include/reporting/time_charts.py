"""The charts of a table's story that run along time: courses, cycles, memory."""

import math
from collections.abc import Mapping, Sequence
from typing import Final

from markupsafe import Markup

from include.records.analysis import Cycle, Memory, Timeline
from include.reporting.charts import SMALL, WIDE
from include.reporting.svg import (
    Scale,
    draw_band,
    draw_line,
    draw_path,
    draw_rect,
    draw_svg,
    draw_text,
    draw_y_axis,
)
from include.values.formats import format_number

# Width of a letter of a label, in the units of a chart.
LETTER: Final = 7.0


def draw_timeline(line: Timeline) -> Markup:
    """Draw a column over time, with the band that holds four in five of its values."""
    height, left = 130.0, 52.0
    known = [value for value in (*line.values, *line.lows, *line.highs) if value is not None]
    if not known:
        return Markup("")
    x = Scale(0, max(1, len(line.times) - 1), left, WIDE - 6)
    y = Scale(min(known), max(known), height, 8)
    xs = [x(index) for index in range(len(line.times))]
    parts = [*draw_y_axis(y, left - 4, WIDE), *_time_axis(line.times, x, height)]
    if line.lows:
        parts.append(
            draw_band(xs, [y.known(v) for v in line.highs], [y.known(v) for v in line.lows])
        )
    course = [(at, y(v)) if v is not None else None for at, v in zip(xs, line.values, strict=True)]
    parts.append(draw_path(course, css="line"))
    step = (WIDE - left) / max(1, len(xs))
    for place, time, value in zip(xs, line.times, line.values, strict=True):
        tip = f"{time.removesuffix(' 00:00')}\n{line.quantity[:100]} {format_number(value)}"
        parts.append(draw_rect(place - step / 2, 4, step, height, css="hit", tip=tip))
    return draw_svg(WIDE, height + 24, parts, label=f"{line.quantity} over time")


def draw_course(
    times: Sequence[str],
    values: Sequence[float | None],
    against: Sequence[float | None],
    marks: Mapping[int, str],
    *,
    quantity: str,
    bounds: tuple[float, float],
) -> Markup:
    """Draw a quantity over time against another course of it, with marks on the lower axis.

    Args:
        times: When each value begins.
        values: The course.
        against: What it is held against.
        marks: Places with a mark, and what it stands for.
        quantity: What is drawn.
        bounds: Least and most of the axis, the same for charts that are compared.
    """
    height, left = 130.0, 52.0
    x = Scale(0, max(1, len(times) - 1), left, WIDE - 6)
    y = Scale(*bounds, height, 8)
    parts = [*draw_y_axis(y, left - 4, WIDE), *_time_axis(times, x, height)]
    for course, css in ((against, "line alt"), (values, "line")):
        places = [(x(n), y(v)) if v is not None else None for n, v in enumerate(course)]
        parts.append(draw_path(places, css=css))
    parts += [draw_rect(x(n) - 1, height - 9, 2, 9, css="bar-fill") for n in marks]
    step = (WIDE - left) / max(1, len(times))
    for place, (time, value, other) in enumerate(zip(times, values, against, strict=True)):
        tip = f"{time}\n{quantity[:100]} {format_number(value)}, without {format_number(other)}"
        tip += f"\n{marks[place]}" if place in marks else ""
        parts.append(draw_rect(x(place) - step / 2, 4, step, height, css="hit", tip=tip))
    return draw_svg(WIDE, height + 24, parts, label=f"{quantity} over time")


def draw_cycle(cycle: Cycle, quantity: str) -> Markup:
    """Draw the target's mean over the hours, weekdays or months."""
    return _draw_columns(
        cycle.labels,
        cycle.values,
        [f"{label}\n{quantity[:100]}" for label in cycle.labels],
        every={"hour": 3, "month": 2}.get(cycle.unit, 1),
    )


def draw_memory(memory: Memory, target: str) -> Markup:
    """Draw the correlation of the target with itself some rows earlier."""
    return _draw_columns(
        [str(lag) for lag in memory.lags],
        memory.values,
        [f"{target[:100]} and its value {lag} rows earlier" for lag in memory.lags],
        every=6,
    )


def _draw_columns(
    labels: Sequence[str], values: Sequence[float | None], tips: Sequence[str], *, every: int
) -> Markup:
    height = 110.0
    known = [value for value in values if value is not None] or [0.0]
    y = Scale(min(0.0, *known), max(0.0, *known), height, 8)
    step = (SMALL - 44) / max(1, len(labels))
    parts = list(draw_y_axis(y, 40, SMALL))
    for index, (label, value, tip) in enumerate(zip(labels, values, tips, strict=True)):
        left = 44 + index * step
        if value is not None:
            top = min(y(value), y(0))
            text = f"{tip} {format_number(value)}"
            parts.append(
                draw_rect(left + 1, top, step - 2, abs(y(value) - y(0)), css="bar-fill", tip=text)
            )
        if index % every == (every - 1 if every == 6 else 0):
            parts.append(draw_text(left + step / 2, height + 16, label, anchor="middle"))
    return draw_svg(SMALL, height + 20, parts, label=tips[0] if tips else "Chart")


def _time_axis(times: Sequence[str], x: Scale, height: float) -> list[Markup]:
    """Label the first stretch of each year, month or day, whichever gives few enough labels."""
    for length in (4, 7, 10, 16):
        starts = [i for i, t in enumerate(times) if i == 0 or t[:length] != times[i - 1][:length]]
        if len(starts) >= 4 or length == 16:
            break
    shown = starts[:: max(1, len(starts) // 10)]
    lines = []
    for index, ends in zip(shown, [*(x(each) for each in shown[1:]), math.inf], strict=True):
        lines.append(draw_line(x(index), 4, x(index), height + 4, css="axis"))
        # The first stretch may be a few days of its month: its name would stand in the next one's.
        if ends - x(index) > LETTER * length:
            lines.append(draw_text(x(index) + 3, height + 18, times[index][:length]))
    return lines
