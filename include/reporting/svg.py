"""The small change of charts: escaped SVG elements, scales and labels.

Elements are `Markup`, whose `format` escapes every argument: names of columns and categories are
user input and stay text.
"""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from markupsafe import Markup, escape

from include.values.formats import format_number
from include.values.showing import LABEL_LENGTH, cut_label


class Scale(NamedTuple):
    """A straight line from values to pixels."""

    low: float
    high: float
    start: float
    end: float

    def __call__(self, value: float) -> float:
        """Return the pixel of a value; the middle if all values are equal."""
        if self.high == self.low:
            return (self.start + self.end) / 2
        share = (value - self.low) / (self.high - self.low)
        return self.start + share * (self.end - self.start)

    def known(self, value: float | None) -> float | None:
        """Return the pixel of a value that may be missing."""
        return None if value is None else self(value)


def draw_svg(width: float, height: float, parts: Iterable[Markup], *, label: str) -> Markup:
    """Wrap elements as a picture with a name for those who cannot see it."""
    return Markup(
        '<svg viewBox="0 0 {w:.0f} {h:.0f}" width="{w:.0f}" height="{h:.0f}" role="img" '
        'aria-label="{label}">{body}</svg>'
    ).format(w=width, h=height, label=label, body=Markup("").join(parts))


def draw_text(
    x: float,
    y: float,
    text: str,
    *,
    anchor: str = "start",
    css: str = "",
    turn: float = 0,
    longest: int = LABEL_LENGTH,
) -> Markup:
    """Write a label; a long one is cut, with the whole as its tip."""
    turned = Markup(' transform="rotate({:.0f} {:.1f} {:.1f})"').format(turn, x, y) if turn else ""
    tip = Markup("<title>{}</title>").format(text[:300]) if len(text) > longest else ""
    return Markup('<text x="{:.1f}" y="{:.1f}" text-anchor="{}" class="{}"{}>{}{}</text>').format(
        x, y, anchor, css, turned, cut_label(text, longest), tip
    )


def draw_rect(
    x: float, y: float, width: float, height: float, *, css: str, tip: str = "", opacity: float = 1
) -> Markup:
    """Draw a rectangle; `tip` shows when the pointer rests on it."""
    shade = Markup(' fill-opacity="{:.3f}"').format(opacity) if opacity < 1 else ""
    return Markup(
        '<rect x="{:.1f}" y="{:.1f}" width="{:.1f}" height="{:.1f}" class="{}"{}{}/>'
    ).format(x, y, max(width, 0), max(height, 0), css, shade, tip_of(tip))


def draw_line(x1: float, y1: float, x2: float, y2: float, *, css: str) -> Markup:
    """Draw a straight line."""
    return Markup('<line x1="{:.1f}" y1="{:.1f}" x2="{:.1f}" y2="{:.1f}" class="{}"/>').format(
        x1, y1, x2, y2, css
    )


def draw_path(points: Sequence[tuple[float, float] | None], *, css: str) -> Markup:
    """Join points by a line that breaks where a point is None."""
    steps, is_drawing = [], False
    for point in points:
        if point is not None:
            steps.append(f"{'L' if is_drawing else 'M'}{point[0]:.1f} {point[1]:.1f}")
        is_drawing = point is not None
    return Markup('<path d="{}" class="{}"/>').format(" ".join(steps), css)


def draw_band(
    xs: Sequence[float],
    tops: Sequence[float | None],
    bottoms: Sequence[float | None],
    *,
    css: str = "",
) -> Markup:
    """Fill the space between two lines, in pieces where both are known."""
    pieces: list[list[tuple[float, float, float]]] = [[]]
    for x, top, bottom in zip(xs, tops, bottoms, strict=True):
        if top is None or bottom is None:
            pieces.append([])
        else:
            pieces[-1].append((x, top, bottom))
    path = " ".join(_outline(piece) for piece in pieces if len(piece) > 1)
    return Markup('<path d="{}" class="band {}"/>').format(path, css)


def tip_of(text: str) -> Markup:
    """Write the attribute that our script shows as a tip."""
    return Markup(' data-tip="{}"').format(text) if text else Markup("")


def label_width(texts: Iterable[str]) -> float:
    """Estimate the room that the longest of some labels takes, in pixels."""
    return 6.6 * max((min(len(text), LABEL_LENGTH) for text in texts), default=0) + 8


def join_markup(parts: Iterable[Markup]) -> Markup:
    """Join elements that are escaped already."""
    return Markup("").join(escape(part) for part in parts)


def _outline(piece: list[tuple[float, float, float]]) -> str:
    there = [f"{x:.1f} {top:.1f}" for x, top, _ in piece]
    back = [f"{x:.1f} {bottom:.1f}" for x, _, bottom in reversed(piece)]
    return f"M{' L'.join([*there, *back])}Z"


def draw_y_axis(y: Scale, x: float, end: float) -> list[Markup]:
    """Label the lowest, middle and highest value, each with its line across."""
    lines = []
    for value in dict.fromkeys((y.low, (y.low + y.high) / 2, y.high)):
        lines.append(draw_text(x - 4, y(value) + 4, format_number(value, 3), anchor="end"))
        lines.append(draw_line(x + 2, y(value), end, y(value), css="axis"))
    return lines
