"""The MLflow run of a DAG run: found or created, and written to by every step.

One parent run stands for one DAG run. It is found by the tags `airflow.run_key` and
`gatehouse.installation`, so retries and clears go on with the same run, and the runs of another
Airflow on the same server are left alone. Only a run that made a champion is never written to
again once it has ended, or once the candidate is made anew: it is that version's record. Cleared,
it gives up its key to a new run that names it. Every call names its run id; MLflow's active run is
not used.
"""

import html
import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from typing import TYPE_CHECKING, Final

from upath import UPath

from include.errors import TrackingUnavailableError
from include.records import RunContext
from include.records.tasks import BEFORE_PROMOTION
from include.tables.run_files import RunFiles, write_atomically
from include.tracking.connection import connect, is_reachable, tracking_calls
from include.tracking.names import RUNNING, deciding_name, retitle
from include.tracking.run_log import DESCRIPTION, RunLog
from include.tracking.spool import EndNotes, EndState, MetricSpool
from include.values.formats import escape_markdown

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import Experiment, Run

    from include.settings import Settings

logger = logging.getLogger(__name__)

RUN_KEY: Final = "airflow.run_key"
INSTALLATION: Final = "gatehouse.installation"
FOLLOWS: Final = "gatehouse.follows"
MARKED: Final = "gatehouse.marked"
PROMOTED: Final = "gatehouse.promoted"
CHILD: Final = "gatehouse.child"
PARENT: Final = "mlflow.parentRunId"
RUNS: Final = "gatehouse.runs"
# The file of a run that holds the id of its MLflow run.
NOTE: Final = "mlflow_run_id"
KIND: Final = "gatehouse.kind"
# Of a training that ended well the verdict stands in the name already.
ENDED: Final = {"FINISHED": "done", "FAILED": "failed", "KILLED": "stopped"}
# Without it MLflow's pages take the experiment for one of generative AI.
EXPERIMENT_TAGS: Final = {"mlflow.experimentKind": "custom_model_development"}

__all__ = [
    "RunLog",
    "child_run",
    "describe_run",
    "end_run",
    "find_run",
    "hold_run",
    "open_child_run",
    "open_run",
    "say_unsaid_ends",
]

# What was opened in this block, by server and key of the run.
_shared: ContextVar[dict[tuple[str, str], RunLog] | None] = ContextVar("shared", default=None)


def open_run(settings: "Settings", run: RunContext, step: str = "") -> RunLog:
    """Find or create the MLflow run of a DAG run, and set it RUNNING.

    What waited on disk for the server is sent first: this run's metrics, and how others ended.

    Args:
        settings: Where the MLflow server is.
        run: The DAG run; its pipeline and family name the experiment.
        step: The step that opens it, where one does.

    Raises:
        TrackingUnavailableError: The MLflow server does not answer.
    """
    opened, place = _shared.get(), (settings.mlflow, run.run_key)
    if opened is not None and place in opened:
        return opened[place]
    client = connect(settings)
    _notes(settings).forget(run)
    say_unsaid_ends(settings)
    key, experiment = _run_key(settings, run), None
    with tracking_calls(settings.mlflow):
        found = noted = _find_noted(client, settings, run)
        if found is None:
            experiment = ensure_experiment(client, run.experiment)
            found = _search(client, experiment.experiment_id, key)
        is_new = found is None
        follows = "" if found is None else _seal(client, found, step)
        if found is None or follows:
            experiment = experiment or ensure_experiment(client, run.experiment)
            tags = _parent_tags(settings, run) | ({FOLLOWS: follows} if follows else {})
            name = f"{_take_number(client, experiment)} {RUNNING}"
            found = _create(client, str(experiment.experiment_id), name, tags, key)
        if found is not noted:
            _note(settings, run, found)
        found = _resume(client, found)
    log = _log_of(settings, run.run_key, found, client)
    if (is_new or follows) and run.kind == "train" and run.deciding_metric:
        log.announce_metric(deciding_name(run.deciding_metric))
    log.flush()
    if opened is not None:
        opened[place] = log
    return log


@contextmanager
def share_runs() -> Iterator[None]:
    """Let `open_run` open each run once in a block; later it gives that without asking again."""
    if _shared.get() is not None:
        yield
        return
    token = _shared.set({})
    try:
        yield
    finally:
        _shared.reset(token)


@contextmanager
def hold_run(settings: "Settings", run: RunContext, step: str = "") -> Iterator[RunLog]:
    """Open a run for a block, which shares it, and send what it records in few calls.

    Args:
        settings: Where the MLflow server is.
        run: The DAG run.
        step: The step that opens it, where one does.

    Raises:
        TrackingUnavailableError: The MLflow server does not answer.
    """
    with share_runs():
        log = open_run(settings, run, step)
        with log.hold():
            yield log


def open_child_run(settings: "Settings", parent: RunLog, name: str) -> RunLog:
    """Find or create a run nested in another, e.g. one trial or one point of a learning curve.

    Args:
        settings: Where the MLflow server is.
        parent: The run it belongs to.
        name: Name among the parent's children; the same name finds the same run.
    """
    key = f"{parent.run_id}/{name}"
    with tracking_calls(settings.mlflow):
        found = _search(parent.client, parent.experiment_id, {CHILD: key})
        if found is None:
            tags = {CHILD: key, PARENT: parent.run_id, "mlflow.source.type": "JOB"}
            found = _create(parent.client, parent.experiment_id, name, tags, {CHILD: key})
        found = _resume(parent.client, found)
    return _log_of(settings, key, found, parent.client)


@contextmanager
def child_run(settings: "Settings", parent: RunLog, name: str) -> Iterator[RunLog]:
    """Open a nested run and end it with the block: FINISHED, or FAILED by an exception.

    Args:
        settings: Where the MLflow server is.
        parent: The run it belongs to.
        name: Name among the parent's children; the same name finds the same run.
    """
    child = open_child_run(settings, parent, name)
    try:
        yield child
    except BaseException:
        if is_reachable(settings.mlflow):
            child.client.set_terminated(child.run_id, status="FAILED")
        raise
    child.flush()
    with tracking_calls(settings.mlflow):
        child.client.set_terminated(child.run_id, status="FINISHED")


def find_run(settings: "Settings", run: RunContext) -> RunLog | None:
    """Find the MLflow run of a DAG run without touching its state; None if there is none.

    Raises:
        TrackingUnavailableError: The MLflow server does not answer.
    """
    client = connect(settings)
    with tracking_calls(settings.mlflow):
        found = _find_noted(client, settings, run)
        if found is None:
            experiment = client.get_experiment_by_name(run.experiment)
            if experiment is None:
                return None
            found = _search(client, experiment.experiment_id, _run_key(settings, run))
    return None if found is None else _log_of(settings, run.run_key, found, client)


def end_run(settings: "Settings", run: RunContext, state: EndState) -> bool:
    """End the MLflow run of a DAG run; safe to repeat, and said later if the server is away.

    Args:
        settings: Where the MLflow server is.
        run: The DAG run.
        state: How it ended.

    Returns:
        Whether there is such a run.

    Raises:
        TrackingUnavailableError: The server is away; a note is kept, which `say_unsaid_ends` reads.
    """
    try:
        log = find_run(settings, run)
        if log is not None:
            log.flush()
            with tracking_calls(settings.mlflow):
                if log.status != state:
                    log.client.set_terminated(log.run_id, status=state)
                _end_children(log, "FAILED" if state == "FINISHED" else state)
            if log.name.endswith(RUNNING):
                log.rename(ENDED[state])
    except TrackingUnavailableError:
        _notes(settings).keep(run, state)
        raise
    _notes(settings).forget(run)
    return log is not None


def _end_children(log: RunLog, state: EndState) -> None:
    """End the nested runs whose own end could not be said, since the server was away then."""
    open_ones = f"attributes.status = 'RUNNING' and tags.`{PARENT}` = '{log.run_id}'"
    for child in log.client.search_runs([log.experiment_id], filter_string=open_ones):
        log.client.set_terminated(child.info.run_id, status=state)


def say_unsaid_ends(settings: "Settings") -> None:
    """End the runs that ended while the server was away; whoever finds it back calls this.

    Raises:
        TrackingUnavailableError: The server is away again; what is left is said later.
    """
    for note in _notes(settings).read():
        log = find_run(settings, note.run)
        if log is not None and log.status == "RUNNING":
            logger.info("MLflow run %s had ended as %s meanwhile", log.run_id, note.state)
        end_run(settings, note.run, note.state)


def _notes(settings: "Settings") -> EndNotes:
    return EndNotes(settings.home / "spool")


def describe_run(
    run: RunContext, sentence: str = "", links: Mapping[str, str] | None = None
) -> str:
    """Write a run's description as Markdown: what became of it, the way to report and Airflow.

    Args:
        run: The DAG run.
        sentence: What became of it; plain text.
        links: Further addresses by their labels.
    """
    label = f"{run.dag_id} / {run.run_id}".replace("[", "(").replace("]", ")")
    ways = [f"[{name}](<{url}>)" for name, url in (links or {}).items()]
    ways.append(f"Airflow run: [{label}](<{run.airflow_url}>)" if run.airflow_url else label)
    lines = [escape_markdown(sentence), ""] if sentence else []
    lines.append(" · ".join(ways))
    if run.note:
        lines += ["", *(f"> {html.escape(line)}" for line in run.note.splitlines())]
    return "\n".join(lines)[:7_500]


def _log_of(settings: "Settings", key: str, found: "Run", client: "MlflowClient") -> RunLog:
    spool = MetricSpool(settings.home / "spool", key)
    return RunLog(found, client=client, settings=settings, spool=spool)


def _note(settings: "Settings", run: RunContext, found: "Run") -> None:
    """Leave the id of the MLflow run for the tasks that follow on this machine; they can search."""
    with suppress(OSError):
        place = RunFiles(settings.data, run).local_directory / NOTE
        write_atomically(UPath(place), found.info.run_id.encode())


def _find_noted(client: "MlflowClient", settings: "Settings", run: RunContext) -> "Run | None":
    """Look up the run that an earlier task noted; None if it is not that of the DAG run."""
    from mlflow.exceptions import MlflowException

    run_id = RunFiles(settings.data, run).read_local(NOTE)
    if not run_id:
        return None
    try:
        found = client.get_run(run_id)
    except MlflowException as error:
        if error.error_code not in {"RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE"}:
            raise
        return None
    tags, key = found.data.tags, _run_key(settings, run)
    is_same = key.items() <= tags.items() and found.info.lifecycle_stage == "active"
    return found if is_same else None


def _take_number(client: "MlflowClient", experiment: "Experiment") -> str:
    """Count the pipeline's runs, in a tag; two that begin at once may share a number."""
    taken = str(experiment.tags.get(RUNS, ""))
    number = int(taken) + 1 if taken.isdecimal() else 1
    client.set_experiment_tag(experiment.experiment_id, RUNS, number)
    return f"#{number}"


def ensure_experiment(client: "MlflowClient", name: str) -> "Experiment":
    """Find or create an experiment, out of MLflow's trash too."""
    from mlflow.exceptions import MlflowException

    experiment = client.get_experiment_by_name(name)
    if experiment is None:
        try:
            client.create_experiment(name, tags=EXPERIMENT_TAGS)
        except MlflowException as error:
            if error.error_code != "RESOURCE_ALREADY_EXISTS":
                raise  # else somebody was faster
        experiment = client.get_experiment_by_name(name)
    return _revive(client, experiment)


def _revive(client: "MlflowClient", experiment: "Experiment") -> "Experiment":
    if experiment.lifecycle_stage == "deleted":
        logger.warning("experiment %s was in MLflow's trash; restored", experiment.name)
        client.restore_experiment(experiment.experiment_id)
    return experiment


def _create(
    client: "MlflowClient",
    experiment_id: str,
    name: str,
    tags: dict[str, str],
    key: dict[str, str],
) -> "Run":
    created = client.create_run(experiment_id, run_name=name, tags=tags)
    # Two tasks may have created it at once: the older one stays, as both of them will find.
    first = _search(client, experiment_id, key) or created
    if first.info.run_id != created.info.run_id:
        client.delete_run(created.info.run_id)
    else:
        logger.info("MLflow run %s (%s) created", created.info.run_id, name)
    return first


def _search(client: "MlflowClient", experiment_id: str, key: dict[str, str]) -> "Run | None":
    terms = []
    for tag, value in key.items():
        quote = '"' if "'" in value else "'"
        terms.append(f"tags.`{tag}` = {quote}{value}{quote}")
    runs = client.search_runs(
        [experiment_id],
        filter_string=" and ".join(terms),
        order_by=["attributes.start_time ASC", "attributes.run_id ASC"],
        max_results=1,
    )
    return runs[0] if runs else None


def _seal(client: "MlflowClient", found: "Run", step: str) -> str:
    """Take the key from a run that is a champion's record, and return its id; else nothing."""
    tags = found.data.tags
    # A run that a person marked failed after its end had come to it, too. Before its end only a
    # task that was cleared comes back to what was done before the promotion.
    is_over = found.info.status == "FINISHED" or MARKED in tags or step in BEFORE_PROMOTION
    if not is_over or tags.get(PROMOTED) != "true":
        return ""
    if found.info.status == "RUNNING":
        client.set_terminated(found.info.run_id, status="FINISHED")
    sealed = f"{tags[RUN_KEY]} (made version {tags.get('gatehouse.version', 'unknown')})"
    client.set_tag(found.info.run_id, RUN_KEY, sealed)
    logger.info("MLflow run %s made a champion and stays as it is", found.info.run_id)
    return str(found.info.run_id)


def _resume(client: "MlflowClient", found: "Run") -> "Run":
    if found.info.status == "RUNNING":
        return found
    logger.info("MLflow run %s was %s; goes on", found.info.run_id, found.info.status)
    name = retitle(found.info.run_name, RUNNING)
    client.update_run(found.info.run_id, status="RUNNING", name=name)
    if MARKED in found.data.tags:
        client.delete_tag(found.info.run_id, MARKED)
    return client.get_run(found.info.run_id)


def _run_key(settings: "Settings", run: RunContext) -> dict[str, str]:
    return {RUN_KEY: run.run_key, INSTALLATION: settings.installation_name}


def _parent_tags(settings: "Settings", run: RunContext) -> dict[str, str]:
    tags = {
        **_run_key(settings, run),
        "airflow.dag_id": run.dag_id,
        "airflow.run_id": run.run_id,
        "gatehouse.pipeline": run.pipeline,
        KIND: run.kind,
        "mlflow.source.name": run.dag_id,
        "mlflow.source.type": "JOB",
        "mlflow.user": run.triggered_by or "gatehouse",
        DESCRIPTION: describe_run(run),
    }
    if run.note:
        tags["gatehouse.note"] = run.note
    if run.cause:
        tags["gatehouse.cause"] = run.cause
    if run.airflow_url:
        tags["airflow.run_url"] = run.airflow_url
    return tags
