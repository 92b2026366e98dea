"""The figures of an evaluation and of a learning curve, as SVG files that stand by themselves."""

import math
from collections.abc import Sequence
from typing import Final

from include.records.figures import (
    CalibrationBin,
    Confusion,
    Curves,
    PrecisionRecall,
    Residuals,
    RocCurve,
)
from include.reporting.plot import BOTTOM, LEFT, RIGHT, TOP, add_x_ticks, draw_file, open_plot
from include.reporting.svg import Scale, draw_rect, draw_text
from include.values.formats import format_count, format_name, format_number, format_percent

Points = Sequence[tuple[float, float]]
MAX_LABELLED: Final = 12
FIRM_ROWS: Final = 10
LINES: Final = ("one", "two", "aid")
DASHES: Final = ("", " dash", " dots")


def draw_figures(
    curves: Curves, history: Sequence[dict[str, float]], *, target: str, best_epoch: int
) -> dict[str, bytes]:
    """Draw all figures that an evaluation allows.

    Args:
        curves: The points of the test rows.
        history: Metrics of every epoch, as the fit left them.
        target: What is predicted, with its unit where known.
        best_epoch: Epoch whose weights were kept, from 1.

    Returns:
        SVG files by name, e.g. `confusion_matrix`.
    """
    figures: dict[str, bytes] = {}
    names = [name for name in history[0] if not name.startswith("val_")] if history else []
    for name in names:
        figures[f"{name}_by_epoch"] = draw_history(history, name, best_epoch)
    if curves.confusion:
        figures["confusion_matrix"] = draw_confusion(curves.confusion, target)
    if curves.roc:
        figures["roc_curves"] = draw_roc(curves.roc, target)
    if curves.precision_recall:
        figures["precision_and_recall"] = draw_precision(curves.precision_recall, target)
    if curves.calibration:
        figures["calibration"] = draw_calibration(curves.calibration)
    if curves.residuals:
        figures["predicted_and_actual"] = draw_predictions(curves.residuals, target)
        figures["residuals"] = draw_residuals(curves.residuals, target)
    return figures


def draw_history(history: Sequence[dict[str, float]], name: str, best_epoch: int) -> bytes:
    """Draw a metric of training and validation against epochs; what is not finite is left out."""
    lines = {
        key: [
            (float(epoch), values[key])
            for epoch, values in enumerate(history, 1)
            if math.isfinite(values.get(key, math.nan))
        ]
        for key in (name, f"val_{name}")
    }
    values = [value for line in lines.values() for _, value in line] or [0.0]
    words = {"mae": "mean absolute error (scaled)"}.get(name, format_name(name))
    title = f"{words.capitalize()} by epoch"
    plot = open_plot([1, len(history)], values, title=title, x="epoch", y=words, has_ticks=False)
    add_x_ticks(plot, range(1, len(history) + 1, -(-len(history) // 8)))
    plot.add_line([(best_epoch, plot.y.low), (best_epoch, plot.y.high)], "aid dots")
    plot.add_line(lines[name], "one")
    plot.add_line(lines[f"val_{name}"], "two dash")
    if len(history) <= 30:
        plot.add_dots(lines[name], "fill-one", size=4)
        plot.add_dots(lines[f"val_{name}"], "fill-two", size=4)
    legend = [("one", "training"), ("two dash", "validation")]
    legend = legend if lines[f"val_{name}"] else legend[:1]
    return draw_file(
        plot.parts, label=title, legend=[*legend, ("aid dots", f"kept: epoch {best_epoch}")]
    )


def draw_confusion(confusion: Confusion, target: str) -> bytes:
    """Draw rows by true and predicted class; the darker, the larger the share of the true class."""
    names, classes = confusion.classes, len(confusion.classes)
    left, top = LEFT + 24, TOP
    x, y = Scale(0, classes, left, RIGHT), Scale(0, classes, top, BOTTOM - 20)
    wide, high = x(1) - x(0), y(1) - y(0)
    title = "Confusion matrix of the test rows"
    parts = [
        draw_text(14, 20, title, css="title", longest=48),
        draw_text((left + RIGHT) / 2, 294, f"predicted {target}", anchor="middle", css="strong"),
        draw_text(14, 145, f"true {target}", anchor="middle", css="strong", turn=-90),
    ]
    for row, counts in enumerate(confusion.counts):
        for column, count in enumerate(counts):
            share = count / max(sum(counts), 1)
            tip = f"{format_percent(share)} of {names[row][:100]}"
            cell = (x(column), y(row), wide - 0.5, high - 0.5)
            parts.append(draw_rect(*cell, css="fill-one", opacity=0.04 + 0.95 * share, tip=tip))
            if count and classes <= MAX_LABELLED:
                css = "small deep" if share > 0.55 else "small strong"
                at = (x(column + 0.5), y(row + 0.5) + 4)
                parts.append(draw_text(*at, format_count(count), anchor="middle", css=css))
    for place, name in enumerate(names if classes <= MAX_LABELLED else ()):
        css = "small"
        parts.append(
            draw_text(left - 5, y(place + 0.5) + 4, name, anchor="end", css=css, longest=13)
        )
        at = (x(place + 0.5), BOTTOM - 8)
        parts.append(draw_text(*at, name, anchor="end", css=css, turn=-35, longest=9))
    return draw_file(parts, label=f"{title}, {classes} classes")


def draw_roc(curves: Sequence[RocCurve], target: str) -> bytes:
    """Draw ROC curves, one class against the rest."""
    title = f"ROC of {target} on the test rows"
    x, y = "false positive rate", "true positive rate"
    plot = open_plot([0, 1], [0, 1], title=title, x=x, y=y)
    plot.add_line([(0, 0), (1, 1)], "aid dots")
    legend = []
    for place, curve in enumerate(curves):
        css = f"{LINES[place % 3]}{DASHES[place // 3 % 3]}"
        plot.add_line(list(zip(curve.false_positive, curve.true_positive, strict=True)), css)
        # Rounded down, so that only a perfect area reads 1.000.
        legend.append((css, f"{math.floor(curve.area * 1000) / 1000:.3f} {curve.name}"))
    return draw_file(plot.parts, label=title, legend=[*legend, ("aid dots", "0.500 by chance")])


def draw_precision(curve: PrecisionRecall, target: str) -> bytes:
    """Draw precision against recall of the class that is a yes."""
    title = f"Precision and recall of {target} on the test rows"
    x, y = f"recall (share of {curve.name} that is found)", "precision (share that is right)"
    plot = open_plot([0, 1], [0, 1], title=title, x=x, y=y)
    plot.add_line([(0, curve.share), (1, curve.share)], "aid dots")
    plot.add_line(list(zip(curve.recall, curve.precision, strict=True)), "one")
    legend = [
        ("one", f"{math.floor(curve.area * 1000) / 1000:.3f} {curve.name}"),
        ("aid dots", f"{curve.share:.3f} by chance"),
    ]
    return draw_file(plot.parts, label=title, legend=legend)


def draw_calibration(bins: Sequence[CalibrationBin]) -> bytes:
    """Draw how often the model is right against how sure it is; few rows are drawn pale."""
    title = "Calibration on the test rows"
    x, y = "confidence (probability of the predicted class)", "share of rows predicted right"
    plot = open_plot([0, 1], [0, 1], title=title, x=x, y=y)
    plot.add_line([(0, 0), (1, 1)], "aid dots")
    firm = [(each.confidence, each.accuracy) for each in bins if each.rows >= FIRM_ROWS]
    few = [(each.confidence, each.accuracy) for each in bins if each.rows < FIRM_ROWS]
    plot.add_line(firm, "one")
    plot.add_dots(firm, "fill-one")
    plot.add_dots(few, "fill-aid", pale=0.6)
    legend = [("one", "this model"), ("aid dots", "perfectly calibrated")]
    if few:
        legend.append(("aid", f"grey: fewer than {FIRM_ROWS} rows"))
    return draw_file(plot.parts, label=title, legend=legend)


def draw_predictions(residuals: Residuals, target: str) -> bytes:
    """Draw predicted against actual values."""
    title = "Predicted and actual values of the test rows"
    x, y = f"actual {target}", f"predicted {target}"
    ends = [min(residuals.actual), max(residuals.actual)]
    plot = open_plot(residuals.actual, [*residuals.predicted, *ends], title=title, x=x, y=y)
    dots = list(zip(residuals.actual, residuals.predicted, strict=True))
    plot.add_dots(dots, "fill-one", size=4, pale=0.35)
    plot.add_line([(end, end) for end in ends], "two")
    return draw_file(plot.parts, label=title, legend=[("two", "predicted = actual")])


def draw_residuals(residuals: Residuals, target: str) -> bytes:
    """Draw how the errors are distributed."""
    title, edges = "Errors of the test rows", residuals.edges
    x = f"predicted \N{MINUS SIGN} actual {target}"
    ends = [0, *residuals.counts]
    plot = open_plot([*edges, 0.0], ends, title=title, x=x, y="rows")
    plot.add_bars(list(zip(edges[:-1], edges[1:], residuals.counts, strict=True)), "fill-one")
    plot.add_line([(0, plot.y.low), (0, plot.y.high)], "two")
    return draw_file(plot.parts, label=title, legend=[("two", "no error")])


def draw_learning_curve(
    measured: Points, fitted: Points, beyond: Points, *, likely: Points, metric: str
) -> bytes:
    """Draw a metric against training rows, the curve through it, and where twice the rows lead.

    Args:
        measured: Training rows, and the metric.
        fitted: The fitted curve between them; empty without one.
        beyond: Its course up to twice the rows.
        likely: Lowest, expected and highest value with twice the rows.
        metric: Name of the metric.
    """
    name = format_name(metric)
    title = f"{name[:1].upper()}{name[1:]} of the test rows by training rows"
    points = [[(math.log2(a), b) for a, b in each] for each in (measured, fitted, beyond, likely)]
    everything = [point for each in points for point in each] or [(0.0, 0.0)]
    xs, ys = [a for a, _ in everything], [b for _, b in everything]
    plot = open_plot(xs, ys, title=title, x="training rows (logarithmic)", y=name, has_ticks=False)
    ticks = sorted({rows for rows, _ in (*measured, *likely)})
    shown = [
        n for place, n in enumerate(ticks) if n not in ticks[:-1] or ticks[place + 1] > 1.4 * n
    ]
    add_x_ticks(plot, [math.log2(n) for n in shown], [format_number(n) for n in shown])
    legend = [("one", "measured")]
    if fitted:
        plot.add_line(points[1], "aid")
        plot.add_line(points[2], "two dash")
        plot.add_line(points[3], "two")
        plot.add_dots(points[3], "fill-two")
        legend += [("aid", "fitted"), ("two dash", "twice the rows, likely range")]
    plot.add_dots(points[0], "fill-one", size=7)
    return draw_file(plot.parts, label=title, legend=legend)
