"""The assets of a pipeline: what one DAG changes and another waits for.

`raw__p` → `train__p` → `model__p` → `score__p` → `predictions__p` → `monitor__p` → `drift__p` →
`train__p`, as far as the spec's schedules say so.
"""

from airflow.sdk import Asset

from include.specs import PipelineSpec


def model_asset(spec: PipelineSpec) -> Asset:
    """The champion; an event stands for a promotion, its extra for the version."""
    return _asset("model", spec)


def incoming_asset(spec: PipelineSpec) -> Asset:
    """Rows to score; whoever delivers them says so with an event, by REST or as an outlet."""
    return _asset("incoming", spec)


def predictions_asset(spec: PipelineSpec) -> Asset:
    """Delivered predictions; its state holds the watermark of the last delivery."""
    return _asset("predictions", spec)


def drift_asset(spec: PipelineSpec) -> Asset:
    """Drift that asks for a training; its extra says what drifted."""
    return _asset("drift", spec)


def raw_asset(spec: PipelineSpec) -> Asset:
    """Rows to train on; whoever delivers them says so with an event, by REST or as an outlet."""
    return _asset("raw", spec)


def list_causes(spec: PipelineSpec) -> list[Asset]:
    """List the assets whose events start a training."""
    causes = [raw_asset(spec)] if "data" in spec.on else []
    return [*causes, drift_asset(spec)] if spec.monitoring.on_drift == "retrain" else causes


def _asset(kind: str, spec: PipelineSpec) -> Asset:
    name = f"{kind}__{spec.name}"
    return Asset(name, uri=f"gatehouse://{kind}/{spec.name}", group="gatehouse")
