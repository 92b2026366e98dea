"""What stands at the top of a run's page: what became of the run, why, and what to look out for."""

from include.records import (
    IngestRecord,
    Outcome,
    PrepareRecord,
    QualityReport,
    RuleOutcome,
    RunRecords,
    StepFailure,
    Verdict,
)
from include.values.formats import format_count, format_name


def describe_failure(
    quality: QualityReport | None, failure: StepFailure | None, records: RunRecords
) -> Outcome:
    """Say where a run ended that came to no verdict, and why.

    Args:
        quality: Outcome of the data's rules, if they were checked.
        failure: What the step said that failed, if it said something.
        records: What its steps handed on.
    """
    critical = [rule for rule in quality.failures if rule.severity == "critical"] if quality else []
    if critical and records.next_step in {"ingest", "validate"}:
        rules = "a critical rule" if len(critical) == 1 else f"{len(critical)} critical rules"
        return Outcome(
            badge="Stopped by the data",
            title=f"The data broke {rules}, so nothing was trained",
            why=f"{name_rule(critical[0])}; the champion stays as it is",
            tone="bad",
        )
    is_known = failure is not None and failure.step == records.next_step
    said = failure.error if failure and is_known else "the log of the task in Airflow says why"
    return Outcome(
        badge="Failed",
        title=f"The run ended in {format_name(records.next_step)} and came to no verdict",
        why=f"{said.rstrip('.')}; the champion stays as it is",
        tone="bad",
    )


def list_warnings(records: RunRecords, quality: QualityReport | None) -> tuple[str, ...]:
    """List what a careful reader asks about before a model goes live, as clauses."""
    ingested, prepared = records.get(IngestRecord), records.get(PrepareRecord)
    verdict = records.get(Verdict)
    failures = quality.failures if quality else ()
    warnings = [*verdict.warnings] if verdict else []
    warnings += [name_rule(rule) for rule in failures if rule.severity != "critical"]
    if ingested and ingested.rejected_rows:
        warnings.append(f"{format_count(ingested.rejected_rows)} rows could not be read")
    if quality and quality.quarantined:
        warnings.append(f"{format_count(quality.quarantined)} rows are in quarantine")
    return (*warnings, *(prepared.warnings if prepared else ()))


def name_rule(rule: RuleOutcome) -> str:
    """Write a broken rule as a clause: the column, and what was expected of it."""
    name = format_name(rule.rule.removeprefix("expect_"))
    said = rule.advice.split(". ")[0].rstrip(".") or name
    said = said.replace("Expected", "expected", 1) if rule.column not in said else said
    where = f"column {rule.column}: " if rule.column not in said else ""
    rows = f" ({format_count(rule.unexpected)} of {format_count(rule.checked)} rows break it)"
    return f"{where}{said}{rows if rule.unexpected and rule.checked else ''}"
