"""`gatehouse doctor`: what steps need, and what the local stack needs beside that."""

import json
import subprocess
import sys
from collections.abc import Mapping
from typing import Final

from include.errors import GatehouseError
from include.settings import PROJECT_ROOT, Settings
from include.stack.environment import build_environment, make_home
from include.stack.services import build_services, check_ports, find_process
from include.steps.doctor import CHECKS, Check

# Airflow gives a DAG file 50 s; a machine that is busy takes twice as long as one that is not.
MAX_PARSE_SECONDS: Final = 25.0
PARSE: Final = """
import json, sys
from airflow.dag_processing.dagbag import DagBag
bag = DagBag(sys.argv[1])
stats = [(each.file, each.duration.total_seconds(), each.dag_num) for each in bag.dagbag_stats]
print(json.dumps({"errors": bag.import_errors, "files": stats}))
"""


def check_stack_ports(settings: Settings) -> str:
    """Look whether the stack's ports are its own, or free."""
    up = {each.name for each in build_services(settings) if find_process(settings, each.name)}
    check_ports(settings, {"mlflow", "api-server"} - up)
    ports = {"mlflow": settings.mlflow_port, "api-server": settings.airflow_port}
    said = (f"{port} {'answers' if name in up else 'is free'}" for name, port in ports.items())
    return ", ".join(said)


def check_dag_files(settings: Settings) -> str:
    """Load the DAG files as Airflow does, and look how long each takes."""
    make_home(settings)
    done = subprocess.run(
        [sys.executable, "-c", PARSE, str(PROJECT_ROOT / "dags")],
        env=build_environment(settings),
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
    name, seconds, _ = max(read["files"], key=lambda each: each[1])
    if seconds > MAX_PARSE_SECONDS:
        raise GatehouseError(
            f"a DAG file must load within {MAX_PARSE_SECONDS:.0f} s. Received: {name} took "
            f"{seconds:.0f} s. Split the pipelines over installations, or see what else is busy."
        )
    return f"{sum(each[2] for each in read['files'])} DAGs, the slowest file in {seconds:.1f} s"


STACK_CHECKS: Final[Mapping[str, Check]] = {
    **CHECKS,
    "ports": check_stack_ports,
    "dag files": check_dag_files,
}
