"""What `validate` found out."""

from typing import Literal

from pydantic import Field

from include.records.run import Record
from include.records.tables import TableRef


class RuleOutcome(Record):
    """One expectation's outcome, bounded: at most five examples, none of them private."""

    rule: str = Field(description="The expectation's name, or what the reader checked.")
    column: str = ""
    severity: Literal["critical", "warning", "info"]
    is_met: bool
    engine: Literal["sql", "pandas", "reader"]
    unexpected: int = 0
    checked: int = 0
    examples: tuple[str, ...] = ()
    advice: str = Field(default="", description="What was expected, and what to do next.")
    error: str = Field(default="", description="Why the rule could not be checked, if so.")


class QualityReport(Record):
    """All outcomes of one suite; stored as JSON, not in XCom."""

    suite: Literal["training", "scoring"]
    rows: int
    outcomes: tuple[RuleOutcome, ...]
    quarantined: int = 0
    seconds: float = 0.0

    @property
    def failures(self) -> tuple[RuleOutcome, ...]:
        """Outcomes that are not met, critical ones first."""
        order = {"critical": 0, "warning": 1, "info": 2}
        failed = [outcome for outcome in self.outcomes if not outcome.is_met]
        return tuple(sorted(failed, key=lambda outcome: order[outcome.severity]))


class ValidateRecord(Record):
    """Result of `validate`."""

    checked: TableRef
    quarantine: TableRef | None = None
    report_uri: str = Field(description="Where the QualityReport lies as JSON.")
    rules: int
    warnings: int
    quarantined: int
