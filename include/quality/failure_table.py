"""The failures of a suite as text, to be read like a good compiler's errors."""

from collections.abc import Iterator
from typing import Final

from include.records import QualityReport, RuleOutcome

MAX_RULES: Final = 10


def render_failures(report: QualityReport, *, most: int = MAX_RULES) -> str:
    """Write the rules that failed, critical ones first.

    Args:
        report: Outcomes of a suite.
        most: Rules to show; the others are counted.

    Returns:
        Lines of text: for each rule its column, severity, share of rows, examples, what was
        expected and what to do next.
    """
    failures = report.failures
    lines = [_headline(report)]
    for failure in failures[:most]:
        lines += ["", *_write_rule(failure)]
    if len(failures) > most:
        lines += ["", f"… and {len(failures) - most} more: see quality/report.json of the run."]
    return "\n".join(lines)


def _headline(report: QualityReport) -> str:
    failures = report.failures
    critical = sum(failure.severity == "critical" for failure in failures)
    verdict = f"{critical} of them critical" if critical else "none of them critical"
    moved = f"; {report.quarantined:,} rows in quarantine" if report.quarantined else ""
    return (
        f"{len(failures)} of {len(report.outcomes)} rules of the {report.suite} suite failed on "
        f"{report.rows:,} rows, {verdict}{moved}"
    )


def _write_rule(failure: RuleOutcome) -> Iterator[str]:
    column = f"  column {failure.column}" if failure.column else ""
    yield f"{failure.severity.upper()}  {failure.rule}{column}"
    if failure.error:
        yield f"    could not be checked: {failure.error}"
    elif failure.unexpected:
        yield f"    {_share(failure)} ({failure.engine})"
    if failure.examples:
        yield f"    found:    {', '.join(failure.examples)}"
    if failure.advice:
        yield f"    {failure.advice}"


def _share(failure: RuleOutcome) -> str:
    checked = max(failure.checked, failure.unexpected)
    percent = 100 * failure.unexpected / checked
    written = f"{percent:.3g} %" if percent >= 0.001 else "less than 0.001 %"
    return f"{failure.unexpected:,} of {checked:,} rows: {written}"
