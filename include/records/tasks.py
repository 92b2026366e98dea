"""The tasks of a run: one line each, in their order. Whoever lists tasks reads it here."""

from itertools import takewhile
from typing import Final, NamedTuple, TypeVar

from include.errors import GatehouseError
from include.records.curve import CurvePlan, CurvePoint, LearningCurve
from include.records.model import (
    EvaluateRecord,
    PromoteRecord,
    ReportRecord,
    TrainRecord,
    Verdict,
)
from include.records.monitoring import MonitorRecord
from include.records.quality import ValidateRecord
from include.records.run import Record
from include.records.scoring import Delivery, ScoringPlan, ShadowRecord, ShardScores
from include.records.tables import IngestRecord, PrepareRecord

R = TypeVar("R", bound=Record)


class Task(NamedTuple):
    """What is known of a task: the record that it hands on, and whether every run has it."""

    record: type[Record] | None = None
    is_on_request: bool = False


TASKS: Final = {
    "ingest": Task(IngestRecord),
    "validate": Task(ValidateRecord),
    "prepare": Task(PrepareRecord),
    "train": Task(TrainRecord),
    "evaluate": Task(EvaluateRecord),
    "judge": Task(Verdict),
    "approve": Task(),
    "promote": Task(PromoteRecord),
    "plan_curve": Task(CurvePlan, is_on_request=True),
    "fit_share": Task(CurvePoint, is_on_request=True),
    "draw_curve": Task(LearningCurve, is_on_request=True),
    "report": Task(ReportRecord),
    "close_run": Task(),
}
# Where the record of a task may stand, as task and XCom key; the first that is there holds. Where a
# verdict leaves nothing to do or to ask, `judge` does what `promote` would, whose own word may then
# be that of an earlier try.
PLACES: Final = {name: ((name, "return_value"),) for name in TASKS} | {
    "promote": (("judge", "promote"), ("promote", "return_value"))
}
# Those that make a candidate, or decide about it.
BEFORE_PROMOTION: Final = frozenset(takewhile(lambda name: name != "promote", TASKS))
# Those of a scoring run; without new rows all of them are skipped.
SCORING_TASKS: Final = {
    "read_inputs": Task(ScoringPlan, is_on_request=True),
    "predict_shard": Task(ShardScores, is_on_request=True),
    "deliver": Task(Delivery, is_on_request=True),
    "shadow": Task(ShadowRecord, is_on_request=True),
    "go_back": Task(is_on_request=True),
}
# That of a monitoring run; skipped without a new delivery.
MONITORING_TASKS: Final = {
    "compare_window": Task(MonitorRecord, is_on_request=True),
    "start_training": Task(is_on_request=True),
    "go_back": Task(is_on_request=True),
}
ALL_TASKS: Final = TASKS | SCORING_TASKS | MONITORING_TASKS
# The steps that a report tells of; their records are all that it takes.
STEPS: Final = tuple(
    name
    for name, task in TASKS.items()
    if task.record not in {None, ReportRecord} and not task.is_on_request
)


class RunRecords:
    """What the steps of a run handed on, as far as it came."""

    def __init__(self, *records: Record | None) -> None:
        """Take records in any order; None stands for a step that did not come to an end."""
        self._records = {type(record): record for record in records if record is not None}

    def get(self, kind: type[R]) -> R | None:
        """Give the record of a kind, None if its step did not come to an end.

        Example:
            >>> RunRecords(None).get(Verdict) is None
            True
        """
        found = self._records.get(kind)
        return found if isinstance(found, kind) else None

    @property
    def by_step(self) -> dict[str, Record | None]:
        """The records by the names of their steps, in order."""
        kinds = {step: TASKS[step].record for step in STEPS}
        return {step: self.get(kind) if kind else None for step, kind in kinds.items()}

    def require(self, kind: type[R]) -> R:
        """Give the record of a kind.

        Raises:
            GatehouseError: Its step did not come to an end.
        """
        found = self.get(kind)
        if found is None:
            raise GatehouseError(
                f"a {kind.__name__} must be among the records. Received: none. Clear the task "
                "that hands it on, with all that follow it."
            )
        return found

    @property
    def next_step(self) -> str:
        """The first step that did not come to its end, empty if all did."""
        return next((step for step, record in self.by_step.items() if not record), "")
