"""Step `draw_curve`: the learning curve, and what twice the training rows would bring."""

import logging
import math
from collections.abc import Sequence
from typing import Final

import numpy as np

from include.modeling.learning_curve import CONFIDENCE, CurveFit, fit_learning_curve
from include.records import CurvePoint, LearningCurve, RunContext
from include.records.names import CURVE, figure_file
from include.reporting.figures import draw_learning_curve
from include.settings import load_settings
from include.specs import PipelineSpec
from include.specs.metrics import METRICS
from include.tables.run_files import RunFiles
from include.tracking.names import in_group
from include.tracking.runs import RunLog, open_run
from include.values.formats import format_count, format_name, format_percent

logger = logging.getLogger(__name__)

FIGURE: Final = figure_file("learning_curve")
# A gain below this share of what is left to gain is not worth collecting rows for.
NEGLIGIBLE: Final = 0.01


def draw_curve(
    spec: PipelineSpec,
    run: RunContext,
    *,
    points: Sequence[CurvePoint],
    planned: Sequence[float] = (),
) -> LearningCurve:
    """Fit and draw the metric that decides promotion against training rows.

    A share whose fit failed, or where the metric is not defined, is left out.

    Args:
        spec: The pipeline.
        run: The run; its directory and its MLflow run take figure and points.
        points: What `fit_share` measured, in any order.
        planned: The shares that `plan_curve` named.
    """
    settings = load_settings()
    files, log = RunFiles(settings.data, run), open_run(settings, run)
    metric = spec.compare_metric
    known = sorted((p for p in points if metric in p.metrics), key=lambda point: point.rows)
    rows, values = [p.rows for p in known], [p.metrics[metric] for p in known]
    last = (rows[-1], values[-1]) if known else (0, 0.0)
    is_higher_better = METRICS[metric].is_higher_better
    fit = fit_learning_curve(
        rows, values, is_higher_better=is_higher_better, seed=spec.training.seed
    )
    curve = LearningCurve(
        metric=metric,
        points=tuple(known),
        missing=tuple(sorted(set(planned).difference(point.share for point in known))),
        kind=fit.kind,
        parameters=fit.parameters,
        doubling_gain=fit.gain,
        low=fit.low,
        high=fit.high,
        confidence=CONFIDENCE,
        sentence=write_sentence(fit, *last, metric=metric),
        figure=FIGURE,
    )
    figure = _draw(rows, values, fit, metric=metric)
    files.write_bytes(FIGURE, figure)
    log.log_bytes(figure, FIGURE)
    content = curve.model_dump_json(indent=1).encode()
    files.write_bytes(CURVE, content)
    log.log_bytes(content, CURVE)
    _log_numbers(log, curve)
    logger.info("%s", curve.sentence)
    return curve


def write_sentence(fit: CurveFit, rows: int, value: float, *, metric: str) -> str:
    """Say in words what twice the training rows would bring.

    Args:
        fit: The fitted curve.
        rows: The most training rows that were measured.
        value: The metric with these rows.
        metric: Name of the metric.
    """
    if fit.gain is None or fit.low is None or fit.high is None:
        return f"Cannot tell what more rows would bring: {fit.reason}."
    is_higher_better, share = METRICS[metric].is_higher_better, format_percent(CONFIDENCE)
    numbers = (fit.gain, fit.low, fit.high, value)
    gain, low, high, now = _write_alike(numbers, two_digits_of=fit.high)
    step = f"Doubling the training rows from {format_count(rows)} to {format_count(2 * rows)}"
    verb = "raise" if is_higher_better else "lower"
    if fit.high <= NEGLIGIBLE * (1 - value if is_higher_better else value):
        verb = "hardly change"
    text = (
        f"{step} would {verb} {format_name(metric)}, now {now}, by about {gain}; with {share} "
        f"likelihood by {low} to {high}."
    )
    if fit.kind == "log_line":
        text += (
            " The points only support a straight line, which never levels off: take it as the "
            "most to hope for."
        )
    return text


def _draw(rows: Sequence[int], values: Sequence[float], fit: CurveFit, *, metric: str) -> bytes:
    """Draw the points, the curve through them, and what twice the rows would bring."""
    measured = [(float(count), value) for count, value in zip(rows, values, strict=True)]
    if fit.gain is None or fit.low is None or fit.high is None:
        return draw_learning_curve(measured, (), (), likely=(), metric=metric)
    last, twice = rows[-1], 2 * rows[-1]
    fitted, beyond = (
        list(zip(places.tolist(), fit.predict(places).tolist(), strict=True))
        for places in (np.geomspace(rows[0], last, 60), np.geomspace(last, twice, 12))
    )
    start, end = fitted[-1][1], beyond[-1][1]
    sign = 1 if end > start else -1
    likely = [(float(twice), start + sign * gain) for gain in (fit.low, fit.gain, fit.high)]
    return draw_learning_curve(measured, fitted, beyond, likely=likely, metric=metric)


def _write_alike(values: Sequence[float], *, two_digits_of: float) -> list[str]:
    """Write numbers with the same decimals, as many as give one of them two digits."""
    size = math.floor(math.log10(two_digits_of)) if two_digits_of > 0 else -1
    return [f"{value:,.{min(max(1 - size, 0), 6)}f}" for value in values]


def _log_numbers(log: RunLog, curve: LearningCurve) -> None:
    """Log the points over their rows, and the gain where the points tell it."""
    for point in curve.points:
        value = point.metrics[curve.metric]
        log.log_metrics(in_group("learning_curve", {curve.metric: value}), step=point.rows)
    bounds = {
        "doubling_gain": curve.doubling_gain,
        "doubling_gain_low": curve.low,
        "doubling_gain_high": curve.high,
    }
    known = {name: value for name, value in bounds.items() if value is not None}
    log.log_metrics(in_group("learning_curve", known))
    log.set_tags({"gatehouse.learning_curve": curve.sentence})
