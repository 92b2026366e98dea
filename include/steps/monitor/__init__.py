"""Task `compare_window`: hold what was scored against what the champion was tested on."""

import logging
from datetime import UTC, datetime, timedelta
from typing import Final

from include.records import MonitorRecord, RunContext, ScoredInput, Window
from include.settings import load_settings
from include.specs import PipelineSpec
from include.steps.monitor.comparing import compare_tables, estimate_window, read_reference
from include.steps.monitor.windows import Windows
from include.steps.score.receipts import Receipts
from include.tracking.aliases import find_champion
from include.tracking.runs import RunLog, open_run

logger = logging.getLogger(__name__)

WEEK: Final = timedelta(days=7)


def find_unwatched(spec: PipelineSpec) -> tuple[str, list[ScoredInput]]:
    """Find the champion's version and its deliveries that no window holds yet.

    Raises:
        TrackingUnavailableError: The MLflow server does not answer.
    """
    settings = load_settings()
    champion = find_champion(settings, spec.name)
    if champion is None:
        return "", []
    seen = {
        name
        for window in Windows(settings.data, spec.name).list_all()
        if window.version == champion.version
        for name in window.inputs
    }
    # The rows of older ones may be gone: `maintain` keeps them as long.
    kept_since = datetime.now(UTC) - timedelta(days=settings.keep_days)
    receipts = Receipts(settings.data, spec.name, champion.version).list_all()
    recent = [each for each in receipts if each.scored_at >= kept_since]
    return champion.version, [each for each in recent if name_delivery(each) not in seen]


def name_delivery(scored: ScoredInput) -> str:
    """Name an input with its rows: a corrected file of the same name is another one."""
    return f"{scored.name} {scored.table.key[:12]}"


def compare_window(
    spec: PipelineSpec, run: RunContext, *, version: str, scored: list[ScoredInput]
) -> MonitorRecord:
    """Compare the rows of deliveries, and what was predicted for them, with the reference.

    Args:
        spec: The pipeline.
        run: The run.
        version: The champion's.
        scored: The deliveries, which are one window.

    Raises:
        IntegrityError: The champion's files are not those that were sealed.
        TrackingUnavailableError: The MLflow server does not answer.
    """
    settings = load_settings()
    log = open_run(settings, run)
    bundle, reference = read_reference(settings, spec.name, version)
    known = None if reference is None else reference.calibration
    at = run.due or datetime.now(UTC)
    predictions = [table for each in scored for table in each.predictions]
    window = Window(
        version=version,
        at=at,
        inputs=tuple(map(name_delivery, scored)),
        rows=sum(each.rows for each in scored),
        columns=compare_tables(
            spec, bundle, reference, [each.table for each in scored], predictions
        ),
        accuracy=estimate_window(reference, bundle, predictions, spec.monitoring.min_rows),
        accuracy_before=known.accuracy if known else None,
    )
    windows = Windows(settings.data, spec.name)
    starts, why = decide(spec, window, windows.list_all())
    window = window.model_copy(update={"starts_training": starts, "why": why})
    uri = windows.write(window)
    _log(log, window)
    logger.info("%d rows of version %s: %s", window.rows, version, why)
    for column in window.columns:
        if column.state == "drift":
            logger.warning("%s drifted: %s", column.name, column.reason)
    return MonitorRecord(
        version=version,
        rows=window.rows,
        drifted=window.drifted[:20],
        starts_training=starts,
        why=why[:500],
        window_uri=uri,
    )


def decide(spec: PipelineSpec, window: Window, before: list[Window]) -> tuple[bool, str]:
    """Say whether a window starts a training, and why or why not.

    Args:
        spec: The pipeline; its policy decides.
        window: The window.
        before: Earlier windows of any version.
    """
    rules, drifted = spec.monitoring, ", ".join(window.drifted[:5])
    if not window.drifted:
        states = {each.state for each in window.columns}
        short = "too little data to say" if states == {"too little data"} else "nothing drifted"
        return False, "no baseline to compare with" if states == {"no baseline"} else short
    if rules.on_drift == "tell":
        return False, f"{drifted} drifted; `on_drift: retrain` would train"
    started = [each.at for each in before if each.starts_training and each.at < window.at]
    if started and window.at - max(started) < timedelta(days=rules.cooldown_days):
        return False, f"{drifted} drifted; the last training by drift is not over its cooldown"
    if sum(window.at - each < WEEK for each in started) >= rules.weekly_budget:
        return False, f"{drifted} drifted; the trainings by drift of this week are used up"
    return True, f"{drifted} drifted: a training is started"


def _log(log: RunLog, window: Window) -> None:
    figures = {"rows": float(window.rows), "drifted": float(len(window.drifted))}
    figures |= {f"psi/{each.name}": each.psi for each in window.columns}
    if window.accuracy is not None:
        figures["accuracy/estimated"] = window.accuracy[0]
    log.log_metrics(figures)
    log.set_tags({"gatehouse.version": window.version, "gatehouse.reason": window.why})
