"""The figures of an evaluation as PNG bytes.

Only matplotlib's object interface is used: no figure outlives its function, and nothing depends
on what other code drew before.
"""

import math
from collections.abc import Sequence
from typing import Any, Final

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from include.modeling.curves import CalibrationBin, Confusion, Curves, Residuals, RocCurve
from include.modeling.figure_style import (
    BLUE,
    FAINT,
    INK,
    ORANGE,
    prepare_axes,
    render_png,
    shorten,
)

LINES: Final = ("-", "--", ":")
MAX_NUMBERED: Final = 25
FIRM_ROWS: Final = 10


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
        PNG bytes by name, e.g. `confusion_matrix`.
    """
    figures: dict[str, bytes] = {}
    if history:
        figures["learning_curves"] = draw_learning_curves(history, best_epoch)
    if curves.confusion:
        figures["confusion_matrix"] = draw_confusion(curves.confusion, target)
    if curves.roc:
        figures["roc_curves"] = draw_roc(curves.roc, target)
    if curves.calibration:
        figures["calibration"] = draw_calibration(curves.calibration)
    if curves.residuals:
        figures["predicted_and_actual"] = draw_predictions(curves.residuals, target)
        figures["residuals"] = draw_residuals(curves.residuals, target)
    return figures


def draw_learning_curves(history: Sequence[dict[str, float]], best_epoch: int) -> bytes:
    """Draw loss and metric of training and validation against epochs."""
    names = [name for name in history[0] if not name.startswith("val_")]
    figure = Figure(figsize=(4.6 * len(names), 3.8), layout="constrained")
    epochs = range(1, len(history) + 1)
    marker = "o" if len(history) <= 30 else None
    for axes, name in zip(figure.subplots(1, len(names), squeeze=False)[0], names, strict=True):
        prepare_axes(axes, f"{_words(name).capitalize()} by epoch", x="epoch", y=_words(name))
        series = {"training": (name, BLUE), "validation": (f"val_{name}", ORANGE)}
        for label, (key, colour) in series.items():
            if key in history[0]:
                values = [epoch[key] for epoch in history]
                axes.plot(epochs, values, color=colour, label=label, marker=marker, markersize=3)
        axes.axvline(best_epoch, color=FAINT, linestyle=":", label=f"kept: epoch {best_epoch}")
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        axes.legend(frameon=False, fontsize=8)
    return render_png(figure)


def draw_confusion(confusion: Confusion, target: str) -> bytes:
    """Draw rows by true and predicted class; colours are shares of the true class."""
    counts = np.array(confusion.counts)
    classes = len(counts)
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    side = min(11.0, 2.6 + 0.52 * classes)
    figure = Figure(figsize=(side + 0.9, side), layout="constrained")
    axes = figure.subplots()
    image = axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    prepare_axes(
        axes, "Confusion matrix of the test rows", x=f"predicted {target}", y=f"true {target}"
    )
    axes.grid(visible=False)
    if classes <= MAX_NUMBERED:
        labels = [shorten(name) for name in confusion.classes]
        is_long = max(map(len, labels)) > 3
        axes.set_xticks(
            range(classes),
            labels,
            rotation=45 if is_long else 0,
            fontsize=8,
            ha="right" if is_long else "center",
            rotation_mode="anchor" if is_long else "default",
        )
        axes.set_yticks(range(classes), labels, fontsize=8)
        _write_counts(axes, counts, shares)
    bar = figure.colorbar(image, ax=axes, shrink=0.85)
    bar.set_label("share of the true class", fontsize=8, color=INK)
    bar.ax.tick_params(labelsize=8)
    return render_png(figure)


def draw_roc(curves: Sequence[RocCurve], target: str) -> bytes:
    """Draw ROC curves, one class against the rest."""
    figure = Figure(figsize=(7.2, 4.6), layout="constrained")
    axes = figure.subplots()
    prepare_axes(
        axes,
        f"ROC {'curves' if len(curves) > 1 else 'curve'} of {shorten(target)} on the test rows",
        x="false positive rate (share of all other rows taken for the class)",
        y="true positive rate (share of the class found)",
    )
    axes.plot([0, 1], [0, 1], color=FAINT, linestyle=":", label="by chance")
    for place, curve in enumerate(curves):
        axes.plot(
            curve.false_positive,
            curve.true_positive,
            color=f"C{place % 10}",
            linestyle=LINES[place // 10 % len(LINES)],
            label=f"{shorten(curve.name)}  (area {_area(curve.area)})",
        )
    axes.set(xlim=(-0.01, 1.01), ylim=(-0.01, 1.02))
    axes.legend(frameon=False, fontsize=8, loc="center left", bbox_to_anchor=(1.0, 0.5))
    return render_png(figure)


def draw_calibration(bins: Sequence[CalibrationBin]) -> bytes:
    """Draw how often the model is right against how sure it is, and how many rows say so."""
    figure = Figure(figsize=(5.2, 5.2), layout="constrained")
    above, below = figure.subplots(2, 1, sharex=True, height_ratios=(3, 1))
    confidence = [each.confidence for each in bins]
    prepare_axes(above, "Calibration on the test rows", x="", y="share of rows predicted right")
    above.plot([0, 1], [0, 1], color=FAINT, linestyle=":", label="perfectly calibrated")
    for label, is_firm in (("this model", True), (f"fewer than {FIRM_ROWS} rows", False)):
        points = [(b.confidence, b.accuracy) for b in bins if (b.rows >= FIRM_ROWS) == is_firm]
        if points:
            style = {"color": BLUE if is_firm else FAINT, "linestyle": "-" if is_firm else "none"}
            above.plot(*zip(*points, strict=True), marker="o", markersize=4, label=label, **style)
    above.set(ylim=(-0.02, 1.05))
    above.legend(frameon=False, fontsize=8, loc="lower right")
    prepare_axes(below, "", x="confidence (probability of the predicted class)", y="rows")
    below.bar(confidence, [each.rows for each in bins], width=0.03, color=BLUE)
    below.set_yscale("log")
    return render_png(figure)


def draw_predictions(residuals: Residuals, target: str) -> bytes:
    """Draw predicted against actual values."""
    figure = Figure(figsize=(5.0, 4.8), layout="constrained")
    axes = figure.subplots()
    title = "Predicted and actual values of the test rows"
    prepare_axes(
        axes, title, x=f"actual {shorten(target, 60)}", y=f"predicted {shorten(target, 60)}"
    )
    axes.scatter(residuals.actual, residuals.predicted, s=9, alpha=0.35, color=BLUE, linewidths=0)
    ends = [min(residuals.actual), max(residuals.actual)]
    axes.plot(ends, ends, color=ORANGE, linewidth=1.2, label="predicted = actual")
    axes.legend(frameon=False, fontsize=8)
    return render_png(figure)


def draw_residuals(residuals: Residuals, target: str) -> bytes:
    """Draw how the errors are distributed."""
    figure = Figure(figsize=(5.4, 3.8), layout="constrained")
    axes = figure.subplots()
    x = f"predicted − actual {shorten(target, 60)}"
    prepare_axes(axes, "Errors of the test rows", x=x, y="rows")
    edges = np.array(residuals.edges)
    axes.bar(edges[:-1], residuals.counts, width=np.diff(edges), align="edge", color=BLUE)
    axes.axvline(0, color=ORANGE, linewidth=1.2, label="no error")
    axes.legend(frameon=False, fontsize=8)
    return render_png(figure)


def _write_counts(axes: Axes, counts: Any, shares: Any) -> None:
    size = 9 if len(counts) <= 12 else 6
    for (row, column), count in np.ndenumerate(counts):
        if count:
            colour = "white" if shares[row, column] > 0.55 else INK
            axes.text(
                column, row, f"{count}", ha="center", va="center", fontsize=size, color=colour
            )


def _words(name: str) -> str:
    return {"mae": "mean absolute error (scaled)"}.get(name, name.replace("_", " "))


def _area(area: float) -> str:
    """Write an area so that only a perfect one reads 1.000."""
    return f"{math.floor(area * 1000) / 1000:.3f}"
