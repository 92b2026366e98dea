"""Step `approve`: what a person gets to read who decides about a candidate."""

from datetime import UTC, datetime, timedelta

from include.records import EvaluateRecord, Question, Record, RunContext, RunRecords, Verdict
from include.records.model import list_options
from include.reporting.question import write_question
from include.specs import PipelineSpec
from include.steps.report import gather_evidence, write_report


def approve(spec: PipelineSpec, run: RunContext, *handed_on: Record | None) -> Question:
    """Write the report as far as the run came, and the question with all that an answer needs.

    Args:
        spec: The pipeline with this run's parameters written in.
        run: The run it works for.
        handed_on: The records of its steps.
    """
    records = RunRecords(*handed_on)
    verdict, evaluated = records.require(Verdict), records.require(EvaluateRecord)
    evidence = gather_evidence(spec, run, records, is_waiting=True)
    write_report(spec, run, records, evidence)
    assert evidence.outcome is not None  # noqa: S101 - the verdict is there
    return Question(
        subject=f"May the candidate of {spec.name} go live?",
        body=write_question(
            verdict,
            evaluated,
            outcome=evidence.outcome,
            metrics=evidence.key_metrics,
            warnings=evidence.warnings,
            addresses=evidence.addresses,
            until=datetime.now(UTC) + timedelta(hours=spec.promotion.approval_hours),
        ),
        options=list_options(evaluated.champion_version),
    )
