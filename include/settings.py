"""Where things are: read from the environment, in one place.

A spec says what the user wants; settings say where this machine keeps it. `.env.example` lists
every variable.
"""

import json
import os
from pathlib import Path
from typing import Final

from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError

from include.errors import GatehouseError

PREFIX: Final = "GATEHOUSE_"
PORTS: Final = ("airflow_port", "mlflow_port")
PORTS_FILE: Final = "ports.json"
PROJECT_ROOT: Final = Path(__file__).resolve().parent.parent


class Settings(BaseModel):
    """Places and ports; each field is the variable `GATEHOUSE_<NAME>`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    home: Path = Field(
        default=PROJECT_ROOT / "var",
        description="Directory of the local stack's state: databases, logs, process ids.",
    )
    data_root: str = Field(
        default="",
        description="Directory or URI (s3://…) of tables and run files; <home>/data unless given.",
    )
    relative_sources: str = Field(
        default="",
        description="Directory or URI where relative sources start; <data_root>/sources unless "
        "given.",
    )
    source_roots: str = Field(
        default="",
        description="Further places, separated by commas, that the trigger form's source may "
        "name; that where relative sources start is always allowed.",
    )
    pipelines_dir: Path = Field(
        default=PROJECT_ROOT / "include" / "pipelines", description="Directory of the YAML files."
    )
    airflow_port: int = Field(
        default=8080, ge=1, le=65535, description="Port of the local Airflow UI and REST API."
    )
    mlflow_port: int = Field(
        default=5000, ge=1, le=65535, description="Port of the local MLflow server."
    )
    airflow_url: str = Field(
        default="", description="Address of the Airflow UI; http://127.0.0.1:<port> unless given."
    )
    mlflow_url: str = Field(
        default="",
        description="Address of the MLflow server, as tasks reach it; "
        "http://127.0.0.1:<port> unless given.",
    )
    mlflow_public_url: str = Field(
        default="", description="Address of the MLflow server, as people reach it, if different."
    )
    mlflow_login: bool = Field(
        default=False,
        description="Whether the local MLflow server asks for a log-in, as Docker Compose's does.",
    )
    outage_seconds: int = Field(
        default=600,
        ge=0,
        le=86_400,
        description="How long a task waits, over its tries, for a server that is away.",
    )
    keep_days: float = Field(
        default=90,
        ge=1,
        description="Days after which `maintain` removes runs with all that only they need, "
        "tables, downloads and logs; never what a model behind an alias was made from.",
    )
    keep_runs: int = Field(
        default=200,
        ge=1,
        description="Most ended runs of an MLflow experiment that `maintain` keeps.",
    )
    installation: str = Field(
        default="",
        max_length=100,
        pattern=r"^[A-Za-z0-9_.:/-]*$",
        description="Name of this Airflow among those that share the MLflow server; made up at "
        "the first start locally, and the address of the Airflow UI unless given elsewhere.",
    )
    hash_key: SecretStr = Field(
        default=SecretStr(""),
        description="Secret key of `private: hash`; required by pipelines that use it.",
    )

    signing_key: SecretStr = Field(
        default=SecretStr(""),
        description="Secret keys of the seals of model versions, separated by commas: the first "
        "seals, all are accepted; made up at the first start locally. MLflow must not know them.",
    )
    webhook_url: SecretStr = Field(
        default=SecretStr(""),
        description="Secret address that `notify.webhook` posts to, unless it names a connection.",
    )
    smtp_url: SecretStr = Field(
        default=SecretStr(""),
        description="Mail server of `notify.email`, smtp://user:password@host:port, unless it "
        "names a connection.",
    )
    serve_token: SecretStr = Field(
        default=SecretStr(""),
        description="What callers of `gatehouse serve` show as bearer token; made up unless given "
        "where it listens beyond this machine, and asked for there or wherever it is given.",
    )
    serve_bytes: int = Field(
        default=10_000_000, ge=1_000, le=1 << 30, description="Most bytes of one request to serve."
    )
    serve_rows: int = Field(
        default=10_000, ge=1, le=10_000_000, description="Most rows of one request to serve."
    )
    serve_queue: int = Field(
        default=64, ge=1, le=10_000, description="Most requests that wait or are served."
    )
    serve_seconds: float = Field(
        default=30.0, gt=0, le=3_600, description="Seconds after which a request is given up."
    )

    @property
    def data(self) -> str:
        """Root of tables and run files, without a slash at the end."""
        return (self.data_root or str(self.home / "data")).rstrip("/")

    @property
    def sources(self) -> str:
        """Where relative source paths start."""
        return (self.relative_sources or f"{self.data}/sources").rstrip("/")

    @property
    def airflow(self) -> str:
        """Address of the Airflow UI."""
        return (self.airflow_url or f"http://127.0.0.1:{self.airflow_port}").rstrip("/")

    @property
    def mlflow(self) -> str:
        """Address of the MLflow server for tasks."""
        return (self.mlflow_url or self.local_mlflow).rstrip("/")

    @property
    def local_mlflow(self) -> str:
        """Address of the local stack's own MLflow server."""
        return f"http://127.0.0.1:{self.mlflow_port}"

    @property
    def mlflow_public(self) -> str:
        """Address of the MLflow server for people."""
        return (self.mlflow_public_url or self.mlflow).rstrip("/")

    @property
    def installation_name(self) -> str:
        """What tells this Airflow's runs from those of another on the same MLflow server."""
        return self.installation or self.airflow

    @property
    def allowed_source_roots(self) -> tuple[str, ...]:
        """Prefixes that a source given at run time must start with."""
        extra = (root.strip().rstrip("/") for root in self.source_roots.split(","))
        return (self.sources, *(root for root in extra if root))


def remember_ports(settings: Settings) -> None:
    """Keep the ports of the local stack, so that another shell finds it; the environment wins."""
    ports = {name: getattr(settings, name) for name in PORTS}
    (settings.home / PORTS_FILE).write_text(json.dumps(ports) + "\n", encoding="utf-8")


def _read_ports(home: str | None) -> dict[str, int]:
    try:
        kept = json.loads((Path(home or PROJECT_ROOT / "var") / PORTS_FILE).read_bytes())
        return {name: kept[name] for name in PORTS}
    except (OSError, ValueError, KeyError, TypeError):
        return {}


def load_settings() -> Settings:
    """Read the settings from the environment, and ports that were given once from the home.

    Raises:
        GatehouseError: A variable has a value that its setting cannot take.
    """
    values = {
        name: os.environ[f"{PREFIX}{name.upper()}"]
        for name in Settings.model_fields
        if os.environ.get(f"{PREFIX}{name.upper()}")
    }
    try:
        return Settings.model_validate(_read_ports(values.get("home")) | values)
    except ValidationError as error:
        first = error.errors()[0]
        variable = f"{PREFIX}{str(first['loc'][0]).upper()}"
        raise GatehouseError(
            f"{variable}: {first['msg']}. Received: {first['input']!r}. "
            "Change it in the environment; .env.example describes every variable."
        ) from error
