"""The page that tells a table's story in words and pictures."""

from typing import Any

from markupsafe import Markup

from include.records import RunContext
from include.records.analysis import Analysis, ColumnProfile, TargetRelation
from include.reporting.charts import (
    draw_boxes,
    draw_curve,
    draw_histogram,
    draw_missing_map,
)
from include.reporting.heat_map import MEASURES, draw_heat_map
from include.reporting.page import render_page
from include.reporting.time_charts import draw_cycle, draw_memory, draw_timeline
from include.specs import PipelineSpec

SHOWN_PROFILES = 100


def render_explore_page(
    spec: PipelineSpec, run: RunContext, found: Analysis, *, mlflow_url: str = "", source: str = ""
) -> str:
    """Render the story of a table as one self-contained, interactive HTML document.

    Args:
        spec: The pipeline the table belongs to.
        run: The run that analysed it.
        found: What the analysis found.
        mlflow_url: Page of the MLflow run; no link without it.
        source: What was read, for the head of the page.
    """
    target = spec.target.column
    time = found.time
    context: dict[str, Any] = {
        "spec": spec,
        "run": run,
        "found": found,
        "source": source,
        "mlflow_url": mlflow_url,
        "measures": MEASURES,
        "derived": {"text": "length of the text", "tensor": "mean of the elements"},
        "gappy": [profile for profile in found.profiles if profile.missing],
        "filled": [p.name for p in found.profiles if p.missing and p.name in found.filled_columns],
        "outlying": _by_outliers(found),
        "profiles": found.profiles[:SHOWN_PROFILES],
        "histograms": {
            profile.name: draw_histogram(profile.name, profile.number)
            for profile in found.profiles[:SHOWN_PROFILES]
            if profile.number
        },
        "missing_map": draw_missing_map(found.missing) if found.missing.columns else None,
        "heat_map": draw_heat_map(found) if found.associations else None,
        "charts": {relation.feature: _draw_relation(relation) for relation in found.relations},
        "timelines": [(line, draw_timeline(line)) for line in time.timelines] if time else [],
        "cycles": [(cycle, draw_cycle(cycle, time.timelines[0].quantity)) for cycle in time.cycles]
        if time
        else [],
        "memory": draw_memory(time.memory, target) if time and time.memory else None,
    }
    return render_page("explore.html.j2", context, script="explore.js")


def _draw_relation(relation: TargetRelation) -> Markup | None:
    """Draw a relation to the target; bars are written as HTML by the template."""
    if relation.shape == "bars" or not relation.points:
        return None
    return draw_curve(relation) if relation.shape == "curve" else draw_boxes(relation)


def _by_outliers(found: Analysis) -> list[ColumnProfile]:
    """List the columns with values outside Tukey's fences, most of them first."""
    outlying = [
        profile
        for profile in found.profiles
        if profile.number and profile.number.outliers_low + profile.number.outliers_high
    ]
    return sorted(outlying, key=_count_outliers, reverse=True)


def _count_outliers(profile: ColumnProfile) -> int:
    summary = profile.number
    return summary.outliers_low + summary.outliers_high if summary else 0
