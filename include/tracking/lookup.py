"""What MLflow knows of a pipeline, asked by its REST API: its client takes seconds to import."""

import os
import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final, Literal, NamedTuple

import requests

from include.errors import ParamError, TrackingUnavailableError
from include.records.names import REPORT_PAGE
from include.tracking.accounts import PASSWORD, USERNAME, log_in
from include.tracking.names import MODE, VIEW_KEY

if TYPE_CHECKING:
    from include.settings import Settings

Place = Literal["runs", "champion", "report"]
SECONDS: Final = 5.0
JUDGED: Final = "tags.`gatehouse.verdict` != ''"
TRAINED: Final = "tags.`gatehouse.kind` = 'train'"
NUMBERED: Final = re.compile(r"([^#/]+)#(\d+)")
# How MLflow says that there is no such thing.
MISSING: Final = frozenset({requests.codes.not_found, requests.codes.bad_request})


class FoundRun(NamedTuple):
    """A run as MLflow lists it."""

    run_id: str
    name: str
    status: str
    started: datetime
    tags: dict[str, str]
    metrics: dict[str, float]
    params: dict[str, str]
    url: str

    @property
    def report_url(self) -> str:
        """The page on which MLflow shows its report."""
        return self.url.replace("?", f"/artifacts/{REPORT_PAGE}?")


class FoundVersion(NamedTuple):
    """A version of a registered model, and since when it is what it is."""

    version: str
    since: str
    description: str
    url: str


def find_address(settings: "Settings", pipeline: str, place: Place) -> str:
    """Look up the address of a pipeline's runs, champion or latest report; empty if there is none.

    Raises:
        TrackingUnavailableError: The MLflow server does not answer.
    """
    if place == "champion":
        champion = find_champion_version(settings, pipeline)
        return champion.url if champion else ""
    if place == "report":
        return next((run.report_url for run in list_runs(settings, pipeline, JUDGED, last=1)), "")
    experiment = _find_experiment(settings, pipeline)
    runs = f"{settings.mlflow_public}/#/experiments/{experiment}/runs"
    return f"{runs}?{MODE}&viewStateShareKey={VIEW_KEY}" if experiment else ""


def find_champion_version(settings: "Settings", pipeline: str) -> FoundVersion | None:
    """Look up the champion; None where there is none.

    Raises:
        TrackingUnavailableError: The MLflow server does not answer.
    """
    answer = _ask(settings, "registered-models/alias", name=pipeline, alias="champion")
    found = answer.get("model_version")
    if not found:
        return None
    tags = _by_key(found.get("tags"))
    url = f"{settings.mlflow_public}/#/models/{pipeline}/versions/{found['version']}?{MODE}"
    since = tags.get("gatehouse.champion_at", "")
    return FoundVersion(str(found["version"]), since, found.get("description", ""), url)


def list_runs(
    settings: "Settings", pipeline: str, where: str = TRAINED, *, last: int
) -> list[FoundRun]:
    """List the latest runs of a pipeline, the latest first.

    Args:
        settings: Where the MLflow server is.
        pipeline: Names the experiment.
        where: MLflow's filter.
        last: Most runs.

    Raises:
        TrackingUnavailableError: The MLflow server does not answer.
    """
    experiment = _find_experiment(settings, pipeline)
    if not experiment:
        return []
    body = {
        "experiment_ids": [experiment],
        "filter": where,
        "order_by": ["attributes.start_time DESC"],
        "max_results": last,
    }
    answer = _ask(settings, "runs/search", body=body)
    return [_read_run(settings, each) for each in answer.get("runs", [])]


def find_named_run(settings: "Settings", name: str) -> FoundRun:
    """Find the run that a person means: `digits#12`, or MLflow's id.

    Raises:
        ParamError: There is none.
        TrackingUnavailableError: The MLflow server does not answer.
    """
    numbered = NUMBERED.fullmatch(name)
    if numbered:
        pipeline, number = numbered.groups()
        where = f"attributes.run_name LIKE '#{number} %'"
        found = next(iter(list_runs(settings, pipeline, where, last=1)), None)
    else:
        answer = _ask(settings, "runs/get", run_id=name)
        found = _read_run(settings, answer["run"]) if answer else None
    if found is None:
        raise ParamError(
            "RUN must be a pipeline and a number, as digits#12, or MLflow's id of a run. "
            f"Received: {name!r}, which MLflow does not have. `gatehouse show PIPELINE` lists runs."
        )
    return found


def _find_experiment(settings: "Settings", pipeline: str) -> str:
    answer = _ask(settings, "experiments/get-by-name", experiment_name=pipeline)
    return str(answer.get("experiment", {}).get("experiment_id", ""))


def _read_run(settings: "Settings", run: dict[str, Any]) -> FoundRun:
    info, data = run["info"], run.get("data", {})
    page = f"{settings.mlflow_public}/#/experiments/{info['experiment_id']}/runs/{info['run_id']}"
    return FoundRun(
        run_id=info["run_id"],
        name=info.get("run_name", ""),
        status=info["status"],
        started=datetime.fromtimestamp(info["start_time"] / 1_000, UTC),
        tags=_by_key(data.get("tags")),
        metrics={key: float(value) for key, value in _by_key(data.get("metrics")).items()},
        params=_by_key(data.get("params")),
        url=f"{page}?{MODE}",
    )


def _read_login(settings: "Settings") -> tuple[str, str] | None:
    """Log in as MLflow's own client would."""
    log_in(settings)
    name = os.environ.get(USERNAME)
    return (name, os.environ.get(PASSWORD, "")) if name else None


def _by_key(entries: list[dict[str, Any]] | None) -> dict[str, Any]:
    return {entry["key"]: entry["value"] for entry in entries or ()}


def _ask(
    settings: "Settings", path: str, *, body: dict[str, Any] | None = None, **query: str
) -> dict[str, Any]:
    url = f"{settings.mlflow}/api/2.0/mlflow/{path}"
    method = "GET" if body is None else "POST"
    try:
        answer = requests.request(
            method, url, params=query, json=body, timeout=SECONDS, auth=_read_login(settings)
        )
    except requests.RequestException as error:
        raise TrackingUnavailableError(
            f"the MLflow server must answer at {settings.mlflow}. Received: {error}. Start it "
            "(`make up` does, locally) or set GATEHOUSE_MLFLOW_URL to where it runs."
        ) from error
    if answer.status_code in MISSING:
        return {}
    if not answer.ok:
        raise TrackingUnavailableError(
            f"the MLflow server must answer {path}. Received: HTTP {answer.status_code}."
        )
    return dict(answer.json())
