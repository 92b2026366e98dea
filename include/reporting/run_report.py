"""The page of one training run: whether its candidate may go live, why, and what lies behind it.

It renders whatever a run came to: a run that stopped at its data still gets the page of its
rules.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from include.records import (
    EvaluateRecord,
    IngestRecord,
    KeyMetric,
    LearningCurve,
    Outcome,
    QualityReport,
    RunContext,
    RunRecords,
    StepCost,
    StepFailure,
)
from include.records.explanations import Explanations
from include.reporting.details import Addresses, EvaluationDetails
from include.reporting.explanations import render_explanations
from include.reporting.headline import describe_failure
from include.reporting.metric_rows import build_metric_rows, list_slices
from include.reporting.page import image_uri, render_page
from include.specs import PipelineSpec


@dataclass(frozen=True, kw_only=True)
class RunEvidence:
    """What lies behind the records: details, figures, costs and where to look further."""

    quality: QualityReport | None = None
    outcome: Outcome | None = None
    failure: StepFailure | None = None
    key_metrics: tuple[KeyMetric, ...] = ()
    warnings: tuple[str, ...] = ()
    details: EvaluationDetails = field(default_factory=EvaluationDetails)
    figures: Mapping[str, bytes] = field(default_factory=dict)
    costs: tuple[StepCost, ...] = ()
    curve: LearningCurve | None = None
    curve_figure: bytes = b""
    addresses: Addresses = field(default_factory=Addresses)
    explanations: Explanations | None = None
    versions: Mapping[str, str] = field(default_factory=dict)
    spec_digest: str = ""
    written_at: str = ""

    def headline(self, records: RunRecords) -> Outcome:
        """What became of the run, also where it came to no verdict."""
        return self.outcome or describe_failure(self.quality, self.failure, records)


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
    evaluated, ingested = records.get(EvaluateRecord), records.get(IngestRecord)
    rules = spec.promotion.requirements
    shown = tuple(dict.fromkeys((spec.compare_metric, *(rule.metric for rule in rules))))
    # Beside those of the source: the number of a row and, where the source divides them, its part.
    own_columns = 2 if spec.split.method == "given" else 1
    context: dict[str, Any] = {
        "spec": spec,
        "run": run,
        "records": records.by_step,
        "evidence": evidence,
        "headline": evidence.headline(records),
        "columns": ingested.raw.columns - own_columns if ingested else 0,
        "metrics": build_metric_rows(evaluated, spec.compare_metric) if evaluated else (),
        "slice_metrics": shown,
        "slices": list_slices(evidence.details.slices, spec.compare_metric),
        "figures": {name: image_uri(name, data) for name, data in evidence.figures.items()},
        "curve_image": image_uri(evidence.curve.figure, evidence.curve_figure)
        if evidence.curve and evidence.curve_figure
        else "",
        "explanations": render_explanations(evidence.explanations, spec.target.column),
        "slowest": max((cost.wall_seconds for cost in evidence.costs), default=0.0),
    }
    return render_page("run_report.html.j2", context)
