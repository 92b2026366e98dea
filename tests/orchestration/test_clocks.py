"""Days on which a clock is put forward or back, and a machine on the other side of the world."""

import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pendulum
import pytest
from airflow.timetables.base import TimeRestriction
from airflow.timetables.trigger import CronTriggerTimetable

from include.orchestration.policies import build_timetable
from include.settings import PROJECT_ROOT
from include.specs.schedule import ScheduleSpec

# Times of data, of windows, of splits, of what is kept, and of what is due.
TIMED = (
    "tests/values/test_casts.py",
    "tests/sources/test_composed_times.py",
    "tests/features/test_encoders.py",
    "tests/features/test_series.py",
    "tests/features/test_splits.py",
    "tests/orchestration/test_maintain_dag.py",
    "tests/steps/monitor/test_windows.py",
)


def list_days(cron: str, zone: str, first: str, days: int) -> list[str]:
    """List the days on which a schedule runs, as its own zone writes them."""
    made = build_timetable(ScheduleSpec(cron=cron, timezone=zone))
    timetable = CronTriggerTimetable(made.expression, timezone=zone)
    start = datetime.fromisoformat(first).replace(tzinfo=ZoneInfo(zone)).astimezone(UTC)
    between = TimeRestriction(
        pendulum.instance(start), pendulum.instance(start + timedelta(days=days)), catchup=True
    )
    last, found = None, []
    while (
        run := timetable.next_dagrun_info(last_automated_data_interval=last, restriction=between)
    ) is not None:
        last = run.data_interval
        found.append(run.run_after.in_timezone(zone).strftime("%d"))
    return found


@pytest.mark.parametrize(
    ("zone", "first", "expected"),
    [
        ("Europe/Berlin", "2026-03-28", ["28", "29", "30"]),  # 2:30 does not exist on the 29th
        ("Europe/Berlin", "2026-10-24", ["24", "25", "26"]),  # and comes twice on the 25th
        ("Pacific/Apia", "2011-12-29", ["29", "31", "01"]),  # there was no 30th
    ],
    ids=["forward", "back", "a day left out"],
)
def test_a_daily_run_is_one_a_day_when_clocks_change(zone, first, expected):
    assert list_days("30 2 * * *", zone, first, days=3)[: len(expected)] == expected


def test_on_a_machine_that_is_thirteen_hours_ahead_all_is_as_in_utc():
    told = {name: text for name, text in os.environ.items() if not name.startswith("PYTEST_")}
    command = [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", *TIMED]
    done = subprocess.run(
        command,
        env={**told, "TZ": "Pacific/Apia"},
        cwd=PROJECT_ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-2_000:]
