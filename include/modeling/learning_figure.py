"""The figure of a learning curve: a metric against training rows, and where it may lead."""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

from include.modeling.figure_style import BLUE, FAINT, INK, ORANGE, prepare_axes, render_png
from include.modeling.learning_curve import CurveFit

NAMES = {"power_law": "fitted: a + b·rows⁻ᶜ", "log_line": "fitted: straight line in log rows"}


def draw_learning_curve(
    rows: Sequence[int], values: Sequence[float], fit: CurveFit, *, metric: str
) -> bytes:
    """Draw the points, the fitted curve, and what it says of twice the rows.

    Args:
        rows: Training rows of each point.
        values: The metric of each point.
        fit: What was fitted to them; without a curve only the points are drawn.
        metric: Name of the metric.

    Returns:
        The figure as PNG.
    """
    figure = Figure(figsize=(7.0, 4.4), layout="constrained")
    axes = figure.subplots()
    name = metric.replace("_", " ")
    title = f"{name[:1].upper()}{name[1:]} of the test rows by training rows"
    prepare_axes(axes, title, x="training rows (logarithmic)", y=name)
    axes.set_xscale("log")
    ticks = sorted(set(rows))
    if fit.kind != "unknown":
        ticks.append(2 * ticks[-1])
        _draw_fit(axes, ticks, fit)
    axes.plot(
        rows, values, color=BLUE, marker="o", markersize=6, linestyle="", label="measured", zorder=3
    )
    axes.xaxis.set_major_locator(FixedLocator(ticks))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.0f}"))
    axes.legend(frameon=False, fontsize=8)
    return render_png(figure)


def _draw_fit(axes: Axes, ticks: Sequence[int], fit: CurveFit) -> None:
    last, twice = ticks[-2], ticks[-1]
    within = np.geomspace(ticks[0], last, 100)
    beyond = np.geomspace(last, twice, 20)
    axes.plot(within, fit.predict(within), color=INK, linewidth=1.3, label=NAMES[fit.kind])
    axes.plot(beyond, fit.predict(beyond), color=ORANGE, linewidth=1.3, linestyle="--")
    axes.axvline(last, color=FAINT, linewidth=0.8, linestyle=":")
    start, end = fit.predict([last, twice])
    gain, low, high = fit.gain or 0.0, fit.low or 0.0, fit.high or 0.0
    direction = 1 if end > start else -1
    at = start + direction * gain
    sides = sorted((start + direction * low, start + direction * high))
    axes.errorbar(
        [twice],
        [at],
        yerr=[[at - sides[0]], [sides[1] - at]],
        color=ORANGE,
        marker="D",
        markersize=5,
        capsize=4,
        label="with twice the rows, and the likely range",
    )
