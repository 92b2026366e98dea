"""The charts of a table's story: distributions, gaps, relations to the target."""

from typing import Final

from markupsafe import Markup

from include.records.analysis import (
    Histogram,
    MissingMap,
    NumberSummary,
    TargetRelation,
)
from include.reporting.svg import (
    Scale,
    draw_band,
    draw_line,
    draw_path,
    draw_rect,
    draw_svg,
    draw_text,
    draw_y_axis,
    label_width,
)
from include.values.formats import format_count, format_number, format_percent

SMALL: Final = 310.0
WIDE: Final = 1040.0


def draw_histogram(name: str, summary: NumberSummary) -> Markup:
    """Draw a distribution, with median and the middle half of the values below it."""
    histogram, height = summary.histogram, 78.0
    x = Scale(histogram.edges[0], histogram.edges[-1], 0, SMALL)
    y = Scale(0, max(histogram.counts) or 1, 0, height - 6)
    parts = [
        draw_rect(
            x(left),
            height - max(y(rows), 1.0 if rows else 0),
            max(x(right) - x(left) - 1, 1),
            max(y(rows), 1.0 if rows else 0),
            css="bar-fill",
            tip=f"{format_number(left)} to {format_number(right)}\n{format_count(rows)} rows",
        )
        for left, right, rows in _bars(histogram)
    ]
    parts += [
        draw_line(0, height + 0.5, SMALL, height + 0.5, css="axis"),
        draw_line(x(summary.q25), height + 6, x(summary.q75), height + 6, css="whisker"),
        draw_rect(x(summary.median) - 1, height + 3, 2, 6, css="bar-fill"),
        draw_text(0, height + 22, format_number(summary.minimum)),
        draw_text(SMALL, height + 22, format_number(summary.maximum), anchor="end"),
    ]
    return draw_svg(SMALL, height + 26, parts, label=f"Distribution of {name[:100]}")


def draw_missing_map(found: MissingMap) -> Markup:
    """Draw where in the table values are missing: one line per column, from first to last row."""
    left, line = label_width(found.columns), 20.0
    parts: list[Markup] = []
    for index, (name, shares) in enumerate(zip(found.columns, found.shares, strict=True)):
        top, step = index * line, (WIDE - left) / max(1, len(shares))
        parts.append(draw_text(0, top + 13, name, css="strong"))
        parts.append(draw_rect(left, top + 2, WIDE - left, line - 5, css="cell-frame"))
        for place, share in enumerate(shares):
            if share > 0:
                first = place * found.rows_per_stretch
                tip = (
                    f"{name[:100]}, rows {format_count(first)} to "
                    f"{format_count(first + found.rows_per_stretch - 1)}\n"
                    f"{format_percent(share)} missing"
                )
                shade = 0.15 + 0.85 * share
                x = left + place * step
                parts.append(
                    draw_rect(x, top + 2, step, line - 5, css="gap", tip=tip, opacity=shade)
                )
    bottom = len(found.columns) * line + 14
    parts.append(draw_text(left, bottom, "first row"))
    parts.append(draw_text(WIDE, bottom, "last row", anchor="end"))
    return draw_svg(WIDE, bottom + 4, parts, label="Map of missing values")


def draw_curve(relation: TargetRelation) -> Markup:
    """Draw the target's mean over a number, with its quartiles as a band."""
    points, height = relation.points, 120.0
    values = [v for p in points for v in (p.value, p.low, p.high) if v is not None]
    x = Scale(0, max(1, len(points) - 1), 44, SMALL - 6)
    y = Scale(min(values), max(values), height, 8)
    xs = [x(index) for index in range(len(points))]
    parts = [
        *draw_y_axis(y, 40, SMALL),
        draw_band(xs, [y.known(p.high) for p in points], [y.known(p.low) for p in points]),
        draw_path([(x, y(p.value)) for x, p in zip(xs, points, strict=True)], css="line"),
    ]
    for place, point in zip(xs, points, strict=True):
        tip = (
            f"{relation.feature[:100]} about {point.label}\n{relation.quantity[:100]} "
            f"{format_number(point.value)}\n{format_count(point.rows)} rows"
        )
        parts.append(draw_rect(place - 2.5, y(point.value) - 2.5, 5, 5, css="bar-fill"))
        parts.append(draw_rect(place - 11, 4, 22, height, css="hit", tip=tip))
    parts.append(draw_text(xs[0], height + 18, format_number(float(points[0].label), 3)))
    parts.append(
        draw_text(xs[-1], height + 18, format_number(float(points[-1].label), 3), anchor="end")
    )
    return draw_svg(SMALL, height + 22, parts, label=f"{relation.quantity} over {relation.feature}")


def draw_boxes(relation: TargetRelation) -> Markup:
    """Draw median and quartiles of a number for each class of the target."""
    points, line = relation.points, 24.0
    left = min(label_width(point.label for point in points), 150)
    known = [v for p in points for v in (p.value, p.low, p.high) if v is not None]
    x = Scale(min(known), max(known), left + 4, SMALL - 8)
    parts: list[Markup] = []
    for index, point in enumerate(points):
        top = index * line
        low, high = (x(point.value if v is None else v) for v in (point.low, point.high))
        tip = (
            f"{point.label}\nmedian {format_number(point.value)}, half of the rows "
            f"{format_number(point.low)} to {format_number(point.high)}\n"
            f"{format_count(point.rows)} rows"
        )
        parts += [
            draw_text(0, top + 15, point.label, css="strong"),
            draw_rect(low, top + 4, max(high - low, 2), line - 9, css="bar-fill", opacity=0.45),
            draw_rect(x(point.value) - 1.5, top + 2, 3, line - 5, css="bar-fill"),
            draw_rect(left, top, SMALL - left, line, css="hit", tip=tip),
        ]
    bottom = len(points) * line + 14
    parts.append(draw_text(left + 4, bottom, format_number(x.low, 3)))
    parts.append(draw_text(SMALL - 8, bottom, format_number(x.high, 3), anchor="end"))
    return draw_svg(SMALL, bottom + 4, parts, label=f"{relation.quantity} by class")


def _bars(histogram: Histogram) -> list[tuple[float, float, int]]:
    return list(zip(histogram.edges[:-1], histogram.edges[1:], histogram.counts, strict=True))
