"""The gate that holds a candidate against gradient boosting on the same feature rows."""

from include.promotion.bench import Bench, Judged, classify, close_gap, keep_finite
from include.promotion.estimates import is_shown
from include.promotion.wording import describe_change
from include.records import Gate
from include.values.formats import format_name


def judge_reference(bench: Bench) -> Judged:
    """Hold the candidate against the reference; without one nothing passes."""
    rival, note = bench.evidence.reference, bench.evidence.reference_note
    name = f"better than {rival.name}" if rival else "better than the reference"
    gap = keep_finite(rival.gaps.get(bench.metric)) if rival else None
    if rival is None or gap is None:
        why = note or f"its {format_name(bench.metric)} could not be computed"
        detail = f"there is no reference to beat: {why}"
        return Judged("keep", Gate(name=name, is_passed=False, detail=detail))
    return close_gap(
        name,
        classify(gap.value > 0, is_sure=is_shown(gap, bench.alpha), bench=bench),
        gap,
        bench,
        words=describe_change(bench.metric, gap.value, rival.name),
    )
