"""The heat map of associations, with the columns' names on both axes."""

from typing import Final

from markupsafe import Markup

from include.records.analysis import Analysis, Association
from include.reporting.svg import draw_svg, draw_text, label_width, tip_of
from include.values.formats import format_count, format_number, format_signed

MEASURES: Final = {
    "pearson": "Pearson's r",
    "cramers_v": "Cramér's V",
    "correlation_ratio": "correlation ratio",
}
# Up to so many columns there is room for the numbers.
WITH_NUMBERS: Final = 18


def draw_heat_map(found: Analysis) -> Markup:
    """Draw every pair of columns as a cell; warm is together, cool against each other.

    Each cell carries its values, so that the page's script can change from Pearson to Spearman.
    """
    names = found.columns_in_heat_map
    place = {name: index for index, name in enumerate(names)}
    has_numbers = len(names) <= WITH_NUMBERS
    size = 46.0 if len(names) <= 12 else 40.0 if has_numbers else 20.0
    left = top = label_width(names)
    parts = []
    for index, name in enumerate(names):
        middle = index * size + size / 2
        parts.append(draw_text(left - 6, top + middle + 4, name, anchor="end", css="strong"))
        parts.append(draw_text(left + middle + 4, top - 6, name, css="strong", turn=-90))
        parts.append(_draw_self(left + index * size, top + index * size, size))
    for pair in found.associations:
        row, column = place[pair.left], place[pair.right]
        for line, along in ((row, column), (column, row)):
            corner = (left + along * size, top + line * size)
            parts.append(_draw_cell(pair, corner, size, has_number=has_numbers))
    edge = len(names) * size + 6
    return draw_svg(left + edge, top + edge, parts, label="Heat map of associations")


def describe_pair(pair: Association) -> str:
    """Write what a cell or a line of the table stands for."""
    lines = [f"{pair.left[:100]} and {pair.right[:100]}"]
    lines.append(f"{MEASURES[pair.measure]} {format_number(pair.value, 3)}")
    if pair.spearman is not None:
        lines.append(f"Spearman {format_number(pair.spearman, 3)}")
    return "\n".join([*lines, f"{format_count(pair.rows)} rows"])


def _draw_self(x: float, y: float, size: float) -> Markup:
    return Markup(
        '<rect x="{:.1f}" y="{:.1f}" width="{s:.1f}" height="{s:.1f}" class="cell-frame"/>'
    ).format(x + 1, y + 1, s=size - 2)


def _draw_cell(
    pair: Association, corner: tuple[float, float], size: float, *, has_number: bool
) -> Markup:
    x, y = corner
    rect = Markup(
        '<rect x="{:.1f}" y="{:.1f}" width="{s:.1f}" height="{s:.1f}" class="heat {}" '
        'fill-opacity="{:.3f}" data-value="{}" data-rank="{}"{}/>'
    ).format(
        x + 1,
        y + 1,
        "neg" if pair.value < 0 else "pos",
        pair.strength,
        pair.value,
        "" if pair.spearman is None else pair.spearman,
        tip_of(describe_pair(pair)),
        s=size - 2,
    )
    if not has_number:
        return Markup("<g>{}</g>").format(rect)
    number = format_signed(pair.value, 2)
    css = "strong on-heat" if pair.strength < 0.6 else "on-heat is-deep"
    text = draw_text(x + size / 2, y + size / 2 + 4, number, anchor="middle", css=css)
    return Markup("<g>{}{}</g>").format(rect, text)
