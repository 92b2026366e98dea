"""The metrics on which a verdict rests, candidate beside champion, for whoever has to decide."""

from include.promotion.bench import keep_finite
from include.promotion.budget import spend
from include.promotion.estimates import bound
from include.promotion.wording import describe_bound, orient
from include.records import Estimate, Evidence, KeyMetric
from include.specs import PipelineSpec
from include.specs.metrics import METRICS


def list_key_metrics(spec: PipelineSpec, evidence: Evidence) -> tuple[KeyMetric, ...]:
    """List the metric that decides, then those with a bound.

    Args:
        spec: Its `promotion` names them.
        evidence: What `evaluate` measured.
    """
    required = {each.metric: describe_bound(each) for each in spec.promotion.requirements}
    names = dict.fromkeys((spec.compare_metric, *required))
    return tuple(_build(name, required.get(name, ""), spec, evidence) for name in names)


def _build(name: str, required: str, spec: PipelineSpec, evidence: Evidence) -> KeyMetric:
    rival = evidence.champion
    found = keep_finite(evidence.estimates.get(name))
    gap = keep_finite(rival.gaps.get(name)) if rival else None
    return KeyMetric(
        name=name,
        is_deciding=name == spec.compare_metric,
        required=required,
        candidate=found.value if found else None,
        champion=rival.metrics.get(name) if rival else None,
        **_orient_gap(name, gap, spend(evidence.tries.number)),
    )


def _orient_gap(name: str, gap: Estimate | None, alpha: float) -> dict[str, float]:
    if gap is None:
        return {}
    sign = 1.0 if METRICS[name].is_higher_better else -1.0
    interval = bound(gap, alpha)
    bounds = {} if interval is None else orient(name, interval)._asdict()
    return {"change": sign * gap.value + 0.0, **bounds}
