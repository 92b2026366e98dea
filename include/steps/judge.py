"""Step `judge`: comes to a verdict, and records it with all that it rests on."""

import logging

from upath import UPath

from include.promotion.gates import decide
from include.records import Answer, EvaluateRecord, Evidence, Gate, Record, RunContext, Verdict
from include.records.names import DECISION, VERDICT
from include.settings import load_settings
from include.specs import PipelineSpec
from include.specs.promotion import PromotionSpec
from include.tables.run_files import RunFiles
from include.tracking.names import WAITS, in_group
from include.tracking.runs import RunLog, open_run

logger = logging.getLogger(__name__)


class Decision(Record):
    """A verdict with its rules and its evidence: enough to judge the run again."""

    run: RunContext
    owner: str
    compare: str
    rules: PromotionSpec
    evidence: Evidence
    verdict: Verdict
    approved: bool | None = None
    answered_by: str = ""
    answer_reason: str = ""


def judge(spec: PipelineSpec, run: RunContext, evaluated: EvaluateRecord) -> Verdict:
    """Decide about the candidate and record the decision with its reasons.

    Args:
        spec: The pipeline; its `promotion` holds the rules.
        run: The run.
        evaluated: What `evaluate` measured, and where the evidence lies.
    """
    evidence = read_evidence(evaluated)
    verdict = decide(spec, evidence)
    if run.is_backfill:  # whatever a person said, nothing would be promoted
        verdict = verdict.model_copy(update={"needs_approval": False})
    settings = load_settings()
    files, log = RunFiles(settings.data, run), open_run(settings, run)
    decision = Decision(
        run=run,
        owner=spec.owner,
        compare=spec.compare_metric,
        rules=spec.promotion,
        evidence=evidence,
        verdict=verdict,
    )
    for name, record in ((VERDICT, verdict), (DECISION, decision)):
        content = record.model_dump_json(indent=1).encode()
        files.write_bytes(name, content)
        log.log_bytes(content, name)
    log.set_tags(
        {
            "gatehouse.verdict": verdict.kind,
            "gatehouse.verdict_reason": verdict.reason,
            "gatehouse.tries": verdict.tries,
        }
    )
    failed = sum(not gate.is_passed for gate in verdict.gates)
    log.log_metrics(in_group("comparison", {"gates_failed": failed}))
    if verdict.needs_approval:
        log.rename(WAITS, spec.compare_metric, evaluated.test.metrics.get(spec.compare_metric))
    rows = [f"  {mark_gate(gate):<3}  {gate.name}: {gate.detail}" for gate in verdict.gates]
    rows += [f"  warning: {said}" for said in verdict.warnings]
    lines = "\n".join((*rows, *(f"       {note}" for note in verdict.notes)))
    logger.info("verdict %s: %s\n%s", verdict.kind, verdict.reason, lines)
    return verdict


def mark_gate(gate: Gate) -> str:
    """Write whether a gate was passed, if it was made.

    Example:
        >>> mark_gate(Gate(name="any", is_passed=True, is_made=False, detail="no champion yet"))
        '–'
    """
    return ("yes" if gate.is_passed else "no") if gate.is_made else "\N{EN DASH}"


def record_answer(files: RunFiles, log: RunLog, answer: Answer) -> None:
    """Add to the decision, and to the MLflow run, what a person said to it, who, and why."""
    said = {
        "approved": answer.is_yes,
        "answered_by": answer.by,
        "answer_reason": answer.reason,
    }
    decision = Decision.model_validate_json(files.read_bytes(DECISION))
    content = decision.model_copy(update=said).model_dump_json(indent=1).encode()
    files.write_bytes(DECISION, content)
    log.log_bytes(content, DECISION)
    log.set_tags({f"gatehouse.{name}": value for name, value in said.items()})


def read_evidence(evaluated: EvaluateRecord) -> Evidence:
    """Read the evidence that `evaluate` left."""
    return Evidence.model_validate_json(UPath(evaluated.evidence_uri).read_bytes())
