"""`gatehouse maintain`: the housekeeping of the DAG, by hand, and Airflow's own history."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import cast

from include.errors import GatehouseError
from include.settings import Settings
from include.stack.airflow_api import ENDED, AirflowApi
from include.stack.environment import build_environment
from include.stack.migrations import airflow_database, run_program
from include.steps.maintain.left_runs import DagRunState


def state_finder(airflow: AirflowApi) -> Callable[[str, str], DagRunState]:
    """Give a function that asks Airflow what became of a DAG run."""

    def find(dag_id: str, run_id: str) -> DagRunState:
        state = airflow.get_run(dag_id, run_id).get("state", "gone")
        return cast("DagRunState", state if state in {*ENDED, "gone"} else "running")

    return find


def trim_history(settings: Settings, *, dry_run: bool) -> str:
    """Remove Airflow's entries that are older than `keep_days`, by its own command.

    Returns:
        What it did, in a line.

    Raises:
        GatehouseError: The command failed.
    """
    database = airflow_database(settings)
    if not database.path.exists():
        return "no local Airflow: its history stays"
    before = (datetime.now(UTC) - timedelta(days=settings.keep_days)).isoformat()
    size = database.path.stat().st_size
    command = [
        "airflow",
        "db",
        "clean",
        "--clean-before-timestamp",
        before,
        "--skip-archive",
        "--yes",
    ]
    environment = build_environment(settings)
    done = run_program(settings, [*command, *["--dry-run"] * dry_run], environment)
    if done.returncode:
        raise GatehouseError(
            f"`{' '.join(command)}` must succeed. Received: exit code {done.returncode}: "
            f"{(done.stdout + done.stderr).strip()[-800:]}. The next night tries again."
        )
    said = "would lose" if dry_run else "lost"
    return f"Airflow's history ({size / 1e6:.1f} MB) {said} what is older than {before[:10]}"
