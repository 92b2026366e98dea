"""What all DAGs share: retries, tags, owners and when a training starts by itself."""

from datetime import datetime, time, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

from airflow.sdk import (
    Asset,
    AssetAny,
    AssetOrTimeSchedule,
    CronTriggerTimetable,
    RetryAction,
    RetryRule,
)

from include.errors import GatehouseError, InfrastructureError
from include.orchestration.waits import SHARES, WAIT_AFTER_KILL, GrowingRetryPolicy
from include.specs import PipelineSpec
from include.specs.schedule import ScheduleSpec

# What the system, a network or Airflow's own API server raises when it is away. All else that
# nobody made an InfrastructureError of comes to the same again: wrong data, a mistake in code.
OUTAGES: Final = [
    OSError,
    EOFError,
    "httpx.HTTPError",
    "airflow.sdk.exceptions.AirflowRuntimeError",
]
# The first rule that matches counts.
RETRY_POLICY: Final = GrowingRetryPolicy(
    rules=[
        RetryRule(
            exception=InfrastructureError,
            action=RetryAction.RETRY,
            reason="something outside is away; the same call may succeed later",
        ),
        RetryRule(
            exception=GatehouseError,
            action=RetryAction.FAIL,
            reason="the same input would fail again",
        ),
        RetryRule(
            exception=OUTAGES,
            action=RetryAction.RETRY,
            reason="the system or a network failed; the same call may succeed later",
        ),
        RetryRule(
            exception=Exception,
            action=RetryAction.FAIL,
            reason="a mistake, which the same input would show again",
        ),
    ]
)


def default_args(spec: PipelineSpec) -> dict[str, Any]:
    """Arguments of every task: its retries are for errors from outside and for kills."""
    return {
        "owner": spec.owner,
        "retries": len(SHARES),
        "retry_delay": WAIT_AFTER_KILL,
        "retry_policy": RETRY_POLICY,
    }


def build_timetable(schedule: ScheduleSpec | None) -> CronTriggerTimetable | None:
    """Build the timetable of a DAG, if it runs by itself.

    Without `catchup_from` the first scheduled run is the next one, never one that lies in the
    past: whoever switches a pipeline on does not expect it to start by itself.
    """
    if schedule is None:
        return None
    return CronTriggerTimetable(
        schedule.cron, timezone=schedule.timezone, run_immediately=timedelta(0)
    )


def build_schedule(schedule: ScheduleSpec | None, *assets: Asset) -> Any:
    """Build what starts a DAG: the clock, any of some assets, either of both, or nothing."""
    timetable = build_timetable(schedule)
    if assets and timetable:
        return AssetOrTimeSchedule(timetable=timetable, assets=AssetAny(*assets))
    return AssetAny(*assets) if assets else timetable


def catchup_start(schedule: ScheduleSpec | None) -> datetime | None:
    """Give the time from which missed runs are made up for, if they are."""
    if schedule is None or schedule.catchup_from is None:
        return None
    return datetime.combine(schedule.catchup_from, time(), ZoneInfo(schedule.timezone))
