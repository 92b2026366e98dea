"""What `doctor` looks at in Airflow itself: how long DAG files take, how much tasks hand on."""

import json
import os
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Mapping
from contextlib import closing
from typing import Final

from include.errors import GatehouseError
from include.settings import PROJECT_ROOT, Settings

# Airflow gives a DAG file 50 s; a machine that is busy takes twice as long as one that is not.
MAX_PARSE_SECONDS: Final = 25.0
PARSE: Final = """
import json, sys
from airflow.dag_processing.dagbag import DagBag
bag = DagBag(sys.argv[1])
stats = [(each.file, each.duration.total_seconds(), each.dag_num) for each in bag.dagbag_stats]
print(json.dumps({"errors": bag.import_errors, "files": stats}))
"""
# Airflow says so to a task, whose loaders then build its own DAG only.
OF_TASKS: Final = "_AIRFLOW_PARSING_CONTEXT_"
# No task needs a database to load its DAG, and Airflow takes theirs away.
NO_DATABASE: Final = {"AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": "sqlite://"}
# Records stay below 8 KB each; Airflow's scheduler and pages read what is larger over and over.
MAX_XCOM_BYTES: Final = 65_536
LARGEST: Final = """
SELECT dag_id, task_id, length(CAST(value AS BLOB)) AS size FROM xcom ORDER BY size DESC LIMIT 1
"""


def check_dag_files(_: Settings, environment: Mapping[str, str] | None = None) -> str:
    """Load the DAG files as Airflow does, and look how long each takes."""
    known = os.environ if environment is None else environment
    done = subprocess.run(
        [sys.executable, "-c", PARSE, str(PROJECT_ROOT / "dags")],
        env={k: known[k] for k in known if not k.startswith(OF_TASKS)} | NO_DATABASE,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise GatehouseError(
            f"Airflow must load. Received: {done.stderr.strip()[-500:]}. Run `make install`."
        )
    read = json.loads(done.stdout.splitlines()[-1])
    if read["errors"]:
        first = next(iter(read["errors"].items()))
        raise GatehouseError(
            f"every DAG file must load. Received: {first[0]}: {first[1].strip()[-500:]}. "
            "`gatehouse check` says what is wrong with a pipeline's file."
        )
    name, seconds, _dags = max(read["files"], key=lambda each: each[1])
    if seconds > MAX_PARSE_SECONDS:
        raise GatehouseError(
            f"a DAG file must load within {MAX_PARSE_SECONDS:.0f} s. Received: {name} took "
            f"{seconds:.0f} s. Split the pipelines over installations, or see what else is busy."
        )
    return f"{sum(each[2] for each in read['files'])} DAGs, the slowest file in {seconds:.1f} s"


def check_xcom(settings: Settings) -> str:
    """Look for the largest XCom in a local Airflow's database; no value is read."""
    path = settings.home / "airflow" / "airflow.db"
    if not path.exists():
        return "Airflow's database is not local: see docs/deployment.md"
    with closing(sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True, timeout=20)) as database:
        found = database.execute(LARGEST).fetchone()
    if found is None:
        return "no task has handed on anything yet"
    dag, task, size = found
    if size > MAX_XCOM_BYTES:
        raise GatehouseError(
            f"an XCom must stay below {MAX_XCOM_BYTES} bytes. Received: {size} from the task "
            f"{task} of {dag}. Let it write what is long into a file, and hand on its place."
        )
    return f"the largest, {size} bytes, is from the task {task} of {dag}"


AIRFLOW_CHECKS: Final[Mapping[str, Callable[[Settings], str]]] = {
    "dag files": check_dag_files,
    "xcom": check_xcom,
}
