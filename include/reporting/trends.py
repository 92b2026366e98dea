"""Small charts of figures over the windows of a pipeline."""

from collections.abc import Sequence
from typing import Final, NamedTuple

from markupsafe import Markup

from include.reporting.charts import SMALL
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

HEIGHT: Final = 96.0
LEFT: Final = 48.0


class Trend(NamedTuple):
    """A figure over windows, None where a window has none; with a band, and its colour's class."""

    name: str
    values: Sequence[float | None]
    lows: Sequence[float | None] = ()
    highs: Sequence[float | None] = ()
    css: str = ""
    marks: Sequence[bool] = ()


def draw_trends(
    trends: Sequence[Trend],
    labels: Sequence[str],
    *,
    title: str,
    limits: Sequence[float] = (),
    is_amount: bool = False,
) -> Markup:
    """Draw figures over windows.

    Args:
        trends: The figures, on one scale.
        labels: What each window is called.
        title: What is drawn, for those who cannot see it.
        limits: Values to mark by a line across, as far as they have room.
        is_amount: Whether the scale begins at 0.
    """
    known = [v for t in trends for v in (*t.values, *t.lows, *t.highs) if v is not None]
    if not known:
        return Markup("")
    low, high = min([*known, 0.0] if is_amount else known), max(known)
    # A limit far from all that was measured would flatten it.
    near = [each for each in limits if low - 2 * (high - low) <= each <= high + 2 * (high - low)]
    y = Scale(min([low, *near]), max([high, *near]), HEIGHT, 8)
    if y.low == y.high:
        y = Scale(y.low, y.high + (abs(y.high) or 1) / 10, HEIGHT, 8)
    x = Scale(0, max(1, len(labels) - 1), LEFT + 6, SMALL - 8)
    xs = [x(place) for place in range(len(labels))]
    parts = list(draw_y_axis(y, LEFT - 4, SMALL))
    parts += [draw_line(LEFT, y(each), SMALL, y(each), css="limit") for each in near]
    for trend in trends:
        if trend.lows:
            ends = ([y.known(v) for v in side] for side in (trend.highs, trend.lows))
            parts.append(draw_band(xs, *ends, css=trend.css))
        points = [
            (at, y(v)) if v is not None else None for at, v in zip(xs, trend.values, strict=True)
        ]
        parts.append(draw_path(points, css=f"line {trend.css}"))
        for place, point in enumerate(points):
            is_marked = bool(trend.marks) and trend.marks[place]
            if point is not None:
                size = 7 if is_marked else 4
                colour = "gap" if is_marked else "second" if trend.css else "bar-fill"
                corner = point[0] - size / 2, point[1] - size / 2
                parts.append(draw_rect(*corner, size, size, css=colour))
    step = (SMALL - LEFT) / max(1, len(labels))
    for place, (at, label) in enumerate(zip(xs, labels, strict=True)):
        lines = [label, *(_tell(trend, place) for trend in trends)]
        tip = "\n".join(filter(None, lines))
        parts.append(draw_rect(at - step / 2, 4, step, HEIGHT, css="hit", tip=tip))
    parts.append(draw_text(LEFT, HEIGHT + 18, labels[0]))
    if len(labels) > 1:
        parts.append(draw_text(SMALL, HEIGHT + 18, labels[-1], anchor="end"))
    return draw_svg(SMALL, HEIGHT + 22, parts, label=f"{title[:100]} over the windows")


def _tell(trend: Trend, place: int) -> str:
    value = trend.values[place]
    if value is None:
        return ""
    ends = [ends[place] if ends else None for ends in (trend.lows, trend.highs)]
    band = f" ({format_number(ends[0])} to {format_number(ends[1])})" if None not in ends else ""
    return f"{trend.name[:100]} {format_number(value)}{band}"
