"""`gatehouse maintain`: the housekeeping of the DAG, by hand, and both servers' own history."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import cast

from include.errors import GatehouseError
from include.settings import Settings
from include.stack.airflow_api import ENDED, AirflowApi
from include.stack.environment import build_environment
from include.stack.migrations import airflow_database, mlflow_database, run_program
from include.steps.maintain.left_runs import DagRunState
from include.tracking.accounts import log_in


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
    command = ["airflow", "db", "clean", "--clean-before-timestamp", before, "--skip-archive"]
    _run(settings, [*command, "--yes", *["--dry-run"] * dry_run])
    said = "would lose" if dry_run else "lost"
    return f"Airflow's history ({size / 1e6:.1f} MB) {said} what is older than {before[:10]}"


def forget_deleted(settings: Settings, *, dry_run: bool) -> str:
    """Let MLflow forget what has been deleted there for `keep_days`, by its own command.

    Until then what a person deleted can be restored.

    Returns:
        What it did, in a line.

    Raises:
        GatehouseError: The command failed.
    """
    database = mlflow_database(settings)
    if settings.mlflow != settings.local_mlflow or not database.path.exists():
        return "no local MLflow: what was deleted there stays hidden"
    size, age = database.path.stat().st_size, f"{settings.keep_days:g}d"
    if not dry_run:
        log_in(settings)
        store = ("--backend-store-uri", f"sqlite:///{database.path}")
        _run(settings, ["mlflow", "gc", *store, "--older-than", age])
    said = "would forget" if dry_run else "forgot"
    return f"MLflow ({size / 1e6:.1f} MB) {said} what was deleted more than {age} ago"


def _run(settings: Settings, command: list[str]) -> None:
    environment = {**build_environment(settings), "MLFLOW_TRACKING_URI": settings.mlflow}
    done = run_program(settings, command, environment)
    if done.returncode:
        raise GatehouseError(
            f"`{' '.join(command)}` must succeed. Received: exit code {done.returncode}: "
            f"{(done.stdout + done.stderr).strip()[-800:]}. The next night tries again."
        )
