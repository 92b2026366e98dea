"""A small HTTP server that answers what the command line asks of Airflow's API, as Airflow does."""

import json
import re
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from include.settings import Settings
from include.stack.environment import passwords_file

RUNS = re.compile(r"^/api/v2/dags/[^/]+/dagRuns(?:/([^/]+)(/taskInstances)?)?$")
PASSWORD = "made up at the first start"


class SmallAirflow(ThreadingHTTPServer):
    """It knows every DAG, and keeps one entry for each run id."""

    def __init__(self) -> None:
        """Listen on a free port of this machine."""
        super().__init__(("127.0.0.1", 0), _Handler)
        self.runs: dict[str, dict[str, Any]] = {}
        self.tasks: list[dict[str, Any]] = []
        self.question = ""
        # What else is asked, by the end of its path.
        self.answers: dict[str, Any] = {}
        self.tokens: set[str] = set()
        self.signed_in = 0
        # How coming triggers fail: before or after the run is stored.
        self.failures: list[str] = []
        self.lock = threading.Lock()

    def settings(self, home: Any) -> Settings:
        """Give settings under which the command line asks this server."""
        settings = Settings(home=home, airflow_port=self.server_address[1])
        passwords_file(settings).parent.mkdir(parents=True, exist_ok=True)
        passwords_file(settings).write_text(json.dumps({"admin": PASSWORD}), encoding="utf-8")
        return settings


class _Handler(BaseHTTPRequestHandler):
    server: SmallAirflow

    def do_GET(self) -> None:
        if not self._is_signed_in():
            return
        found = RUNS.match(self.path)
        if found is None and "dagRuns?state=running" in self.path:
            running = [run for run in self.server.runs.values() if run["state"] == "running"]
            self._answer(200, {"dag_runs": running})
        elif self.path.endswith("/taskInstances/approve/-1/hitlDetails"):
            self._answer(200, {"body": self.server.question})
        elif found is None:
            is_dag = re.match(r"^/api/v2/dags/[^/]+$", self.path)
            told = next(
                (x for end, x in self.server.answers.items() if self.path.endswith(end)), None
            )
            self._answer(200 if is_dag or told else 404, told or {})
        elif found[1] not in self.server.runs:
            self._answer(404, {})
        elif found[2]:
            self._answer(200, {"task_instances": self.server.tasks})
        else:
            self._answer(200, self.server.runs[found[1]])

    def do_PATCH(self) -> None:
        self._read()
        failure = self.server.failures.pop() if self.server.failures else ""
        self._answer(500 if failure else 200, {})

    def do_POST(self) -> None:
        body = self._read()
        if self.path == "/auth/token":
            self._sign_in(body)
        elif self._is_signed_in():
            self._trigger(body)

    def _trigger(self, body: dict[str, Any]) -> None:
        failure = self.server.failures.pop() if self.server.failures else ""
        if failure == "before":
            self._answer(500, {"detail": "Database error"})
            return
        with self.server.lock:
            run_id = body.get("dag_run_id") or f"manual__{len(self.server.runs)}"
            if run_id in self.server.runs:
                self._answer(409, {"detail": "Unique constraint violation"})
                return
            entry = {"dag_run_id": run_id, "state": "queued", **body}
            self.server.runs[run_id] = entry
        self._answer(500 if failure else 200, entry)

    def _sign_in(self, body: dict[str, Any]) -> None:
        if body != {"username": "admin", "password": PASSWORD}:
            self._answer(401, {})
            return
        self.server.signed_in += 1
        token = f"token {self.server.signed_in}"
        self.server.tokens.add(token)
        self._answer(201, {"access_token": token})

    def _is_signed_in(self) -> bool:
        is_known = self.headers["Authorization"].removeprefix("Bearer ") in self.server.tokens
        if not is_known:
            self._answer(401, {})
        return is_known

    def _read(self) -> dict[str, Any]:
        return dict(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))

    def _answer(self, status: int, body: dict[str, Any]) -> None:
        content = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: Any) -> None:
        """Say nothing."""
