"""The environment in which the local stack's processes run, and that of a served model."""

import os
import secrets
import sys
from pathlib import Path

from include.settings import PREFIX, PROJECT_ROOT, Settings

SHARED_ENVIRONMENT = PROJECT_ROOT / "config" / "airflow.env"


def build_environment(settings: Settings) -> dict[str, str]:
    """Build the variables of all processes of the local stack.

    What the caller's environment sets beforehand wins over `config/airflow.env`, but not over
    the places and ports, which come from the settings.
    """
    return {
        **read_env_file(SHARED_ENVIRONMENT),
        **os.environ,
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


def build_serving_environment() -> dict[str, str]:
    """Build the variables of a process that runs a model's own code.

    What it need not know it is not told: no secret, no connection, no address of ours.
    """
    from include.serving.clean_process import KEPT_PREFIXES, KEPT_VARIABLES
    from include.tracking.connection import DEFAULTS, FORCED

    names = {*KEPT_VARIABLES, "MLFLOW_SCORING_SERVER_REQUEST_TIMEOUT"}
    kept = {
        name: value
        for name, value in os.environ.items()
        if name in names or name.startswith(KEPT_PREFIXES)
    }
    return {**kept, **DEFAULTS, **FORCED, "PATH": _search_path()}


def read_env_file(path: Path) -> dict[str, str]:
    """Read `NAME=value` lines; blank lines and lines that start with # are left out."""
    lines = (line.strip() for line in path.read_text(encoding="utf-8").splitlines())
    pairs = (line.partition("=") for line in lines if line and not line.startswith("#"))
    return {name.strip(): value.strip() for name, _, value in pairs}


def airflow_home(settings: Settings) -> Path:
    """Directory of Airflow's own state."""
    return settings.home / "airflow"


def passwords_file(settings: Settings) -> Path:
    """File to which Airflow writes the password that it makes up for `admin`."""
    return airflow_home(settings) / "passwords.json"


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
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{home / 'airflow.db'}",
        "AIRFLOW__LOGGING__BASE_LOG_FOLDER": str(home / "logs"),
        "AIRFLOW__API__HOST": "127.0.0.1",
        "AIRFLOW__API__PORT": str(settings.airflow_port),
        "AIRFLOW__API__BASE_URL": settings.airflow,
    }


def _gatehouse_places(settings: Settings) -> dict[str, str]:
    values = {
        name: value.get_secret_value() if name == "hash_key" else str(value)
        for name, value in settings
    }
    return {f"{PREFIX}{name.upper()}": value for name, value in values.items() if value}


def _read_secrets(settings: Settings) -> dict[str, str]:
    """Read this stack's secrets, made up at the first start and readable by the owner only."""
    path = settings.home / "secrets.env"
    if not path.exists():
        names = ("AIRFLOW__API__SECRET_KEY", "AIRFLOW__API_AUTH__JWT_SECRET")
        lines = [f"{name}={secrets.token_urlsafe(32)}\n" for name in names]
        key = secrets.token_hex(32)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch(mode=0o600)
        path.write_text("".join([*lines, f"{PREFIX}HASH_KEY={key}\n"]), encoding="utf-8")
    given = {f"{PREFIX}HASH_KEY"} if settings.hash_key.get_secret_value() else set()
    return {name: value for name, value in read_env_file(path).items() if name not in given}
