"""The part of a run's page that tells why: columns, rows, threshold, time, and the reference."""

from collections.abc import Sequence
from typing import Any, Final

from markupsafe import Markup

from include.records.explanations import (
    Course,
    ExplainedRow,
    Explanations,
    Importances,
    ThresholdChoice,
)
from include.reporting.metric_rows import is_higher_better
from include.reporting.page import image_uri, render_part
from include.reporting.plot import add_x_ticks, draw_file, open_plot
from include.reporting.png import draw_array, draw_heat
from include.reporting.svg import draw_rect, draw_svg
from include.values.formats import format_number

SHOWN_COLUMNS: Final = 20
SHOWN_AMOUNTS: Final = 5
GRID_PIXELS: Final = 280.0


def render_explanations(found: Explanations | None, target: str) -> Markup:
    """Render all that explains a candidate; nothing of a run that has none.

    Args:
        found: What `evaluate` explained.
        target: What is predicted.
    """
    if found is None:
        return Markup("")
    ranked = found.importances
    columns = ranked.columns if ranked else ()
    context: dict[str, Any] = {
        "found": found,
        "ranked": ranked,
        "target": target,
        "columns": [each for each in columns if each.patch is None][:SHOWN_COLUMNS],
        "left_out": max(0, sum(each.patch is None for each in columns) - SHOWN_COLUMNS),
        "longest": max((abs(each.value) for each in columns), default=0.0),
        "is_higher_better": ranked is not None and is_higher_better(ranked.metric),
        "patches": draw_patches(ranked) if ranked and ranked.grid else "",
        "groups": [
            (title, [_lay_out(row) for row in rows])
            for title, rows in (
                ("The rows it was most wrong about", found.hardest),
                ("A sample of the test rows", found.sample),
            )
            if rows
        ],
        "threshold_image": image_uri("threshold.svg", draw_threshold(found.threshold))
        if found.threshold
        else "",
        "course_images": [
            (course.title, image_uri("course.svg", draw_course(course, target)))
            for course in found.courses
        ],
    }
    return render_part("explanations.html.j2", context)


def draw_patches(ranked: Importances) -> Markup:
    """Draw what each patch of an array is worth to the metric, the stronger the colour the more."""
    down, across = ranked.grid or (1, 1)
    side = GRID_PIXELS / max(down, across)
    patches = [each for each in ranked.columns if each.patch is not None]
    most = max((each.value for each in patches), default=0.0) or 1.0
    parts = []
    for each in patches:
        row, column = each.patch or (0, 0)
        tip = (
            f"{each.column[:100]}, patch {row + 1} down and {column + 1} across\n"
            f"{format_number(each.value, 3)} ± {format_number(each.spread, 2)}"
        )
        place = (column * side, row * side, side - 1, side - 1)
        parts.append(draw_rect(*place, css="cell-frame"))
        shade = max(0.0, each.value) / most
        parts.append(draw_rect(*place, css="pos", opacity=min(shade, 0.999), tip=tip))
    label = f"What each patch of {patches[0].column[:100]} is worth" if patches else "Patches"
    return draw_svg(across * side, down * side, parts, label=label)


def draw_threshold(choice: ThresholdChoice) -> bytes:
    """Draw the mean cost of a validation row against the threshold."""
    title = "What a threshold costs on the validation rows"
    xs, ys = ([each.threshold for each in choice.points], [each.cost for each in choice.points])
    plot = open_plot(
        [0, 1], [0, *ys], title=title, x=f"threshold of {choice.positive}", y="mean cost of a row"
    )
    plot.add_line([(0.5, plot.y.low), (0.5, plot.y.high)], "aid dots")
    plot.add_line(list(zip(xs, ys, strict=True)), "one")
    plot.add_line([(choice.threshold, plot.y.low), (choice.threshold, plot.y.high)], "two dash")
    best = f"least cost: {format_number(choice.threshold, 3)}"
    legend = [("one", "cost"), ("two dash", best), ("aid dots", "the usual 0.5")]
    return draw_file(plot.parts, label=title, legend=legend)


def draw_course(course: Course, target: str) -> bytes:
    """Draw actual and predicted values over time."""
    places = range(len(course.times))
    title = course.title
    plot = open_plot(
        [0, max(1, len(places) - 1)],
        [*course.actual, *course.predicted],
        title=title,
        x="time",
        y=target,
        has_ticks=False,
    )
    step = max(1, len(places) // 4)
    shown = list(places)[::step][:4]
    length = 10 if len({course.times[each][:10] for each in shown}) == len(shown) else 16
    add_x_ticks(plot, shown, [course.times[each][:length] for each in shown])
    plot.add_line(list(zip(places, course.actual, strict=True)), "one")
    plot.add_line(list(zip(places, course.predicted, strict=True)), "two")
    return draw_file(
        plot.parts,
        label=f"{title}: actual and predicted {target} over time",
        legend=[("one", "actual"), ("two", "predicted")],
    )


def _lay_out(row: ExplainedRow) -> dict[str, Any]:
    """Order a row's amounts for the page, the smaller ones as one."""
    shown, rest = row.attributions[:SHOWN_AMOUNTS], row.attributions[SHOWN_AMOUNTS:]
    largest = max((abs(each.amount) for each in row.attributions), default=0.0) or 1.0
    is_alone = len(row.attributions) == 1
    return {
        "row": row,
        "has_gap": abs(row.gap) > 0.05 * abs(row.output - row.reference_output) + 1e-3,
        "amounts": [
            (each.column, each.shown, each.amount, abs(each.amount) / largest)
            for each in ([] if is_alone and row.pictures else shown)
        ],
        "rest": (len(rest), sum(each.amount for each in rest)) if rest else None,
        "pictures": [
            (
                each.column,
                image_uri("array.png", draw_array(each)),
                image_uri("heat.png", draw_heat(each)),
                _describe_heat(each.heat),
            )
            for each in row.pictures
        ],
    }


def _describe_heat(heat: Sequence[float]) -> str:
    adds, takes = (sum(each for each in heat if sign * each > 0) for sign in (1, -1))
    return f"adds {format_number(adds, 3)}, takes {format_number(abs(takes), 3)}"
