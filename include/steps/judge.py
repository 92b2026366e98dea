"""Step `judge`: absolute gates, the trivial baseline and the champion; closed by default."""

import logging
import math

from include.records import Comparison, EvaluateRecord, Gate, RunContext, Verdict, VerdictKind
from include.records.names import VERDICT
from include.settings import load_settings
from include.specs import PipelineSpec
from include.specs.metrics import METRICS
from include.specs.promotion import Requirement
from include.tables.run_files import RunFiles
from include.tracking.runs import open_run

logger = logging.getLogger(__name__)


def judge(spec: PipelineSpec, run: RunContext, evaluated: EvaluateRecord) -> Verdict:
    """Decide about the candidate and record the decision with its reasons."""
    verdict = decide(spec, evaluated)
    settings = load_settings()
    content = verdict.model_dump_json(indent=1).encode()
    RunFiles(settings.data, run).write_bytes(VERDICT, content)
    log = open_run(settings, run)
    log.log_bytes(content, VERDICT)
    log.set_tags({"gatehouse.verdict": verdict.kind, "gatehouse.verdict_reason": verdict.reason})
    log.log_metrics({"gates_failed": float(sum(not gate.is_passed for gate in verdict.gates))})
    rows = [f"  {'yes' if g.is_passed else 'no ':<3}  {g.name}: {g.detail}" for g in verdict.gates]
    logger.info("verdict %s: %s\n%s", verdict.kind, verdict.reason, "\n".join(rows))
    return verdict


def decide(spec: PipelineSpec, evaluated: EvaluateRecord) -> Verdict:
    """Come to a verdict from the records alone.

    `promote` needs every gate passed and, where there is a champion, an interval of the
    difference that lies above 0. `inconclusive` says that the candidate may be better but the
    test rows do not show it, or that the champion could not be compared with: only a person's
    yes promotes then. Everything else, also what is missing or not a number, is `keep`.
    """
    absolute = [judge_requirement(each, evaluated) for each in spec.promotion.requirements]
    absolute.append(judge_baseline(spec.compare_metric, evaluated))
    if evaluated.persistence is not None:
        absolute.append(judge_persistence(spec.compare_metric, evaluated))
    failed = [gate for gate in absolute if not gate.is_passed]
    kind, comparison = judge_champion(spec.compare_metric, evaluated)
    if failed:
        kind = "keep"
        reason = f"gates not passed: {'; '.join(gate.detail for gate in failed)}"
    else:
        reason = comparison.detail
    return Verdict(
        kind=kind,
        gates=(*absolute, comparison),
        reason=reason,
        needs_approval=_needs_approval(spec, kind),
    )


def judge_requirement(requirement: Requirement, evaluated: EvaluateRecord) -> Gate:
    """Hold one test metric against its bound; a missing one does not pass."""
    value = _finite(evaluated.test.metrics.get(requirement.metric))
    bound = f"at {'least' if requirement.is_minimum else 'most'} {requirement.bound:g} is required"
    name = _words(requirement.metric)
    if value is None:
        return Gate(
            name=str(requirement),
            is_passed=False,
            detail=f"{name} on the test rows could not be computed; {bound}",
        )
    return Gate(
        name=str(requirement),
        is_passed=requirement.is_met(value),
        detail=f"{name} on the test rows is {value:.4g}; {bound}",
    )


def judge_baseline(metric: str, evaluated: EvaluateRecord) -> Gate:
    """Hold the candidate against the model that knows only how often each answer occurs."""
    theirs = evaluated.baseline.metrics.get(metric)
    return _judge_guess(metric, evaluated, theirs, ("the trivial baseline", "always alike"))


def judge_persistence(metric: str, evaluated: EvaluateRecord) -> Gate:
    """Hold the candidate against the guess that nothing has changed since some rows ago."""
    guess = f"the same as {evaluated.persistence_lag} rows ago"
    past = evaluated.persistence.metrics.get(metric) if evaluated.persistence else None
    return _judge_guess(metric, evaluated, past, (guess, guess))


def _judge_guess(
    metric: str, evaluated: EvaluateRecord, guessed: float | None, names: tuple[str, str]
) -> Gate:
    guess, answer = names
    name, words = f"better than {guess}", _words(metric)
    ours, theirs = _finite(evaluated.test.metrics.get(metric)), _finite(guessed)
    if ours is None or theirs is None:
        side = "the candidate" if ours is None else guess
        detail = f"{words} of {side} could not be computed"
        return Gate(name=name, is_passed=False, detail=detail)
    is_better = ours > theirs if METRICS[metric].is_higher_better else ours < theirs
    relation = "better than" if is_better else "no better than"
    detail = f"{words} {ours:.4g} is {relation} the {theirs:.4g} of answering {answer}"
    return Gate(name=name, is_passed=is_better, detail=detail)


def judge_champion(metric: str, evaluated: EvaluateRecord) -> tuple[VerdictKind, Gate]:
    """Hold the candidate against the champion on the same rows."""
    kind, detail = _compare(metric, evaluated)
    name = "better than the champion"
    return kind, Gate(name=name, is_passed=kind == "promote", detail=detail)


def _compare(metric: str, evaluated: EvaluateRecord) -> tuple[VerdictKind, str]:
    version, found = evaluated.champion_version, evaluated.comparison
    if not version and found is None:
        return "promote", "there is no champion yet, so the first that passes its gates becomes it"
    champion = f"champion version {version or 'unknown'}"
    if found is None or found.error or found.metric != metric:
        why = (found.error if found else "") or f"nobody compared the {_words(metric)}"
        return "inconclusive", f"{champion} could not be compared with: {why}"
    difference = _finite(found.difference)
    if difference is None:
        return "inconclusive", f"{_words(metric)} could not be compared with {champion}"
    words = f"{_words(metric)} is {_describe(difference)} than that of {champion}"
    kind, certainty = _weigh(difference, found)
    return kind, words + certainty


def _weigh(difference: float, found: Comparison) -> tuple[VerdictKind, str]:
    low, high = _finite(found.low), _finite(found.high)
    interval = ""
    if low is not None and high is not None:
        interval = f" ({found.confidence:.0%} interval {low:+.3g} to {high:+.3g})"
    if difference <= 0 or (high is not None and high < 0):
        return "keep", interval
    if not interval or low is None:
        return "inconclusive", ", but the test rows are too few to say how sure that is"
    return ("promote", interval) if low > 0 else ("inconclusive", f"{interval}; it may be chance")


def _describe(difference: float) -> str:
    if difference == 0:
        return "no better"
    return f"{abs(difference):.3g} {'better' if difference > 0 else 'worse'}"


def _needs_approval(spec: PipelineSpec, kind: VerdictKind) -> bool:
    policy = spec.promotion.approval
    return kind != "keep" and policy in {"always", kind}


def _finite(value: float | None) -> float | None:
    return value if value is not None and math.isfinite(value) else None


def _words(metric: str) -> str:
    return metric.replace("_", " ")
