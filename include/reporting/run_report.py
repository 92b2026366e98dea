"""The page of one training run: what went in, whether it passed, how good the model is.

It renders whatever a run came to: a run that stopped at its data still gets the page of its
rules.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from include.records import (
    EvaluateRecord,
    LearningCurve,
    PromoteRecord,
    QualityReport,
    RunContext,
    RunRecords,
    StepCost,
    Verdict,
)
from include.records.explanations import Explanations
from include.reporting.details import EvaluationDetails
from include.reporting.explanations import render_explanations
from include.reporting.headline import write_headline
from include.reporting.metric_rows import build_metric_rows
from include.reporting.page import image_uri, render_page
from include.specs import PipelineSpec


@dataclass(frozen=True, kw_only=True)
class RunEvidence:
    """What lies behind the records: details, figures, costs and where to look further."""

    quality: QualityReport | None = None
    details: EvaluationDetails = field(default_factory=EvaluationDetails)
    figures: Mapping[str, bytes] = field(default_factory=dict)
    costs: tuple[StepCost, ...] = ()
    curve: LearningCurve | None = None
    curve_figure: bytes = b""
    explanations: Explanations | None = None
    mlflow_url: str = ""
    versions: Mapping[str, str] = field(default_factory=dict)
    spec_digest: str = ""
    written_at: str = ""


def render_run_report(
    spec: PipelineSpec, run: RunContext, records: RunRecords, evidence: RunEvidence
) -> str:
    """Render the page of a run as one self-contained HTML document.

    Args:
        spec: The pipeline with this run's parameters written in.
        run: Which run it is.
        records: What its steps handed on, as far as it came.
        evidence: Details, figures, costs and addresses.
    """
    evaluated = records.get(EvaluateRecord)
    metrics = build_metric_rows(evaluated, spec.compare_metric) if evaluated else ()
    context: dict[str, Any] = {
        "spec": spec,
        "run": run,
        "records": records.by_step,
        "evidence": evidence,
        "headline": write_headline(
            quality=evidence.quality,
            evaluated=evaluated,
            verdict=records.get(Verdict),
            promoted=records.get(PromoteRecord),
            last_step=records.last_step,
        ),
        "metrics": metrics,
        "key_metrics": [row for row in metrics if row.is_deciding or row is metrics[0]],
        "figures": {name: image_uri(name, data) for name, data in evidence.figures.items()},
        "curve_image": image_uri(evidence.curve.figure, evidence.curve_figure)
        if evidence.curve and evidence.curve_figure
        else "",
        "explanations": render_explanations(evidence.explanations, spec.target.column),
        "slowest": max((cost.wall_seconds for cost in evidence.costs), default=0.0),
    }
    return render_page("run_report.html.j2", context)
