"""The environment in which the local stack's processes run, and that of a served model."""

import json
import os
import re
import secrets
import shutil
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from pydantic import SecretStr

from include.errors import GatehouseError
from include.settings import PREFIX, PROJECT_ROOT, Settings
from include.tracking.accounts import ADMIN, make_passwords, write_auth_config
from include.values.private_files import (
    make_private_directory,
    read_or_make_secret,
    write_private,
)

LOOPBACK: Final = ("127.0.0.1", "localhost", "::1")
SHARED_ENVIRONMENT = PROJECT_ROOT / "config" / "airflow.env"


def build_environment(settings: Settings) -> dict[str, str]:
    """Build the variables of all processes of the local stack.

    What the caller's environment sets beforehand wins over `config/airflow.env`, but not over
    the places and ports, which come from the settings.
    """
    return {
        **read_env_file(SHARED_ENVIRONMENT),
        # Names of other machines would be answered too, e.g. those that a web page makes up.
        "MLFLOW_SERVER_ALLOWED_HOSTS": "localhost:*,127.0.0.1:*",
        **os.environ,
        **spare_loopback(os.environ),
        **_airflow_places(settings),
        **_gatehouse_places(settings),
        **_read_secrets(settings),
        "PYTHONPATH": os.pathsep.join([str(PROJECT_ROOT), str(PROJECT_ROOT / "config")]),
        "PATH": _search_path(),
        "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
        "JAX_COMPILATION_CACHE_DIR": str(settings.home / "jax-cache"),
        # Byte code is compiled at install time and worth keeping: imports dominate a task's time.
        "PYTHONDONTWRITEBYTECODE": "",
    }


def login_environment(settings: Settings) -> dict[str, str]:
    """Build what the MLflow server alone is told, if it asks for a log-in."""
    if not settings.mlflow_login:
        return {}
    return {
        "MLFLOW_AUTH_CONFIG_PATH": str(write_auth_config(settings)),
        "MLFLOW_AUTH_ADMIN_PASSWORD": make_passwords(settings)[ADMIN],
        "MLFLOW_FLASK_SERVER_SECRET_KEY": read_or_make_secret(settings.home / "mlflow/flask.key"),
    }


def settings_of_tasks(settings: Settings) -> Settings:
    """Give the settings as tasks of the local stack have them: with the name that it made up."""
    installation = build_environment(settings)[f"{PREFIX}INSTALLATION"]
    return settings.model_copy(update={"installation": installation})


def spare_loopback(environment: Mapping[str, str]) -> dict[str, str]:
    """Give the variables that keep this machine's own addresses out of any proxy.

    Example:
        >>> spare_loopback({"NO_PROXY": "example.org"})["no_proxy"]
        'example.org,127.0.0.1,localhost,::1'
    """
    given = environment.get("no_proxy") or environment.get("NO_PROXY") or ""
    names = [name for name in map(str.strip, given.split(",")) if name]
    spared = ",".join(dict.fromkeys([*names, *(() if "*" in names else LOOPBACK)]))
    # Clients read either spelling, and some the small one only.
    return {"no_proxy": spared, "NO_PROXY": spared}


def make_home(settings: Settings) -> None:
    """Create the directory of the stack's state, and close what it holds to all but the owner.

    Airflow sets the modes of its task logs itself, and an earlier release left some files open to
    everybody; behind a closed directory neither matters.
    """
    make_private_directory(settings.home)
    for name in ("airflow", "mlflow", "logs", "run", "models", "spool", "jax-cache", "data"):
        make_private_directory(settings.home / name)
        (settings.home / name).chmod(0o700)


def read_env_file(path: Path) -> dict[str, str]:
    """Read `NAME=value` lines; blank lines and lines that start with # are left out."""
    lines = (line.strip() for line in path.read_text(encoding="utf-8").splitlines())
    pairs = (line.partition("=") for line in lines if line and not line.startswith("#"))
    return {name.strip(): value.strip() for name, _, value in pairs}


def airflow_home(settings: Settings) -> Path:
    """Directory of Airflow's own state."""
    return settings.home / "airflow"


def passwords_file(settings: Settings) -> Path:
    """File that holds the password of `admin`."""
    return airflow_home(settings) / "passwords.json"


def find_executable(name: str) -> str:
    """Find a program of this environment.

    Raises:
        GatehouseError: It is not installed.
    """
    beside = Path(sys.executable).parent / name
    found = str(beside) if beside.exists() else shutil.which(name)
    if found is None:
        raise GatehouseError(f"{name} must be installed. Received: nothing. Run `make install`.")
    return found


def _search_path() -> str:
    """Find our own programs first, also where the environment is not activated."""
    return os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])


def _airflow_places(settings: Settings) -> dict[str, str]:
    home = airflow_home(settings)
    return {
        "AIRFLOW_HOME": str(home),
        "AIRFLOW__CORE__DAGS_FOLDER": str(PROJECT_ROOT / "dags"),
        "AIRFLOW__CORE__PLUGINS_FOLDER": str(PROJECT_ROOT / "plugins"),
        "AIRFLOW__CORE__EXECUTOR": "LocalExecutor",
        "AIRFLOW__CORE__EXECUTION_API_SERVER_URL": f"http://127.0.0.1:{settings.airflow_port}"
        "/execution/",
        "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_USERS": "admin:admin",
        "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE": str(passwords_file(settings)),
        # SQLite lets one process write at a time; the others wait as many seconds for their turn.
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{home / 'airflow.db'}?timeout=20",
        "AIRFLOW__LOGGING__BASE_LOG_FOLDER": str(home / "logs"),
        "AIRFLOW__LOGGING__DAG_PROCESSOR_CHILD_PROCESS_LOG_DIRECTORY": str(
            home / "logs" / "dag_processor"
        ),
        "AIRFLOW__API__HOST": "127.0.0.1",
        "AIRFLOW__API__PORT": str(settings.airflow_port),
        "AIRFLOW__API__BASE_URL": settings.airflow,
    }


def _gatehouse_places(settings: Settings) -> dict[str, str]:
    values = {
        name: value.get_secret_value() if isinstance(value, SecretStr) else str(value)
        for name, value in settings
    }
    return {f"{PREFIX}{name.upper()}": value for name, value in values.items() if value}


def follow_move(settings: Settings) -> None:
    """Write this place into Airflow's own file of options, if it was written elsewhere.

    Airflow fills it in at its first start; what it says there of places would stay behind when
    the directory is moved or copied.
    """
    path = airflow_home(settings) / "airflow.cfg"
    text = path.read_text(encoding="utf-8") if path.exists() else ""
    written = re.search(r"^base_log_folder = (/.*)/logs$", text, re.MULTILINE)
    if written and written[1] != str(airflow_home(settings)):
        write_private(path, text.replace(written[1], str(airflow_home(settings))))


def make_password(settings: Settings) -> None:
    """Make up the password of `admin`, unless there is one.

    Airflow would do so itself, and write it into the API server's log.
    """
    path = passwords_file(settings)
    if not path.exists():
        write_private(path, json.dumps({"admin": secrets.token_urlsafe(16)}) + "\n")


def _read_secrets(settings: Settings) -> dict[str, str]:
    """Read what this stack made up for itself at its first start, readable by the owner only."""
    path = settings.home / "secrets.env"
    known = read_env_file(path) if path.exists() else {}
    made_up = {
        "AIRFLOW__API__SECRET_KEY": secrets.token_urlsafe(32),
        "AIRFLOW__API_AUTH__JWT_SECRET": secrets.token_urlsafe(32),
        f"{PREFIX}HASH_KEY": secrets.token_hex(32),
        f"{PREFIX}INSTALLATION": secrets.token_hex(8),
    }
    if missing := made_up.keys() - known.keys():
        known |= {name: made_up[name] for name in sorted(missing)}
        write_private(path, "".join(f"{name}={value}\n" for name, value in known.items()))
    if settings.hash_key.get_secret_value():
        del known[f"{PREFIX}HASH_KEY"]
    if settings.installation:
        del known[f"{PREFIX}INSTALLATION"]
    return known
