"""Who may log in at an MLflow server that asks: the administrator, the tasks, and readers.

Passwords are made up at the first start, or come from the environment; none has a default. Every
account reads all that there is. Only that of the tasks changes it, only the administrator adds
accounts; whoever they add is a reader. MLflow lets every account begin experiments and models of
names that are not taken yet.
"""

import json
import os
import secrets
from collections.abc import Mapping
from http import HTTPStatus
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from include.errors import TrackingLoginError, TrackingUnavailableError
from include.settings import Settings, load_settings
from include.values.private_files import write_private

if TYPE_CHECKING:
    import httpx

ADMIN: Final = "admin"
TASKS: Final = "gatehouse"
READER: Final = "reader"
# What MLflow's own client logs in with.
USERNAME: Final = "MLFLOW_TRACKING_USERNAME"
PASSWORD: Final = "MLFLOW_TRACKING_PASSWORD"  # noqa: S105 - the name of a variable
# What the tasks work on; whatever else MLflow can hold is none of theirs.
WRITTEN: Final = ("experiment", "registered_model")
# How long, in seconds, a checked password counts: to check one takes a tenth of a second.
REMEMBERED: Final = 60


def passwords_file(settings: Settings) -> Path:
    """File of the local server's passwords by account."""
    return settings.home / "mlflow" / "passwords.json"


def make_passwords(settings: Settings) -> dict[str, str]:
    """Read the local server's passwords; those that are missing are made up."""
    known = _read_passwords(settings)
    missing = [name for name in (ADMIN, TASKS, READER) if name not in known]
    if missing:
        known |= {name: secrets.token_urlsafe(24) for name in missing}
        write_private(passwords_file(settings), json.dumps(known, indent=1) + "\n")
    return known


def write_auth_config(settings: Settings) -> Path:
    """Write what MLflow's log-in is configured by, and give the file."""
    path = settings.home / "mlflow" / "basic_auth.ini"
    database = f"sqlite:///{settings.home / 'mlflow' / 'basic_auth.db'}"
    lines = ["[mlflow]", "default_permission = READ", f"database_uri = {database}"]
    lines += [f"admin_username = {ADMIN}", f"auth_cache_ttl_seconds = {REMEMBERED}"]
    write_private(path, "\n".join(lines).replace("%", "%%") + "\n")
    return path


def log_in(settings: Settings) -> None:
    """Let this process log in at the local server as its tasks do, unless it is told as whom.

    The passwords of the local server are shown to no other.
    """
    if USERNAME not in os.environ and settings.mlflow == settings.local_mlflow:
        password = _read_passwords(settings).get(TASKS)
        if password:
            os.environ.update({USERNAME: TASKS, PASSWORD: password})


def make_accounts(url: str, passwords: Mapping[str, str]) -> None:
    """Make the accounts of tasks and readers, with these passwords; safe to repeat.

    Args:
        url: Address of a server whose administrator there is.
        passwords: By account.

    Raises:
        TrackingLoginError: The administrator's password is another.
        TrackingUnavailableError: The server does not answer.
    """
    import httpx

    try:
        with httpx.Client(
            base_url=f"{url}/api/", auth=(ADMIN, passwords[ADMIN]), timeout=30
        ) as client:
            for name in (TASKS, READER):
                _make_account(client, name, passwords[name])
            for kind in WRITTEN:
                _allow(client, resource_type=kind, resource_id="*", permission="MANAGE")
    except httpx.HTTPError as error:
        raise TrackingUnavailableError(
            f"the MLflow server at {url} must make the accounts of its users. Received: "
            f"{type(error).__name__}: {error}. Start it, and try again."
        ) from error


def refused(url: str, reason: str) -> TrackingLoginError:
    """Say that a server lets nobody in, or not for this."""
    return TrackingLoginError(
        f"the MLflow server at {url} must accept the log-in. Received: {reason} as "
        f"{os.environ.get(USERNAME) or 'nobody'}. Give {USERNAME} and {PASSWORD} of an account "
        "that may do this; the local stack keeps its own in <GATEHOUSE_HOME>/mlflow/passwords.json."
    )


def _make_account(client: "httpx.Client", name: str, password: str) -> None:
    found = client.get("2.0/mlflow/users/get", params={"username": name})
    if found.status_code == HTTPStatus.NOT_FOUND:
        _call(client, "POST", "2.0/mlflow/users/create", username=name, password=password)
    else:
        _check(found)
        _call(client, "PATCH", "2.0/mlflow/users/update-password", username=name, password=password)


def _allow(client: "httpx.Client", **grant: str) -> None:
    granted = client.post("3.0/mlflow/users/permissions/grant", json={"username": TASKS, **grant})
    if granted.is_success or granted.json().get("error_code") != "RESOURCE_ALREADY_EXISTS":
        _check(granted)


def _call(client: "httpx.Client", method: str, path: str, **body: Any) -> None:
    _check(client.request(method, path, json=body))


def _check(response: "httpx.Response") -> None:
    if response.status_code in {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}:
        raise TrackingLoginError(
            f"the MLflow server must know the password of {ADMIN!r}. Received: HTTP "
            f"{response.status_code}. MLflow keeps the one of its first start: give that, or "
            "change it there first (docs/deployment.md)."
        )
    response.raise_for_status()


def _read_passwords(settings: Settings) -> dict[str, str]:
    path = passwords_file(settings)
    return dict(json.loads(path.read_text(encoding="utf-8"))) if path.exists() else {}


def main() -> None:
    """Make the accounts by the passwords that the environment gives, as Docker Compose does."""
    names = {ADMIN: "MLFLOW_ADMIN_PASSWORD", TASKS: PASSWORD, READER: "MLFLOW_READER_PASSWORD"}
    make_accounts(load_settings().mlflow, {name: os.environ[key] for name, key in names.items()})


if __name__ == "__main__":
    main()
