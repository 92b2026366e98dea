"""The way to the MLflow server: how its client behaves, and what happens when it is away.

Everything goes through a tracking server. Whoever connects asks the server's `/health` first, so
that a server that is down costs seconds and a readable error rather than minutes of silent retries.
"""

import math
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

import requests

from include.errors import GatehouseError, TrackingUnavailableError
from include.tracking.accounts import log_in, refused

if TYPE_CHECKING:
    from mlflow import MlflowClient

    from include.settings import Settings

PROBE_SECONDS: Final = 4.0
# A server that answered so lately is not asked again whether it is well.
TRUSTED_SECONDS: Final = 1.0
SERVER_ERROR: Final = 500
# Loading what an artifact store holds must never run a pickle.
FORCED: Final = {"MLFLOW_ALLOW_PICKLE_DESERIALIZATION": "false"}
MAX_RETRIES: Final = "MLFLOW_HTTP_REQUEST_MAX_RETRIES"
# MLflow's own defaults keep a call alive for four minutes when the server is gone. Airflow
# retries the task anyway, so a call gives up after three short tries.
DEFAULTS: Final = {
    MAX_RETRIES: "2",
    "MLFLOW_HTTP_REQUEST_BACKOFF_FACTOR": "1",
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "15",
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
    "MLFLOW_SKIP_PIP_REQUIREMENTS_CHECK": "true",
    "MLFLOW_UV_AUTO_DETECT": "false",
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
}


def configure_client() -> None:
    """Set how MLflow's client behaves in this process; call it before importing mlflow.

    What the operator has set in the environment stays, except that pickles are never loaded.
    """
    for name, value in DEFAULTS.items():
        os.environ.setdefault(name, value)
    os.environ.update(FORCED)


# When servers last answered, by their addresses.
_answered: dict[str, float] = {}


def connect(settings: "Settings") -> "MlflowClient":
    """Return a client of the tracking server, which answered within the last second.

    Raises:
        TrackingUnavailableError: The server does not answer.
    """
    if time.monotonic() - _answered.get(settings.mlflow, -math.inf) > TRUSTED_SECONDS:
        check_reachable(settings.mlflow)
        _answered[settings.mlflow] = time.monotonic()
    configure_client()
    log_in(settings)
    # Imported only now: mlflow reads its telemetry switch as it is imported.
    import mlflow

    # Artifact uploads and model logging look the server up by this setting, not by the client.
    mlflow.set_tracking_uri(settings.mlflow)
    mlflow.set_registry_uri(settings.mlflow)
    return mlflow.MlflowClient(tracking_uri=settings.mlflow, registry_uri=settings.mlflow)


def check_reachable(url: str, *, timeout: float = PROBE_SECONDS) -> None:
    """Ask the server whether it is well.

    Args:
        url: Address of the MLflow server.
        timeout: Seconds to wait for an answer.

    Raises:
        TrackingUnavailableError: No answer, or not one of MLflow.
    """
    _check_address(url)
    try:
        response = requests.get(f"{url}/health", timeout=timeout)
    except requests.RequestException as error:
        raise _unavailable(url, f"{type(error).__name__}: {error}") from error
    if response.status_code != requests.codes.ok:
        raise _unavailable(url, f"HTTP {response.status_code} from {url}/health")


def is_reachable(url: str, *, timeout: float = 2.0) -> bool:
    """Tell whether the server answers, without raising."""
    try:
        check_reachable(url, timeout=timeout)
    except TrackingUnavailableError:
        return False
    return True


@contextmanager
def tracking_calls(url: str) -> Iterator[None]:
    """Turn the many exceptions of a server that went away into one.

    Raises:
        TrackingLoginError: The server refused the account of a call inside.
        TrackingUnavailableError: A call inside could not reach the server.
    """
    try:
        yield
    except Exception as error:
        if is_refused(error):
            raise refused(url, _first_line(error)) from error
        if is_connection_failure(error):
            raise _unavailable(url, _first_line(error)) from error
        raise


@contextmanager
def asked_once() -> Iterator[None]:
    """Let MLflow's client send each call once: one whose answer is lost may have made its thing.

    The client repeats a POST as well; the next try of a task looks first what there is.
    """
    before = os.environ.get(MAX_RETRIES)
    os.environ[MAX_RETRIES] = "0"
    try:
        yield
    finally:
        if before is None:
            os.environ.pop(MAX_RETRIES, None)
        else:
            os.environ[MAX_RETRIES] = before


def is_refused(error: BaseException) -> bool:
    """Tell whether the server did not let the account of a call in, or not do what it asked."""
    response = getattr(error, "response", None)
    status = getattr(response, "status_code", None)
    code = getattr(error, "error_code", "")
    return status in {401, 403} or code in {"UNAUTHENTICATED", "PERMISSION_DENIED"}


def is_connection_failure(error: BaseException) -> bool:
    """Tell whether an exception of MLflow's client comes from the way to the server."""
    seen: BaseException | None = error
    while seen is not None:
        if isinstance(seen, requests.exceptions.HTTPError):
            return seen.response is not None and seen.response.status_code >= SERVER_ERROR
        if isinstance(seen, requests.exceptions.RequestException | TrackingUnavailableError):
            return True
        seen = seen.__cause__ or seen.__context__
    return False


def _check_address(url: str) -> None:
    if not url.startswith(("http://", "https://")):
        raise GatehouseError(
            "the MLflow server's address must start with http:// or https://. "
            f"Received: {url!r}. Set GATEHOUSE_MLFLOW_URL to the address of a tracking server."
        )


def _unavailable(url: str, reason: str) -> TrackingUnavailableError:
    return TrackingUnavailableError(
        f"the MLflow server must answer at {url}. Received: {reason}. Start it (`make up` does, "
        "locally) or set GATEHOUSE_MLFLOW_URL to where it runs; nothing was logged by this call."
    )


def _first_line(error: BaseException) -> str:
    text = str(error).strip().splitlines()
    return f"{type(error).__name__}: {text[0][:300] if text else ''}"
