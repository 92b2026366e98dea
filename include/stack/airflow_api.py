"""The little of Airflow's REST API that the command line needs."""

import itertools
import json
import time
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final, NamedTuple, Self

import httpx

from include.errors import GatehouseError, InfrastructureError, ParamError
from include.settings import Settings
from include.stack.environment import passwords_file

ENDED: Final = frozenset({"success", "failed"})
# SQLite takes one writer at a time; under load Airflow gives up on its turn and answers 500.
WRITE_TRIES: Final = 6
WRITE_PAUSE_SECONDS: Final = 1.0


class Triggered(NamedTuple):
    """A DAG run that was asked for."""

    run_id: str
    is_new: bool


class AirflowApi:
    """A client of the local Airflow, signed in as `admin` while it is open."""

    def __init__(self, settings: Settings) -> None:
        self.token = ""
        self._root = settings.airflow
        self._settings = settings
        # Certificates are read only where there are any: it takes as long as three requests.
        is_secure = self._root.startswith("https:")
        self._client = httpx.Client(base_url=f"{self._root}/api/v2", timeout=60, verify=is_secure)

    def __enter__(self) -> Self:
        self.sign_in()
        return self

    def __exit__(self, *_: object) -> None:
        self._client.close()

    def sign_in(self) -> None:
        """Get a token with the password that Airflow made up at its first start.

        Raises:
            GatehouseError: The password cannot be read or is not accepted.
        """
        answer = self._ask(
            "POST",
            f"{self._root}/auth/token",
            {"username": "admin", "password": read_password(self._settings)},
        )
        if answer.is_error:
            raise GatehouseError(
                f"Airflow must accept the password in {passwords_file(self._settings)}. "
                f"Received: HTTP {answer.status_code}. Run `make down`, remove that file and "
                "run `make up`."
            )
        self.token = str(answer.json()["access_token"])
        self._client.headers["Authorization"] = f"Bearer {self.token}"

    def get_dag(self, dag_id: str) -> dict[str, Any] | None:
        """Give a DAG's entry, or None while Airflow does not know it."""
        return self._get(f"/dags/{dag_id}")

    def unpause(self, dag_id: str) -> None:
        """Let a DAG's runs start; also switches its schedule on."""
        answer, _ = self._ask_again("PATCH", f"/dags/{dag_id}", {"is_paused": False})
        self._read(answer)

    def trigger(self, dag_id: str, conf: Mapping[str, Any]) -> str:
        """Start a run and give its id.

        Raises:
            ParamError: Airflow refuses a parameter.
        """
        answer = self._send("POST", f"/dags/{dag_id}/dagRuns", _describe_run(conf))
        return str(answer["dag_run_id"])

    def trigger_once(self, dag_id: str, conf: Mapping[str, Any], run_id: str) -> Triggered:
        """Start a run of a given id, or join it while it is under way.

        Airflow refuses a second run of one id, so that of two triggers at the same moment one
        starts a run and the other finds it; for the same reason an answer of 500 and above may be
        asked again. One that has ended is not joined: the new run gets
        the next free number behind the id.

        Raises:
            ParamError: Airflow refuses a parameter.
        """
        for number in itertools.count(1):
            numbered = run_id if number == 1 else f"{run_id}-{number}"
            body = _describe_run(conf) | {"dag_run_id": numbered}
            answer, failed_before = self._ask_again("POST", f"/dags/{dag_id}/dagRuns", body)
            if answer.status_code != httpx.codes.CONFLICT:
                return Triggered(str(self._read(answer)["dag_run_id"]), is_new=True)
            if failed_before:
                # The try that was answered with an error had started it all the same.
                return Triggered(numbered, is_new=True)
            if self.get_run(dag_id, numbered).get("state") not in ENDED:
                break
        return Triggered(numbered, is_new=False)

    def _ask_again(
        self, method: str, path: str, body: Mapping[str, Any]
    ) -> tuple[httpx.Response, int]:
        """Ask until Airflow's database takes a change; also gives the tries that failed."""
        for failed in range(WRITE_TRIES):
            answer = self._ask(method, path, body)
            if not answer.is_server_error or failed == WRITE_TRIES - 1:
                break
            time.sleep(WRITE_PAUSE_SECONDS * (failed + 1))
        return answer, failed

    def get_run(self, dag_id: str, run_id: str) -> dict[str, Any]:
        """Give a DAG run's entry."""
        return self._get(f"/dags/{dag_id}/dagRuns/{run_id}") or {}

    def list_runs(self, dag_id: str, state: str) -> list[dict[str, Any]]:
        """List the first runs of a DAG that are in a state, e.g. `running`."""
        answer = self._get(f"/dags/{dag_id}/dagRuns?state={state}&limit=10") or {}
        return list(answer.get("dag_runs", []))

    def list_tasks(self, dag_id: str, run_id: str) -> list[dict[str, Any]]:
        """List the task instances of a run."""
        answer = self._get(f"/dags/{dag_id}/dagRuns/{run_id}/taskInstances") or {}
        return list(answer.get("task_instances", []))

    def get_state(self, dag_id: str, run_id: str, task_id: str, key: str) -> Any:
        """Read what a task wrote into its state store, or None."""
        path = f"/dags/{dag_id}/dagRuns/{run_id}/taskInstances/{task_id}/state-store/{key}"
        answer = self._get(path) or {}
        value = answer.get("value")
        return json.loads(value) if isinstance(value, str) else value

    def get_record(
        self, dag_id: str, run_id: str, task_id: str, key: str = "return_value"
    ) -> dict[str, Any] | None:
        """Read the record that a task handed on, or None."""
        path = f"/dags/{dag_id}/dagRuns/{run_id}/taskInstances/{task_id}/xcomEntries/{key}"
        value = (self._get(f"{path}?stringify=false") or {}).get("value")
        if isinstance(value, str):
            value = json.loads(value)
        return value.get("__data__", value) if isinstance(value, dict) else None

    def get_question(self, dag_id: str, run_id: str, task_id: str) -> str:
        """Read what a task that waits for an answer asks, as Markdown; empty if it asks nothing."""
        path = f"/dags/{dag_id}/dagRuns/{run_id}/taskInstances/{task_id}/-1/hitlDetails"
        return str((self._get(path) or {}).get("body") or "")

    def get_link(self, dag_id: str, run_id: str, task_id: str, name: str = "MLflow run") -> str:
        """Give the address behind a button of a task, or an empty text."""
        path = f"/dags/{dag_id}/dagRuns/{run_id}/taskInstances/{task_id}/links"
        links = (self._get(path) or {}).get("extra_links") or {}
        return str(links.get(name) or "")

    def get_log(self, dag_id: str, run_id: str, task_id: str, try_number: int) -> list[str]:
        """Read the log messages of one try of a task, and what its exceptions said."""
        path = f"/dags/{dag_id}/dagRuns/{run_id}/taskInstances/{task_id}/logs/{try_number}"
        content = (self._get(path) or {}).get("content") or []
        lines = (line for line in content if isinstance(line, dict))
        return [text for line in lines for text in _read_line(line)]

    def list_waiting(self) -> list[tuple[str, str]]:
        """List the questions that nobody answered: the DAG, and the page on which to answer."""
        answer = self._get("/dags/~/dagRuns/~/hitlDetails?response_received=false") or {}
        asked = [each["task_instance"] for each in answer.get("hitl_details", [])]
        page = "{0}/dags/{dag_id}/runs/{dag_run_id}/tasks/{task_id}/required_actions"
        return [(ti["dag_id"], page.format(self._root, **ti)) for ti in asked]

    def change_asset(self, name: str, extra: Mapping[str, Any]) -> bool:
        """Make an event of an asset, which starts what waits for it.

        Returns:
            Whether Airflow knows the asset; else nothing waits for it.
        """
        found = (self._get(f"/assets?name_pattern={name}") or {}).get("assets", [])
        ids = [each["id"] for each in found if each["name"] == name]
        if ids:
            self._send("POST", "/assets/events", {"asset_id": ids[0], "extra": dict(extra)})
        return bool(ids)

    def list_import_errors(self) -> list[dict[str, Any]]:
        """List the files that Airflow could not load."""
        return list((self._get("/importErrors") or {}).get("import_errors", []))

    def _get(self, path: str) -> dict[str, Any] | None:
        answer = self._ask("GET", path)
        if answer.status_code == httpx.codes.UNAUTHORIZED:
            # A token lasts for a day; a run may wait longer for an answer.
            self.sign_in()
            answer = self._ask("GET", path)
        if answer.status_code == httpx.codes.NOT_FOUND:
            return None
        return self._read(answer)

    def _send(self, method: str, path: str, body: Mapping[str, Any]) -> dict[str, Any]:
        return self._read(self._ask(method, path, body))

    def _ask(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> httpx.Response:
        try:
            return self._client.request(method, path, json=None if body is None else dict(body))
        except httpx.HTTPError as error:
            raise self._unreachable(error) from error

    def _read(self, answer: httpx.Response) -> dict[str, Any]:
        if answer.status_code == httpx.codes.BAD_REQUEST:
            raise ParamError(
                "Airflow must accept the parameters. Received: "
                f"{_shorten_detail(answer)}. Change what it names and trigger again."
            )
        if answer.is_error:
            raise InfrastructureError(
                f"Airflow must accept {answer.request.method} {answer.request.url.path}. "
                f"Received: HTTP {answer.status_code}: {answer.text[:300]}"
            )
        return dict(answer.json())

    def _unreachable(self, error: httpx.HTTPError) -> InfrastructureError:
        return InfrastructureError(
            f"Airflow must answer at {self._root}. Received: {type(error).__name__}: {error}. "
            "Start it with `make up`, or look at `gatehouse status`."
        )


def _describe_run(conf: Mapping[str, Any]) -> dict[str, Any]:
    """Ask for a run at once, which is a second ago.

    SQLite's clock, by which the scheduler asks who may start, counts whole seconds: a run of this
    very moment would wait for the next.
    """
    second_ago = datetime.now(UTC) - timedelta(seconds=1)
    return {"logical_date": None, "run_after": second_ago.isoformat(), "conf": dict(conf)}


def _shorten_detail(answer: httpx.Response) -> str:
    try:
        return str(answer.json().get("detail")).rstrip(".")[:1_000]
    except (ValueError, AttributeError):
        return answer.text[:300]


def _read_line(line: Mapping[str, Any]) -> Iterator[str]:
    yield str(line.get("event", ""))
    for error in line.get("error_detail") or []:
        yield f"{error.get('exc_type')}: {error.get('exc_value')}"


def read_password(settings: Settings) -> str:
    """Read the password of `admin` that Airflow made up at its first start.

    Raises:
        GatehouseError: There is none: this stack was never up.
    """
    try:
        return str(json.loads(passwords_file(settings).read_text(encoding="utf-8"))["admin"])
    except (OSError, ValueError, KeyError) as error:
        raise GatehouseError(
            f"the password of admin must stand in {passwords_file(settings)}. "
            f"Received: {error}. Start the stack with `make up` first."
        ) from error
