"""A picture file with two axes: SVG that stands by itself, in light and in dark.

Such a file is shown by MLflow and embedded as an image, where no style of a page reaches it, so
it carries its own. The two colours of Okabe and Ito are told apart by colour-blind readers.
"""

import math
from collections.abc import Sequence
from typing import Final, NamedTuple

from markupsafe import Markup

from include.reporting.svg import Scale, draw_line, draw_path, draw_rect, draw_text, join_markup
from include.values.formats import format_tick

WIDTH: Final = 420.0
HEIGHT: Final = 320.0
LEFT, TOP, RIGHT, BOTTOM = 78.0, 34.0, 394.0, 254.0
TICKS: Final = 5
STYLE: Final = Markup("""<style>
svg { --card: #fff; --ink: #1b2430; --soft: #5a6675; --line: #dde2e9; --one: #0072b2;
  --two: #c25700; color-scheme: light dark; font-family: system-ui, "DejaVu Sans", sans-serif; }
@media (prefers-color-scheme: dark) { svg { --card: #181e26; --ink: #e4e9f0; --soft: #9aa7b6;
  --line: #2c3541; --one: #56b4e9; --two: #e69f00; } }
text { fill: var(--soft); font-size: 13px; } .title { fill: var(--ink); font-size: 15px; }
.strong { fill: var(--ink); } .small { font-size: 11px; } .deep { fill: var(--card); }
.back { fill: var(--card); } .axis { stroke: var(--line); }
.one, .two, .aid { fill: none; stroke-width: 2; stroke-linejoin: round; }
.one { stroke: var(--one); } .two { stroke: var(--two); } .aid { stroke: var(--soft); }
.dash { stroke-dasharray: 6 4; } .dots { stroke-dasharray: 2 4; }
.fill-one { fill: var(--one); } .fill-two { fill: var(--two); } .fill-aid { fill: var(--soft); }
</style>""")


class Plot(NamedTuple):
    """Scales of a chart, and what is drawn on them."""

    x: Scale
    y: Scale
    parts: list[Markup]

    def add_line(self, points: Sequence[tuple[float, float]], css: str) -> None:
        """Join points by a line."""
        places = [(self.x(a), self.y(b)) for a, b in points]
        self.parts.append(draw_path(places, css=css))

    def add_dots(
        self, points: Sequence[tuple[float, float]], css: str, *, size: float = 6, pale: float = 1
    ) -> None:
        """Mark points."""
        for a, b in points:
            corner = (self.x(a) - size / 2, self.y(b) - size / 2)
            self.parts.append(draw_rect(*corner, size, size, css=css, opacity=pale))

    def add_bars(self, bars: Sequence[tuple[float, float, float]], css: str) -> None:
        """Draw bars from zero: start, end and height of each."""
        for start, end, height in bars:
            if height <= 0:
                continue
            left, top = self.x(start), self.y(height)
            self.parts.append(
                draw_rect(left, top, max(self.x(end) - left - 1, 1), self.y(0) - top, css=css)
            )


def open_plot(
    xs: Sequence[float], ys: Sequence[float], *, title: str, x: str, y: str, has_ticks: bool = True
) -> Plot:
    """Begin a chart that has room for these values, with title and labelled axes."""
    low, high = min(ys), max(ys)
    room = 0.04 * (high - low) if high > low else abs(high) or 1.0
    plot = Plot(
        Scale(min(xs), max(xs), LEFT, RIGHT), Scale(low - room, high + room, BOTTOM, TOP), []
    )
    parts = [
        draw_text(LEFT, 20, title, css="title", longest=48),
        draw_text((LEFT + RIGHT) / 2, BOTTOM + 36, x, anchor="middle", css="strong", longest=52),
        draw_text(14, (TOP + BOTTOM) / 2, y, anchor="middle", css="strong", turn=-90, longest=34),
        draw_line(LEFT, BOTTOM, RIGHT, BOTTOM, css="axis"),
    ]
    plot.parts.extend(parts)
    for value in list_ticks(low, high):
        plot.parts.append(draw_line(LEFT, plot.y(value), RIGHT, plot.y(value), css="axis"))
        text = format_tick(value)
        plot.parts.append(draw_text(LEFT - 6, plot.y(value) + 4, text, anchor="end"))
    if has_ticks:
        add_x_ticks(plot, list_ticks(min(xs), max(xs)))
    return plot


def add_x_ticks(plot: Plot, values: Sequence[float], texts: Sequence[str] = ()) -> None:
    """Label values of the lower axis."""
    for place, value in enumerate(values):
        text = texts[place] if texts else format_tick(value)
        plot.parts.append(draw_line(plot.x(value), BOTTOM, plot.x(value), BOTTOM + 4, css="axis"))
        plot.parts.append(draw_text(plot.x(value), BOTTOM + 18, text, anchor="middle"))


def list_ticks(low: float, high: float) -> list[float]:
    """List round numbers between two values.

    Example:
        >>> list_ticks(0.0, 1.0)
        [0.0, 0.2, 0.4, 0.6, 0.8, 1.0]
    """
    if not low < high:
        return [low]
    raw = (high - low) / TICKS
    size = 10.0 ** math.floor(math.log10(raw))
    step = next(size * factor for factor in (1, 2, 5, 10) if size * factor >= raw * 0.999)
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    return [float(f"{place * step:.12g}") for place in range(first, last + 1)]


def draw_file(
    parts: Sequence[Markup], *, label: str, legend: Sequence[tuple[str, str]] = ()
) -> bytes:
    """Wrap a chart as an SVG file, with the names of its lines below it.

    Args:
        parts: What is drawn.
        label: What the picture shows, for those who cannot see it.
        legend: Class and name of each line.
    """
    height, entries = HEIGHT - 22, []
    for place, (css, name) in enumerate(legend):
        top = height + 18 * (place // 2) + 10
        left = 16 + (place % 2) * 200
        entries.append(draw_line(left, top - 4, left + 22, top - 4, css=css))
        entries.append(draw_text(left + 28, top, name, longest=30))
    height += 18 * -(-len(legend) // 2) + 8
    return (
        Markup(
            '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {w:.0f} {h:.0f}" '
            'width="{w:.0f}" height="{h:.0f}" role="img" aria-label="{label}">{style}'
            '<rect width="100%" height="100%" class="back"/>{body}</svg>'
        )
        .format(w=WIDTH, h=height, label=label, style=STYLE, body=join_markup([*parts, *entries]))
        .encode()
    )
