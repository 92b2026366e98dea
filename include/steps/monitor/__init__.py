"""Task `compare_window`: hold what was scored against what the champion was tested on."""

import logging
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Final, NamedTuple

import pandas as pd

from include.errors import DataError
from include.records import MonitorRecord, Performance, RunContext, ScoredInput, TableRef, Window
from include.records.names import REPORT_PAGE
from include.reporting.monitor_page import render_monitor_page
from include.settings import Settings, load_settings
from include.specs import PipelineSpec
from include.steps.ingest import connection_from_environment
from include.steps.monitor.comparing import Watched, compare_tables, read_watched
from include.steps.monitor.performance import (
    Scored,
    estimate_scored,
    index_labels,
    measure_scored,
    read_labels,
)
from include.steps.monitor.previous import hold_against_previous
from include.steps.monitor.windows import Windows, kept_since
from include.steps.score.predict import sum_up
from include.steps.score.receipts import Receipts
from include.tables.run_files import RunFiles
from include.tracking.aliases import find_champion
from include.tracking.runs import RunLog, open_run

logger = logging.getLogger(__name__)

WEEK: Final = timedelta(days=7)
MAX_SHARES: Final = 10
# Of windows further back only what the page shows is logged.
LOGGED_WINDOWS: Final = 100


class Unwatched(NamedTuple):
    """What a run has to look at: deliveries of the champion, and labels that came since."""

    version: str
    scored: list[ScoredInput]
    labels: TableRef | None = None
    problem: str = ""


def find_unwatched(
    spec: PipelineSpec, run_key: str, connect: Callable[[str], str] = connection_from_environment
) -> Unwatched | None:
    """Find the champion's deliveries that no window of another run holds yet, and new labels.

    Args:
        spec: The pipeline.
        run_key: The run, whose earlier try may have left a window.
        connect: Gives the SQLAlchemy URL of a connection id; AIRFLOW_CONN_<ID> unless given.

    Returns:
        None where there is neither.

    Raises:
        DataError: There are only labels, and they cannot be read.
        InfrastructureError: A server does not answer.
    """
    settings = load_settings()
    champion = find_champion(settings, spec.name)
    if champion is None:
        return None
    windows = Windows(settings.data, spec.name).list_all()
    seen = {
        name
        for window in windows
        if window.version == champion.version and window.run_key != run_key
        for name in window.inputs
    }
    receipts = Receipts(settings.data, spec.name, champion.version).list_all()
    recent = [each for each in receipts if each.scored_at >= kept_since(settings)]
    scored = [each for each in recent if name_delivery(each) not in seen]
    try:
        labels = read_labels(spec, settings, connect)
    except DataError as error:
        if not scored:
            raise
        logger.error("the labels cannot be read: %s", error)
        return Unwatched(champion.version, scored, problem="the labels cannot be read")
    if not scored and (labels is None or not _list_measurable(windows, settings, labels)):
        return None
    return Unwatched(champion.version, scored, labels)


def name_delivery(scored: ScoredInput) -> str:
    """Name an input with its rows: a corrected file of the same name is another one."""
    return f"{scored.name} {scored.table.key[:12]}"


def compare_window(spec: PipelineSpec, run: RunContext, *, found: Unwatched) -> MonitorRecord:
    """Compare the rows of deliveries, and what was predicted for them, with the reference.

    Earlier windows whose labels have come are measured by them.

    Args:
        spec: The pipeline.
        run: The run.
        found: Its deliveries are one window.

    Raises:
        IntegrityError: The champion's files are not those that were sealed.
        TrackingUnavailableError: The MLflow server does not answer.
    """
    settings = load_settings()
    log, windows = open_run(settings, run), Windows(settings.data, spec.name)
    before = [each for each in windows.list_all() if each.run_key != run.run_key]
    at = run.due or datetime.now(UTC)
    labels = None if found.labels is None else index_labels(spec, found.labels)
    fresh, lost = _measure_earlier(spec, settings, found, before, labels)
    back = hold_against_previous(spec, settings, found.version, labels)
    doubt = back.why if back is not None and back.goes_back else ""
    if found.scored:
        watched = read_watched(settings, spec.name, found.version)
        number = max((each.number for each in before), default=0) + 1
        scored = [Scored(each.table, each.predictions) for each in found.scored]
        real, labelled = measure_scored(spec, watched, scored, labels)
        window = look_at(spec, watched, scored).model_copy(
            update={
                "at": at,
                "number": number,
                "run_key": run.run_key,
                "inputs": tuple(map(name_delivery, found.scored)),
                "quarantined": sum(each.quarantined for each in found.scored),
                "real": real,
                "labelled": labelled,
                "labels": found.labels.key if found.labels else "",
            }
        )
        fresh, lost = [*fresh, window], (*lost, *window.lost)
    last = fresh[-1]
    drifted = last.drifted if found.scored else ()
    starts, why = False, "earlier windows are measured by their labels, and no bound is newly lost"
    if found.scored or lost:
        starts, why = decide(spec, last, [*drifted, *dict.fromkeys(lost)], before, at)
    why = "; ".join(filter(None, (why, found.problem, doubt)))
    if found.scored or lost or doubt:
        told = why if found.scored else f"{last.why}; by its labels: {why}"
        started_at = at if starts else last.started_at
        fresh[-1] = last.model_copy(update={"started_at": started_at, "why": told})
    known = {each.number: each for each in [*before, *fresh]}
    _log(log, spec, [known[number] for number in sorted(known)], fresh, why)
    page = render_monitor_page(spec, list(known.values()), run=run, mlflow_url=log.url)
    RunFiles(settings.data, run).write_bytes(REPORT_PAGE, page.encode())
    log.log_bytes(page.encode(), REPORT_PAGE)
    # Last, so that a try that is cut short looks at the same again.
    uris = [windows.write(each) for each in fresh]
    logger.info("%d rows of version %s: %s", last.rows, last.version, why)
    for column in last.columns:
        if column.state == "drift":
            logger.warning("%s drifted: %s", column.name, column.reason)
    return MonitorRecord(
        version=found.version,
        rows=last.rows if found.scored else 0,
        drifted=drifted[:20],
        lost=tuple(dict.fromkeys(lost)),
        starts_training=starts,
        why=why[:500],
        window_uri=uris[-1],
        back=back,
    )


def look_at(spec: PipelineSpec, watched: Watched, scored: Sequence[Scored]) -> Window:
    """Look at rows and their predictions without labels, whoever asks."""
    predictions = [table for each in scored for table in each.predictions]
    summary = sum_up(predictions)
    is_regression = watched.bundle.features.task == "regression"
    return Window(
        version=watched.version,
        at=datetime.now(UTC),
        inputs=(),
        rows=sum(each.rows.rows for each in scored),
        columns=compare_tables(spec, watched, [each.rows for each in scored], predictions),
        mean=summary.total / max(summary.rows, 1) if is_regression else None,
        shares={name: n / summary.rows for name, n in summary.rank_classes()[:MAX_SHARES]},
        estimated=estimate_scored(spec, watched, predictions),
        before=watched.reference.metrics if watched.reference else {},
    )


def decide(
    spec: PipelineSpec, window: Window, findings: Sequence[str], before: list[Window], at: datetime
) -> tuple[bool, str]:
    """Say whether findings start a training, and why or why not.

    Args:
        spec: The pipeline; its policy decides.
        window: The window that was looked at last.
        findings: Columns that drifted, and bounds that performance surely breaks.
        before: Earlier windows of any version.
        at: Now.
    """
    if not findings:
        quiet = {"stable": "nothing drifted", "too little data": "too little data to say"}
        return False, quiet.get(window.state, "no baseline to compare with")
    rules, bounds = spec.monitoring, {str(each) for each in spec.monitoring.requirements}
    told = [f"{each} is lost" if each in bounds else f"{each} drifted" for each in findings]
    said = ", ".join(told[:5])
    if rules.on_drift == "tell":
        return False, f"{said}; `on_drift: retrain` would train"
    started = [each.started_at for each in before if each.started_at and each.started_at < at]
    if started and at - max(started) < timedelta(days=rules.cooldown_days):
        return False, f"{said}; the last training that a window started is not over its cooldown"
    if sum(at - each < WEEK for each in started) >= rules.weekly_budget:
        return False, f"{said}; the trainings that windows may start in a week are used up"
    return True, f"{said}: a training is started"


def _measure_earlier(
    spec: PipelineSpec,
    settings: Settings,
    found: Unwatched,
    windows: list[Window],
    labels: pd.DataFrame | None,
) -> tuple[list[Window], tuple[str, ...]]:
    """Measure earlier windows, of any version, and give what the champion's newly lost."""
    if found.labels is None:
        return [], ()
    measured, lost = [], []
    for window in _list_measurable(windows, settings, found.labels):
        watched = read_watched(settings, spec.name, window.version)
        receipts = Receipts(settings.data, spec.name, window.version).list_all()
        scored = [
            Scored(each.table, each.predictions)
            for each in receipts
            if name_delivery(each) in window.inputs
        ]
        real, labelled = measure_scored(spec, watched, scored, labels)
        after = window.model_copy(
            update={"real": real, "labelled": labelled, "labels": found.labels.key}
        )
        measured.append(after)
        if window.version == found.version:
            lost += [each for each in after.lost if each not in window.lost]
    return measured, tuple(lost)


def _list_measurable(
    windows: Sequence[Window], settings: Settings, labels: TableRef
) -> list[Window]:
    """List the windows whose rows are still kept, and may have labels that are not in them."""
    since = kept_since(settings)
    return [
        each
        for each in windows
        if each.at >= since and each.labelled < each.rows and each.labels != labels.key
    ]


def _log(
    log: RunLog, spec: PipelineSpec, windows: Sequence[Window], fresh: list[Window], why: str
) -> None:
    """Log windows, each as the step of its number: all of them in short, the last in full."""
    epochs = {each.number: _summarise(spec, each) for each in windows[-LOGGED_WINDOWS:]}
    for each in fresh:
        shown = {f"psi/{column.name}": column.psi for column in each.columns}
        shares = {f"share/{name}": share for name, share in each.shares.items()}
        epochs[each.number] = _summarise(spec, each, is_whole=True) | shown | shares
    log.log_epochs(epochs)
    log.set_tags({"gatehouse.version": fresh[-1].version, "gatehouse.reason": why})


def _summarise(spec: PipelineSpec, window: Window, *, is_whole: bool = False) -> dict[str, float]:
    figures = {
        "rows": float(window.rows),
        "quarantined": float(window.quarantined),
        "drifted": float(len(window.drifted)),
        **({} if window.mean is None else {"mean": window.mean}),
    }
    watched = {spec.compare_metric, *spec.monitoring.require}
    for kind, metrics in (("real", window.real), ("estimated", window.estimated)):
        for each in metrics:
            if is_whole or each.metric in watched:
                figures |= _name(kind, each)
    return figures


def _name(kind: str, each: Performance) -> dict[str, float]:
    ends = {"low": each.low, "high": each.high}
    bounds = {f"{kind}/{each.metric} {end}": v for end, v in ends.items() if v is not None}
    return {f"{kind}/{each.metric}": each.value, **bounds}
