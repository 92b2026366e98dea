"""The DAG that keeps house: one for all pipelines, every fifteen minutes, more of it nightly."""

import math
import subprocess
import sys
from datetime import UTC, datetime
from functools import partial
from typing import Any, Final

from airflow.configuration import conf
from airflow.sdk import DAG, Param, task
from airflow.sdk.exceptions import AirflowSkipException

from include.orchestration.notices import tell_late
from include.orchestration.policies import RETRY_POLICY, build_timetable
from include.orchestration.tasks import find_state
from include.records import MaintainRecord
from include.settings import PROJECT_ROOT, load_settings
from include.specs.loader import load_pipeline_specs
from include.specs.schedule import ScheduleSpec

NIGHT_HOUR: Final = 3
MINUTES: Final = 15
DOC: Final = """\
**What was left open is closed, and what nobody needs goes**

Every fifteen minutes: MLflow runs whose DAG run has ended are closed with a reason; runs that are
late (`notify.late_hours`) are told; temporary tables, scratch and checkpoints of dead processes
are removed; of the logs of the local stack's services the last 10 MB stay.

Once a night, at 3:00 UTC, or with `old` in the form: runs older than `GATEHOUSE_KEEP_DAYS`, or
beyond the latest `GATEHOUSE_KEEP_RUNS` of their MLflow experiment, go with the tables, files,
models and versions that only they need; so do old downloads, logs and the own history of Airflow
and of MLflow; then the worker is examined. What a version behind an alias was made from stays.

`gatehouse maintain --dry-run` lists what would go. **A failure** is harmless to every pipeline; the
next round tries again.
"""


def build_maintain_dag() -> DAG:
    """Build `maintain`; its page in the Airflow UI is `DOC`."""
    with DAG(
        dag_id="maintain",
        description="Close what was left open, remove what nobody needs",
        doc_md=DOC,
        default_args={"owner": "gatehouse", "retries": 1, "retry_policy": RETRY_POLICY},
        tags=["gatehouse", "maintain"],
        max_active_runs=1,
        # Never at once: a stack that just came up has its first training to do.
        schedule=build_timetable(ScheduleSpec(cron=f"*/{MINUTES} * * * *")),
        catchup=False,
        is_paused_upon_creation=False,
        params={
            "old": Param(False, type="boolean", description="Do now what is done once a night."),
            "dry_run": Param(False, type="boolean", description="Count only; remove nothing."),
        },
    ) as maintain_dag:

        @task
        def close_left_runs(ti: Any = None) -> int:
            from include.steps.maintain import close_left_runs as step

            return step(load_settings(), partial(find_state, ti))

        @task
        def tell_late_runs() -> None:
            from include.steps.maintain import find_late_runs

            entries = load_pipeline_specs(load_settings().pipelines_dir)
            specs = {entry.spec.name: entry.spec for entry in entries if entry.spec}
            hours = {name: spec.notify.late_hours for name, spec in specs.items()}
            for run, taken in find_late_runs(
                load_settings(), lambda name: hours.get(name, math.inf), datetime.now(UTC)
            ):
                tell_late(specs[run.pipeline], run, taken)

        @task
        def clean(params: Any = None, dag_run: Any = None) -> MaintainRecord:
            from include.steps.maintain import clean as step

            return step(
                load_settings(),
                with_old=is_nightly(params, dag_run),
                dry_run=params["dry_run"],
                logs=conf.get("logging", "base_log_folder"),
            )

        @task
        def trim_history(params: Any = None, dag_run: Any = None) -> None:
            skip_by_day(params, dag_run)
            if not (load_settings().home / "airflow" / "airflow.db").exists():
                raise AirflowSkipException(
                    "Airflow's database is not local: see docs/deployment.md"
                )
            # Tasks are kept from Airflow's database; its owner's command line is not.
            command = [sys.executable, "-m", "include.cli", "maintain", "--history"]
            subprocess.run(
                [*command, *["--dry-run"] * params["dry_run"]], cwd=PROJECT_ROOT, check=True
            )

        @task
        def doctor(params: Any = None, dag_run: Any = None) -> None:
            from include.orchestration.airflow_checks import AIRFLOW_CHECKS
            from include.steps.doctor import doctor as step

            skip_by_day(params, dag_run)
            step(AIRFLOW_CHECKS)

        close_left_runs() >> tell_late_runs() >> clean() >> trim_history() >> doctor()
    return maintain_dag


def is_nightly(params: Any, dag_run: Any) -> bool:
    """Tell whether a run does what is done once a night: the first one after 3:00 UTC, or asked."""
    due = dag_run.run_after
    return bool(params["old"] or (due.hour == NIGHT_HOUR and due.minute < MINUTES))


def skip_by_day(params: Any, dag_run: Any) -> None:
    """Skip a task in the rounds of the day.

    Raises:
        AirflowSkipException: It is not night, and nobody asked.
    """
    if not is_nightly(params, dag_run):
        raise AirflowSkipException("done once a night")
