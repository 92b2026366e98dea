"""Start, watch and stop the local stack's processes.

Each service is one process group with a log and a file that holds its process id; a file left
behind by a process that is gone, whose id belongs to another by now, or which works for the
directory that this one was copied from, counts for nothing.
"""

import contextlib
import json
import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, NamedTuple

import httpx
import psutil

from include.errors import GatehouseError, TrackingUnavailableError
from include.settings import PREFIX, Settings, remember_ports
from include.stack.environment import (
    airflow_home,
    build_environment,
    find_executable,
    follow_move,
    login_environment,
    make_home,
    make_password,
    settings_of_tasks,
)
from include.stack.migrations import airflow_database, migrate, mlflow_database
from include.tracking.accounts import TASKS, make_accounts, make_passwords
from include.values.lock_files import hold_lock
from include.values.private_files import OWNER_ONLY, private_opener, write_private

START_SECONDS = 240
PORT_SECONDS = 3
STOP_SECONDS = 20
STOP_POLL_SECONDS = 0.05


class Service(NamedTuple):
    """One background process of the stack."""

    name: str
    command: tuple[str, ...]


def build_services(settings: Settings) -> tuple[Service, ...]:
    """List the processes of the stack in the order in which they start."""
    home = settings.home
    mlflow = (
        "mlflow",
        "server",
        "--host=127.0.0.1",
        f"--port={settings.mlflow_port}",
        f"--backend-store-uri=sqlite:///{home / 'mlflow' / 'mlflow.db'}",
        f"--artifacts-destination={home / 'mlflow' / 'artifacts'}",
        "--workers=1",
        *(("--app-name=basic-auth",) if settings.mlflow_login else ()),
    )
    return (
        Service("mlflow", mlflow),
        Service("api-server", ("airflow", "api-server")),
        Service("scheduler", ("airflow", "scheduler", "--skip-serve-logs")),
        Service("dag-processor", ("airflow", "dag-processor")),
        Service("triggerer", ("airflow", "triggerer", "--skip-serve-logs")),
    )


def start_stack(settings: Settings, tell: Callable[[str], None]) -> None:
    """Start what is not up and wait until all of it answers.

    One process at a time does so: two would both migrate the database and start everything twice.

    Args:
        settings: Places and ports.
        tell: Called with a line for each thing that happens.

    Raises:
        GatehouseError: A port is taken, or a process ended or did not answer in time.
    """
    with _hold_start(settings, tell):
        _stop_if_moved(settings, tell)
        services = build_services(settings)
        missing = [service for service in services if find_process(settings, service.name) is None]
        if missing:
            _start_missing(settings, missing, tell)
            remember_ports(settings)
        elif set(read_health(settings).values()) == {"healthy"}:
            return
        _wait_until_ready(settings, tell)
        _say_what_waited(settings)


def start_mlflow(settings: Settings, tell: Callable[[str], None]) -> None:
    """Start the MLflow server alone, and wait until it answers.

    Raises:
        GatehouseError: Its port is taken, or it did not answer in time.
    """
    with _hold_start(settings, tell):
        service = build_services(settings)[0]
        check_ports(settings, {service.name})
        make_home(settings)
        environment = build_environment(settings)
        migrate(settings, mlflow_database(settings), environment, tell)
        _start(settings, service, environment)
        _wait_for_mlflow(settings)
        tell("mlflow is up")


def stop_stack(settings: Settings) -> list[str]:
    """Stop every process of the stack; gives the names of those that ran."""
    found = [
        (service.name, process)
        for service in reversed(build_services(settings))
        if (process := find_process(settings, service.name)) is not None
    ]
    for _, process in found:
        _signal_group(process.pid, signal.SIGTERM)
    deadline = time.monotonic() + STOP_SECONDS
    # One that has ended may wait for a parent that never asks, as in a container without an init.
    while (alive := [each for _, each in found if _is_running(each.pid)]) and (
        time.monotonic() < deadline
    ):
        time.sleep(STOP_POLL_SECONDS)
    for process in alive:
        _signal_group(process.pid, signal.SIGKILL)
    for service in build_services(settings):
        _end_leftovers(settings, service.name)
        _pid_file(settings, service.name).unlink(missing_ok=True)
    return [name for name, _ in found]


def find_process(settings: Settings, name: str) -> psutil.Process | None:
    """Give the running process of a service, if it runs.

    A directory that is moved takes what works in it along; a copy of it does not.
    """
    entry = _read_entry(settings, name)
    try:
        process = psutil.Process(entry["pid"])
        is_same = abs(process.create_time() - entry["created"]) < 1
        is_here = _is_running(process.pid) and settings.home.samefile(process.cwd())
    except (OSError, KeyError, TypeError, psutil.Error):
        return None
    return process if is_same and is_here else None


def read_health(settings: Settings) -> dict[str, str]:
    """Ask every service how it is: `healthy`, `unhealthy`, `starting` or `down` by name."""
    health = {}
    airflow = _airflow_health(settings)
    for service in build_services(settings):
        if find_process(settings, service.name) is None:
            health[service.name] = "down"
        elif service.name == "mlflow":
            is_up = _answers(f"{settings.mlflow}/health")
            health[service.name] = "healthy" if is_up else "starting"
        else:
            health[service.name] = airflow.get(service.name, "starting")
    return health


def log_file(settings: Settings, name: str) -> Path:
    """Where a service's output goes."""
    return settings.home / "logs" / f"{name}.log"


def _hold_start(settings: Settings, tell: Callable[[str], None]) -> AbstractContextManager[None]:
    # A start that migrates and then waits takes about twice START_SECONDS at worst.
    lock = settings.home / "run" / "start.lock"
    return hold_lock(lock, "starting the stack", tell, timeout=2 * START_SECONDS)


def _stop_if_moved(settings: Settings, tell: Callable[[str], None]) -> None:
    """Stop what has run since before the directory was moved: the places that it knows are gone."""
    for service in build_services(settings):
        before = str(_read_entry(settings, service.name).get("home") or settings.home)
        is_moved = Path(before).resolve() != settings.home.resolve()
        if is_moved and find_process(settings, service.name) is not None:
            tell(f"what was started in {before} is stopped: it was moved to {settings.home}")
            stop_stack(settings)
            return


def _start_missing(
    settings: Settings, missing: Sequence[Service], tell: Callable[[str], None]
) -> None:
    environment = build_environment(settings)
    check_ports(settings, {service.name for service in missing})
    make_home(settings)
    make_password(settings)
    follow_move(settings)
    if not (airflow_home(settings) / "airflow.db").exists():
        tell("creating Airflow's database")
    mlflow = build_services(settings)[0]
    if mlflow in missing:
        migrate(settings, mlflow_database(settings), environment, tell)
        _start(settings, mlflow, environment)
        if settings.mlflow_login:  # no task runs before it can log in
            _wait_for_mlflow(settings)
    migrate(settings, airflow_database(settings), environment, tell)
    for service in missing:
        _start(settings, service, environment)
    tell(f"starting {', '.join(service.name for service in missing)}")


def _wait_for_mlflow(settings: Settings) -> None:
    """Wait until the server answers and, if it asks for a log-in, make the accounts."""
    deadline = time.monotonic() + START_SECONDS
    while not _answers(f"{settings.mlflow}/health"):
        if time.monotonic() > deadline or find_process(settings, "mlflow") is None:
            log = log_file(settings, "mlflow")
            raise GatehouseError(
                f"mlflow must answer within {START_SECONDS} s. Received: nothing. The end of "
                f"its log ({log}):\n{_tail(log)}"
            )
        time.sleep(0.3)
    if settings.mlflow_login:
        make_accounts(settings.local_mlflow, make_passwords(settings))


def _start(settings: Settings, service: Service, environment: dict[str, str]) -> None:
    if find_process(settings, service.name) is not None:
        return
    _end_leftovers(settings, service.name)
    # Whoever reaches the MLflow server must not be able to make it seal a version.
    secret = {f"{PREFIX}{name}" for name in ("SIGNING_KEY", "WEBHOOK_URL", "SMTP_URL")}
    hidden = secret if service.name == "mlflow" else set()
    own = login_environment(settings) if service.name == "mlflow" else {}
    with open(log_file(settings, service.name), "ab", opener=private_opener) as output:
        process = subprocess.Popen(
            [find_executable(service.command[0]), *service.command[1:]],
            env={name: environment[name] for name in environment.keys() - hidden} | own,
            cwd=settings.home,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            umask=OWNER_ONLY,
        )
    created = psutil.Process(process.pid).create_time()
    # It is meant to outlive this process, and Popen must not warn that it does.
    process.returncode = 0
    entry = {"pid": process.pid, "created": created, "home": str(settings.home)}
    write_private(_pid_file(settings, service.name), json.dumps(entry))


def _end_leftovers(settings: Settings, name: str) -> None:
    """End what a service that died has left running, such as the executors of a scheduler.

    Its process group keeps the number of its first process, which nobody else gets meanwhile.
    """
    entry = _read_entry(settings, name)
    try:
        group, is_of_this_boot = int(entry["pid"]), entry["created"] > psutil.boot_time()
    except (ValueError, KeyError, TypeError):
        return
    if group > 1 and is_of_this_boot and not _is_running(group):
        _signal_group(group, signal.SIGKILL)


def _is_running(pid: int) -> bool:
    """Tell whether a process runs; one that nobody has collected yet does not."""
    with contextlib.suppress(psutil.NoSuchProcess):
        return bool(psutil.Process(pid).status() != psutil.STATUS_ZOMBIE)
    return False


def _wait_until_ready(settings: Settings, tell: Callable[[str], None]) -> None:
    deadline = time.monotonic() + START_SECONDS
    healthy: set[str] = set()
    while time.monotonic() < deadline:
        health = read_health(settings)
        for name, state in health.items():
            if state == "down":
                raise GatehouseError(
                    f"{name} must stay up. Received: it ended. The end of its log "
                    f"({log_file(settings, name)}):\n{_tail(log_file(settings, name))}"
                )
            if state == "healthy" and name not in healthy:
                healthy.add(name)
                tell(f"{name} is up")
        if len(healthy) == len(health):
            _warm_up(settings)
            return
        time.sleep(0.3)
    waiting = sorted(set(health) - healthy)
    raise GatehouseError(
        f"the stack must be up within {START_SECONDS} s. Received: no answer from {waiting}. "
        f"Read the logs in {settings.home / 'logs'}, then run `make down` and `make up`."
    )


def _say_what_waited(settings: Settings) -> None:
    """Tell MLflow which runs ended while it was away."""
    if not any((settings.home / "spool").glob("*.end.json")):
        return
    from include.tracking.runs import say_unsaid_ends

    with contextlib.suppress(TrackingUnavailableError):
        say_unsaid_ends(settings_of_tasks(settings))


def _warm_up(settings: Settings) -> None:
    """Make the servers build what they build lazily, so that the first task need not wait."""
    search = f"{settings.mlflow}/api/2.0/mlflow/experiments/search?max_results=1"
    _answers(f"{settings.airflow}/execution/health", timeout=60)
    login = (TASKS, make_passwords(settings)[TASKS]) if settings.mlflow_login else None
    _answers(search, timeout=60, login=login)


def _airflow_health(settings: Settings) -> dict[str, str]:
    try:
        answer = _get(f"{settings.airflow}/api/v2/monitor/health", timeout=10).json()
    except (httpx.HTTPError, ValueError):
        return {}
    states = {name.replace("_", "-"): (answer.get(name) or {}) for name in answer}
    health = {name: state.get("status") or "starting" for name, state in states.items()}
    return {"api-server": "healthy", **health}


def _answers(url: str, timeout: float = 5, login: tuple[str, str] | None = None) -> bool:
    try:
        return _get(url, timeout=timeout, login=login).status_code == httpx.codes.OK
    except httpx.HTTPError:
        return False


def _get(url: str, *, timeout: float, login: tuple[str, str] | None = None) -> httpx.Response:
    # Reading certificates takes longer than the answer of a server that has none.
    return httpx.get(url, timeout=timeout, auth=login, verify=url.startswith("https:"))


def check_ports(settings: Settings, missing: set[str]) -> None:
    """Refuse to start services whose ports somebody else listens on.

    Raises:
        GatehouseError: A port is taken.
    """
    ports = {
        "mlflow": ("GATEHOUSE_MLFLOW_PORT", settings.mlflow_port),
        "api-server": ("GATEHOUSE_AIRFLOW_PORT", settings.airflow_port),
    }
    for name, (setting, port) in ports.items():
        if name in missing and _stays_taken(port):
            raise GatehouseError(
                f"{setting}: {name} needs a free port. Received: {port}, which another process "
                f"listens on. Stop that process, or choose a port: {setting}={port + 1} make run"
            )


def _stays_taken(port: int) -> bool:
    """Tell whether somebody listens; a service that has just been stopped may for a moment."""
    deadline = time.monotonic() + PORT_SECONDS
    while time.monotonic() < deadline:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) != 0:
                return False
        time.sleep(0.2)
    return True


def _signal_group(pid: int, number: signal.Signals) -> None:
    try:
        os.killpg(pid, number)
    except ProcessLookupError:
        return


def _read_entry(settings: Settings, name: str) -> dict[str, Any]:
    """Read what was noted as a service was started; empty if that is gone or damaged."""
    try:
        entry = json.loads(_pid_file(settings, name).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return entry if isinstance(entry, dict) else {}


def _pid_file(settings: Settings, name: str) -> Path:
    return settings.home / "run" / f"{name}.json"


def _tail(path: Path, lines: int = 15) -> str:
    return "\n".join(_last_lines(path, lines))


def _last_lines(path: Path, lines: int) -> Iterator[str]:
    if path.exists():
        yield from path.read_text(encoding="utf-8", errors="replace").splitlines()[-lines:]
