"""What a verdict says of classes that the candidate never predicts, and what there is to do."""

from typing import Final

from include.records import Evidence
from include.specs import PipelineSpec
from include.values.formats import format_count, format_name
from include.values.showing import cut_label, list_few

MAX_NAMED: Final = 3
LONGEST: Final = 40
# Metrics of how true probabilities are: class weights shift these.
OF_PROBABILITIES: Final = frozenset({"log_loss", "brier", "calibration_error"})


def warn_of_unpredicted(spec: PipelineSpec, evidence: Evidence) -> tuple[str, ...]:
    """Say which classes the candidate never predicts, though the test rows have them.

    No metric that decides need show it: where a class is rare, a model may have the better
    probabilities and still give it to no row.

    Args:
        spec: What was tried already is not advised.
        evidence: What `evaluate` measured.
    """
    found, rows = evidence.unpredicted, format_count(evidence.rows)
    if not found:
        return ()
    named = [(repr(cut_label(name, LONGEST)), format_count(count)) for name, count in found.items()]
    if len(named) == 1:
        ((name, count),) = named
        what = f"{name}, which {count} of {rows} test rows are"
    else:
        listed = list_few([f"{name} ({count} rows)" for name, count in named], MAX_NAMED)
        what = f"{len(named)} of the classes that the {rows} test rows have: {listed}"
    return (f"the candidate never predicts {what}; {_advise(spec, evidence)}",)


def _advise(spec: PipelineSpec, evidence: Evidence) -> str:
    advice, metric = [], spec.compare_metric
    if spec.training.class_weights == "none":
        ranked = "promotion.compare: average_precision, as it costs"
        cost = f" with {ranked} {format_name(metric)}" if metric in OF_PROBABILITIES else ""
        advice.append(f"try training.class_weights: balanced{cost}")
    if evidence.classes == 2:
        teller = "the report" if spec.evaluation.costs else "evaluation.costs"
        advice.append(f"set a threshold on its probability ({teller} tells the cheapest)")
    return ", or ".join(advice) or "its rows or features may be too few to tell it"
