"""How MLflow shows the runs of a pipeline: a shared view, with the columns that tell who won.

MLflow keeps such a view as a tag of the experiment, and opens it by its key in the address.
"""

import json
from collections.abc import Sequence
from typing import Any, Final

from include.tracking.connection import tracking_calls
from include.tracking.names import VIEW_KEY, deciding_name, in_group
from include.tracking.run_log import RunLog

VIEW: Final = f"mlflow.sharedViewState.{VIEW_KEY}"
# MLflow's charts begin with this metric.
PRIMARY: Final = "mlflow.experiment.primaryMetric.name"
LOSSES: Final = tuple(in_group("train", {"loss": 0.0, "validation_loss": 0.0}))


def share_view(log: RunLog, *, deciding: str, required: Sequence[str]) -> None:
    """Let the experiment's page show verdict, deciding and required metrics, and both losses.

    Args:
        log: Any run of the pipeline.
        deciding: The metric that decides promotion.
        required: The metrics that promotion requires.
    """
    named = (deciding_name(deciding), *in_group("test", dict.fromkeys(required, 0.0)))
    tags = {VIEW: json.dumps(_build_view(named), separators=(",", ":")), PRIMARY: named[0]}
    with tracking_calls(log.server):
        for name, text in tags.items():
            if log.experiment_tags.get(name) != text:
                log.client.set_experiment_tag(log.experiment_id, name, text)


def _build_view(metrics: Sequence[str]) -> dict[str, Any]:
    tags = [f"tags.`gatehouse.{name}`" for name in ("verdict", "promoted", "note")]
    params = [f"params.`training.{name}`" for name in ("epochs", "learning_rate")]
    measured = [f"metrics.`{name}`" for name in metrics]
    bars = [_chart("BAR", "verdict", [name]) for name in metrics]
    return {
        "orderByKey": "attributes.start_time",
        "orderByAsc": False,
        "isAccordionReordered": True,  # else the sections are sorted by their letters
        "selectedColumns": [*tags[:2], *measured, *params, tags[2]],
        "compareRunCharts": [*bars, _chart("LINE", "losses", LOSSES)],
        "compareRunSections": [
            {"uuid": uuid, "name": name, "display": True, "isReordered": False, "deleted": False}
            for uuid, name in (("verdict", "Verdict"), ("losses", "Loss by epoch"))
        ],
    }


def _chart(kind: str, section: str, metrics: Sequence[str]) -> dict[str, Any]:
    chart = {
        "type": kind,
        "uuid": f"{section} {metrics[0]}",
        "metricSectionId": section,
        "metricKey": metrics[0],
        "selectedMetricKeys": list(metrics),
        "isGenerated": False,
        "deleted": False,
    }
    if kind == "LINE":
        axes = {"xAxisKey": "step", "xAxisScaleType": "linear", "scaleType": "linear"}
        chart |= {**axes, "yAxisKey": "metric", "range": {}, "lineSmoothness": 0}
    return chart
