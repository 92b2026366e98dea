"""The page of a pipeline's windows: what drifts, and how good the champion is, over time."""

from collections.abc import Sequence
from typing import Any, Final

from markupsafe import Markup

from include.records import ColumnDrift, Performance, RunContext, Window
from include.records.monitoring import TOGETHER
from include.reporting.page import render_page
from include.reporting.trends import Trend, draw_trends
from include.specs import PipelineSpec
from include.values.formats import format_name

SHOWN_WINDOWS: Final = 60
SHOWN_COLUMNS: Final = 60
TONES: Final = {"stable": "good", "drift": "bad"}


def render_monitor_page(
    spec: PipelineSpec, windows: Sequence[Window], *, run: RunContext, mlflow_url: str = ""
) -> str:
    """Render the trends of windows as one self-contained HTML document.

    Args:
        spec: The pipeline.
        windows: Its windows, in any order; the latest 60 are shown.
        run: The run that looked at the last of them.
        mlflow_url: Page of the MLflow run; no link without it.
    """
    shown = sorted(windows, key=lambda each: each.number)[-SHOWN_WINDOWS:]
    last, labels = shown[-1], [f"#{each.number} {each.at:%Y-%m-%d}" for each in shown]
    metrics = dict.fromkeys((spec.compare_metric, *spec.monitoring.require))
    context: dict[str, Any] = {
        "spec": spec,
        "run": run,
        "mlflow_url": mlflow_url,
        "windows": shown,
        "last": last,
        "total": len(windows),
        "tone": "bad" if last.lost else TONES.get(last.state, "warn"),
        "tones": TONES,
        "measured": next((each for each in reversed(shown) if each.real), None),
        "metrics": [(name, _draw_metric(spec, name, shown, labels)) for name in metrics],
        "said": _draw_predictions(shown, labels),
        "amounts": _draw_amounts(shown, labels),
        "columns": _draw_columns(spec, shown, labels),
        "together": TOGETHER,
        "find": find_metric,
    }
    return render_page("monitor.html.j2", context, script="explore.js")


def find_metric(metrics: Sequence[Performance], name: str) -> Performance | None:
    """Find a metric by its name."""
    return next((each for each in metrics if each.metric == name), None)


def _draw_metric(
    spec: PipelineSpec, name: str, shown: Sequence[Window], labels: Sequence[str]
) -> Markup:
    trends = []
    for kind, css in (("estimated", "alt"), ("real", "")):
        found = [find_metric(getattr(each, kind), name) for each in shown]
        trends.append(
            Trend(
                name=f"{format_name(name)}, {kind}",
                values=[each.value if each else None for each in found],
                lows=[each.low if each else None for each in found],
                highs=[each.high if each else None for each in found],
                css=css,
                marks=[bool(each and each.lost) for each in found],
            )
        )
    bounds = [each.bound for each in spec.monitoring.requirements if each.metric == name]
    return draw_trends(trends, labels, title=format_name(name), limits=bounds)


def _draw_predictions(shown: Sequence[Window], labels: Sequence[str]) -> list[tuple[str, Markup]]:
    if any(each.mean is not None for each in shown):
        means = [each.mean for each in shown]
        return [("mean", draw_trends([Trend("mean", means)], labels, title="Mean prediction"))]
    names = [*shown[-1].shares, *(name for each in shown for name in each.shares)]
    return [
        (
            name,
            draw_trends(
                [Trend(f"share of {name}", [each.shares.get(name, 0.0) for each in shown])],
                labels,
                title=f"Share of {name}",
            ),
        )
        for name in list(dict.fromkeys(names))[:10]
    ]


def _draw_amounts(shown: Sequence[Window], labels: Sequence[str]) -> list[tuple[str, Markup]]:
    shares = [each.quarantined / max(each.rows + each.quarantined, 1) for each in shown]
    figures: dict[str, list[float]] = {
        "rows": [float(each.rows) for each in shown],
        "share in quarantine": shares,
        "rows with labels": [float(each.labelled) for each in shown],
    }
    return [
        (name, draw_trends([Trend(name, values)], labels, title=name, is_amount=True))
        for name, values in figures.items()
    ]


def _draw_columns(
    spec: PipelineSpec, shown: Sequence[Window], labels: Sequence[str]
) -> list[tuple[ColumnDrift, Markup]]:
    """Draw the index of each column of the last window, those that drifted and moved most first."""
    by_name = [{each.name: each for each in window.columns} for window in shown]
    ranked = sorted(shown[-1].columns, key=lambda each: (each.state != "drift", -each.psi))
    drawn = []
    for column in ranked[:SHOWN_COLUMNS]:
        found = [each.get(column.name) for each in by_name]
        trend = Trend(
            "population stability index",
            [each.psi if each and each.state in TONES else None for each in found],
            marks=[bool(each and each.state == "drift") for each in found],
        )
        limits = [spec.monitoring.min_shift]
        drawn.append(
            (column, draw_trends([trend], labels, title=column.name, limits=limits, is_amount=True))
        )
    return drawn
