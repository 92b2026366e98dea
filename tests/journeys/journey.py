"""What journeys do with the stack: trigger, wait, look."""

import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import httpx

from include.settings import Settings
from include.stack.airflow_api import AirflowApi


class Finished(NamedTuple):
    """A DAG run that ended."""

    dag_id: str
    run_id: str
    state: str
    tasks: dict[str, str]
    tries: dict[str, int]
    seconds: float


def make_client(url: str = "") -> httpx.Client:
    """Make a client of servers that come and go, on this machine.

    Certificates, of which they have none, take longer to read than most answers to come.
    """
    limits = httpx.Limits(max_keepalive_connections=0)
    return httpx.Client(base_url=url, timeout=60, limits=limits, verify=False)  # noqa: S501


class Journey:
    """A running stack."""

    def __init__(self, settings: Settings, api: AirflowApi) -> None:
        """Hold a stack and a signed-in client."""
        self.settings = settings
        self.api = api
        self.http = make_client()

    @property
    def sources(self) -> Path:
        """Directory where relative sources are looked for."""
        path = Path(self.settings.sources)
        path.mkdir(parents=True, exist_ok=True)
        return path

    def train(self, pipeline: str, timeout: float = 240, **conf: Any) -> Finished:
        """Trigger a training run and wait for its end."""
        dag_id, run_id = self.start(pipeline, **conf)
        return self.finish(dag_id, run_id, timeout)

    def start(self, pipeline: str, **conf: Any) -> tuple[str, str]:
        """Trigger a training run."""
        dag_id = f"train__{pipeline}"
        self.wait(lambda: self.api.get_dag(dag_id) is not None, f"{dag_id} is loaded", 90)
        self.api.unpause(dag_id)
        return dag_id, self.api.trigger(dag_id, conf)

    def finish(self, dag_id: str, run_id: str, timeout: float = 240) -> Finished:
        """Wait for the end of a run."""
        started = time.monotonic()
        state = ""

        def is_over() -> bool:
            nonlocal state
            state = str(self.api.get_run(dag_id, run_id).get("state"))
            return state in {"success", "failed"}

        self.wait(is_over, f"{run_id} ends", timeout)
        # The run ends as the task does that ends its MLflow run.
        assert self.state(dag_id, run_id, "close_run") == state
        tasks = self.api.list_tasks(dag_id, run_id)
        return Finished(
            dag_id,
            run_id,
            state,
            {task["task_id"]: str(task["state"]) for task in tasks},
            {task["task_id"]: int(task["try_number"]) for task in tasks},
            time.monotonic() - started,
        )

    def answer(
        self,
        dag_id: str,
        run_id: str,
        option: str,
        reason: str | None = None,
        *,
        task: str = "approve",
    ) -> None:
        """Answer the question of a task, if it asks, after as long as a person takes.

        Airflow loses an answer that comes before its scheduler saw the task go to sleep (within a
        second or so, longer on a busy machine), and asks again.
        """
        if self.state(dag_id, run_id, task) != "awaiting_input":
            return
        time.sleep(2)
        answered = self.ask_airflow(
            "PATCH",
            f"dags/{dag_id}/dagRuns/{run_id}/taskInstances/{task}/-1/hitlDetails",
            {
                "chosen_options": [option],
                "params_input": {"reason": reason} if task == "approve" else {},
            },
        )
        # A conflict: the answer is there already, and its task about to go on.
        assert answered.status_code in {httpx.codes.OK, httpx.codes.CONFLICT}, answered.text

    def state(self, dag_id: str, run_id: str, task_id: str) -> str:
        """Give the state of one task."""
        # All of them would keep the API server busy four times as long.
        path = f"dags/{dag_id}/dagRuns/{run_id}/taskInstances/{task_id}"
        answer = self.ask_airflow("GET", path)
        if answer.status_code == httpx.codes.NOT_FOUND:
            return ""
        return str(answer.raise_for_status().json()["state"])

    def ask_airflow(
        self, method: str, path: str, body: Mapping[str, Any] | None = None
    ) -> httpx.Response:
        """Call Airflow's REST API as the person who is signed in."""
        return self.http.request(
            method,
            f"{self.settings.airflow}/api/v2/{path}",
            json=body,
            headers={"Authorization": f"Bearer {self.api.token}"},
        )

    def log(self, run: Finished, task_id: str) -> str:
        """Give the text of a task's last log."""
        lines = self.api.get_log(run.dag_id, run.run_id, task_id, max(run.tries[task_id], 1))
        return "\n".join(lines)

    def mlflow_run(self, run: Finished) -> Mapping[str, Any]:
        """Give the one MLflow run of a DAG run."""
        runs = self.mlflow_runs(run)
        assert len(runs) == 1, [found["info"]["run_id"] for found in runs]
        return runs[0]

    def mlflow_runs(self, run: Finished) -> list[dict[str, Any]]:
        """List the MLflow runs that carry a DAG run's key."""
        experiment = self.mlflow(
            "experiments/get-by-name", experiment_name=run.dag_id.removeprefix("train__")
        )
        if not experiment:
            return []
        answer = self.http.post(
            f"{self.settings.mlflow}/api/2.0/mlflow/runs/search",
            json={
                "experiment_ids": [experiment["experiment"]["experiment_id"]],
                "filter": f"tags.`airflow.run_key` = '{run.dag_id}/{run.run_id}'",
            },
        )
        return list(answer.raise_for_status().json().get("runs", []))

    def champion(self, model: str) -> str:
        """Give the version behind the alias `champion`, or an empty text."""
        answer = self.mlflow("registered-models/alias", name=model, alias="champion")
        return str(answer.get("model_version", {}).get("version", ""))

    def versions(self, model: str) -> list[str]:
        """List the registered versions of a model."""
        answer = self.mlflow("model-versions/search", filter=f"name='{model}'")
        return [str(version["version"]) for version in answer.get("model_versions", [])]

    def mlflow(self, path: str, **params: str) -> dict[str, Any]:
        """Call MLflow's REST API; what is not there gives an empty answer."""
        url = f"{self.settings.mlflow}/api/2.0/mlflow/{path}"
        answer = self.http.get(url, params=params)
        return dict(answer.json()) if answer.is_success else {}

    @staticmethod
    def wait(is_done: Callable[[], bool], what: str, timeout: float) -> None:
        """Wait until something is so, and fail when it takes too long."""
        deadline = time.monotonic() + timeout
        while not is_done():
            assert time.monotonic() < deadline, f"not within {timeout} s: {what}"
            time.sleep(0.3)
