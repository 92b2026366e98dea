"""`gatehouse doctor`: what steps need, and what the local stack needs beside that."""

from collections.abc import Mapping
from typing import Final

from include.orchestration.airflow_checks import AIRFLOW_CHECKS, check_dag_files
from include.settings import Settings
from include.stack.environment import build_environment, make_home
from include.stack.services import build_services, check_ports, find_process
from include.steps.doctor import CHECKS, Check


def check_stack_ports(settings: Settings) -> str:
    """Look whether the stack's ports are its own, or free."""
    up = {each.name for each in build_services(settings) if find_process(settings, each.name)}
    check_ports(settings, {"mlflow", "api-server"} - up)
    ports = {"mlflow": settings.mlflow_port, "api-server": settings.airflow_port}
    said = (f"{port} {'answers' if name in up else 'is free'}" for name, port in ports.items())
    return ", ".join(said)


def check_stack_dag_files(settings: Settings) -> str:
    """Load the DAG files as the processes of the stack do."""
    make_home(settings)
    return check_dag_files(settings, build_environment(settings))


STACK_CHECKS: Final[Mapping[str, Check]] = {
    **CHECKS,
    "ports": check_stack_ports,
    **AIRFLOW_CHECKS,
    "dag files": check_stack_dag_files,
}
