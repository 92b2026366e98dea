"""From Airflow's context to a step and back: the body that all tasks share."""

import inspect
import logging
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final, Literal, TypeVar
from zoneinfo import ZoneInfo

from airflow.sdk import Connection, get_current_context
from airflow.sdk.exceptions import (
    AirflowNotFoundException,
    AirflowRescheduleException,
    AirflowRuntimeError,
    AirflowSkipException,
    DownstreamTasksSkipped,
)

from include.errors import GatehouseError, SourceError, StoppedError, TrackingUnavailableError
from include.orchestration.guards import (
    check_same_code,
    end_with_supervisor,
    missing_record,
    stop_at_once,
    stop_requested,
)
from include.orchestration.links import show_run_link
from include.orchestration.notices import tell_failure
from include.orchestration.run_notes import SENTENCE
from include.orchestration.turns import find_run_ahead, steps_aside
from include.records import (
    ALL_TASKS,
    PLACES,
    STEPS,
    PrepareRecord,
    Record,
    ReportRecord,
    RunContext,
)
from include.records.form import apply_params
from include.settings import load_settings
from include.specs import PipelineSpec
from include.specs.dates import at_day
from include.specs.sources import FileSource, HttpSource

if TYPE_CHECKING:
    from include.steps.close_run import EndState

logger = logging.getLogger(__name__)
R = TypeVar("R", bound=Record)
TURN_SECONDS = timedelta(seconds=5)
MAX_WHY: Final = 500
# They take seconds, and what they do was decided before.
AFTER_VERDICT = frozenset({"promote", "report"})


def perform(
    step: Callable[..., R], spec: PipelineSpec, *records: Record | None, **extras: Any
) -> R:
    """Run one step of this DAG run, with the form's parameters written into the spec.

    Raises:
        ParamError: The form holds a key or a value that the spec does not accept.
        CodeChangedError: The project changed since the run's first task.
        GatehouseError: A task before it handed on nothing.
        StoppedError: Airflow asked the task to stop, or its supervisor died.
    """
    from include.steps.runner import run_step

    check_handed_on(step, records)
    context = get_current_context()
    run = build_run_context(spec, context)
    effective = effective_spec(spec, context["params"], context["dag_run"])
    wait_for_turn(run, context["ti"])
    is_first = not context["task"].upstream_task_ids
    check_same_code(effective, run, step.__module__, is_first=is_first)
    try:
        with _stoppable(step, run) as stop, show_run_link() as on_open:
            return run_step(step, effective, run, *records, on_open=on_open, **extras, **stop)
    finally:
        if context["ti"].try_number > 1:
            _end_again(run, context)


def _end_again(run: RunContext, context: Any) -> None:
    """End the MLflow run once more if a person cleared this task without those that follow it.

    Then `close_run` has run before and does not come again, and the DAG run ends as it said.
    """
    from include.steps.close_run import close_run

    try:
        closed = _task_states(context).get("close_run")
        if closed in {"success", "failed"}:
            close_run(run, "FINISHED" if closed == "success" else "FAILED")
    except (GatehouseError, AirflowRuntimeError) as error:
        logger.warning("MLflow is told later that the run has ended: %s", error)


def check_handed_on(step: Callable[..., Any], records: Sequence[Record | None]) -> None:
    """Refuse to run a step without what it works on.

    Raises:
        GatehouseError: A task before it was marked success by hand, or its record was deleted.
    """
    parameters = list(inspect.signature(step).parameters.values())[2:]
    for parameter, record in zip(parameters, records, strict=False):
        if parameter.kind is parameter.VAR_POSITIONAL:  # `report` takes what there is
            return
        if record is None:
            kind = parameter.annotation
            name = next((name for name, task in ALL_TASKS.items() if task.record is kind), "one")
            raise missing_record(step.__name__, name)


def find_state(
    ti: Any, dag_id: str, run_id: str
) -> Literal["running", "success", "failed", "gone"]:
    """Tell what became of a DAG run; `gone` if somebody deleted it."""
    try:
        state = ti.get_dagrun_state(dag_id, run_id)
    except AirflowRuntimeError:
        return "gone"
    return state if state in {"success", "failed"} else "running"


def wait_for_turn(run: RunContext, ti: Any) -> None:
    """Come back later while another run of the DAG is at work.

    Raises:
        AirflowRescheduleException: It is.
    """

    def is_over(run_id: str) -> bool:
        if find_state(ti, run.dag_id, run_id) != "running":
            return True
        states = ti.get_task_states(dag_id=run.dag_id, run_ids=[run_id]).get(run_id, {})
        return steps_aside(states, is_decided=ti.task_id in AFTER_VERDICT)

    ahead = find_run_ahead(load_settings().data, run, is_over)
    if ahead is not None:
        logger.info("%s works once at a time; waiting for run %s", run.dag_id, ahead)
        # However many wait, together they ask as often as one would.
        waiting = max(1, ti.get_dr_count(dag_id=run.dag_id, states=["running"]) - 1)
        raise AirflowRescheduleException(datetime.now(UTC) + waiting * TURN_SECONDS)


@contextmanager
def _stoppable(step: Callable[..., R], run: RunContext) -> Iterator[dict[str, Any]]:
    """Let a stop end a step, at a place of its own choice if it takes `stop`, and say so in MLflow.

    Yields:
        Further arguments of the step.
    """
    from include.steps.close_run import close_run

    try:
        with end_with_supervisor():
            if "stop" in inspect.signature(step).parameters:
                with stop_requested() as stop:
                    yield {"stop": stop}
            else:
                with stop_at_once():
                    yield {}
    except StoppedError:
        try:
            close_run(run, "KILLED")
        except GatehouseError as error:
            logger.warning("MLflow does not know that the run was stopped: %s", error)
        raise


def plan_shares(spec: PipelineSpec, prepared: PrepareRecord) -> list[float]:
    """Plan the learning curve of this DAG run."""
    from include.steps.plan_curve import plan_curve

    check_handed_on(plan_curve, [prepared])
    run = build_run_context(spec, get_current_context())
    return list(plan_curve(spec, run, prepared).shares)


def wants_curve(spec: PipelineSpec) -> bool:
    """Tell whether the form of this DAG run asks for a learning curve."""
    return build_run_context(spec, get_current_context()).learning_curve


def planned_shares() -> list[float]:
    """Read what `plan_curve` planned, also where some of it failed."""
    return list(get_current_context()["ti"].xcom_pull(task_ids="plan_curve") or ())


def effective_spec(spec: PipelineSpec, params: Mapping[str, Any], dag_run: Any) -> PipelineSpec:
    """Write the form and the day of a run into the spec; refuse a source that no form may name.

    Args:
        spec: The pipeline.
        params: The form.
        dag_run: The run; its logical date, which a backfill takes from the past, is the day that
            the source may name. A run without one has the day on which it is due.

    Raises:
        ParamError: A key or a value is not accepted.
        SourceError: The source lies outside the allowed places.
    """
    effective = apply_params(spec, params)
    at = dag_run.logical_date or dag_run.run_after
    day = at.astimezone(ZoneInfo(find_zone(spec, dag_run.dag_id))).date()
    effective = effective.replace(source=at_day(effective.source, day))
    source = effective.source
    if params.get("source_uri") and isinstance(source, FileSource | HttpSource):
        from include.sources.access import check_files_allowed

        settings = load_settings()
        check_files_allowed(source, settings.allowed_source_roots, settings.sources)
    return effective


def find_zone(spec: PipelineSpec, dag_id: str) -> str:
    """Give the time zone in which a DAG's days begin: that of its schedule."""
    schedules = {"score": spec.scoring.schedule, "monitor": spec.monitoring.schedule}
    schedule = schedules.get(dag_id.partition("__")[0], spec.schedule)
    return schedule.timezone if schedule else "UTC"


def build_run_context(spec: PipelineSpec, context: Any) -> RunContext:
    """Describe the DAG run of an Airflow context to the steps."""
    dag_run, params = context["dag_run"], context["params"]
    url = f"{load_settings().airflow}/dags/{dag_run.dag_id}/runs/{dag_run.run_id}"
    return RunContext(
        pipeline=spec.name,
        dag_id=dag_run.dag_id,
        run_id=dag_run.run_id,
        airflow_url=url,
        note=str(params.get("note") or ""),
        force=bool(params.get("force")),
        learning_curve=bool(params.get("learning_curve")),
        try_number=context["ti"].try_number,
        due=dag_run.run_after,
        deciding_metric=spec.compare_metric,
        is_backfill=dag_run.run_type == "backfill",
        triggered_by=dag_run.triggering_user_name or str(dag_run.run_type.value),
        cause=_tell_cause(context),
    )


def _tell_cause(context: Any) -> str:
    """Say why a run began: the events of assets with their reasons, a person, or a schedule."""
    told = []
    for events in (context.get("triggering_asset_events") or {}).values():
        event = events[-1]
        why = event.extra.get("why")
        told.append(f"{event.asset.name}: {str(why)[:MAX_WHY]}" if why else event.asset.name)
    dag_run = context["dag_run"]
    kind = str(dag_run.run_type.value).replace("_", " ")
    return "; ".join(told) or dag_run.triggering_user_name or kind


def connection_url(connection_id: str) -> str:
    """Give the SQLAlchemy URL of an Airflow connection.

    Raises:
        SourceError: Airflow knows no such connection.
        GatehouseError: The connection is of a type that no installed driver reads.
    """
    from include.sources.sql import to_sqlalchemy_url

    try:
        connection = Connection.get(connection_id)
    except AirflowNotFoundException as error:
        raise SourceError(
            f"connection {connection_id!r} must exist. Received: Airflow knows none of that id. "
            "Add it in the UI (Admin, Connections) or with `airflow connections add`."
        ) from error
    return to_sqlalchemy_url(connection.get_uri())


def pull_records() -> list[Record | None]:
    """Collect what the steps of this run handed on so far; None for one that did not end."""
    ti = get_current_context()["ti"]
    return [pull_record(ti, step) for step in STEPS]


def pull_record(ti: Any, step: str) -> Record | None:
    """Read what a step of this run handed on, or another in its place."""
    found = (ti.xcom_pull(task_ids=task, key=key) for task, key in PLACES[step])
    return next((record for record in found if record is not None), None)


def skip_unless(is_done: bool, record: R, reason: str) -> R:
    """Show a task as skipped that had nothing to do, and hand its record on all the same.

    Raises:
        AirflowSkipException: Nothing was done.
    """
    if is_done:
        return record
    get_current_context()["ti"].xcom_push(key="return_value", value=record)
    raise AirflowSkipException(reason)


def skip_others(record: R, tasks: Sequence[str], **done: Record) -> R:
    """Hand a record on and skip later tasks, which have nothing to do.

    Args:
        record: What this task hands on.
        tasks: Ids of the tasks; none of them gets a process.
        done: What those would have handed on, by their ids.

    Raises:
        DownstreamTasksSkipped: There are such tasks; this one succeeded.
    """
    if not tasks:
        return record
    ti = get_current_context()["ti"]
    for key, value in {"return_value": record, **done}.items():
        ti.xcom_push(key=key, value=value)
    raise DownstreamTasksSkipped(tasks=list(tasks))


def perform_close(spec: PipelineSpec) -> None:
    """End the MLflow run, and fail unless the run came to its end; such a run gets its report.

    Airflow gives the DAG run the state of the task that calls this.

    Raises:
        GatehouseError: A task failed, was ended by a person, or handed on no record.
        TrackingUnavailableError: The MLflow server does not answer.
    """
    from include.steps.close_run import close_run, was_killed

    context = get_current_context()
    run, ti = build_run_context(spec, context), context["ti"]
    states = _task_states(context)
    recorded = _find_recorded(ti, states)
    problem = explain_failure(states, recorded)
    if not problem:
        _close_good_run(run, is_last_try=ti.try_number > ti.max_tries)
        return
    is_stopped = was_stopped(states, recorded) or was_killed(run)
    state: EndState = "KILLED" if is_stopped else "FAILED"
    has_report = "validate" in states  # `explore` has a page of its own
    sentence = _report_failure(spec, run, context["params"]) if has_report else ""
    ti.xcom_push(key=SENTENCE, value=sentence or f"Failed: {problem}.")
    close_run(run, state)
    tell_failure(spec, context["dag_run"], problem)
    raise GatehouseError(
        f"every task of a run must come to its end. Received: {problem}. Clear it with all that "
        "follow it; what is done already is not repeated."
    )


def _find_recorded(ti: Any, states: Mapping[str, str | None]) -> set[str]:
    """Tell which steps handed on a record; a report that was written lists them.

    Verdict and promotion are looked up all the same: they may have been made again since, and the
    report marked success by hand.
    """
    told = pull_record(ti, "report") if states.get("report") == "success" else None
    listed = set(told.steps if isinstance(told, ReportRecord) else ()) - {"judge", "promote"}
    return listed | {
        name for name in STEPS if name in states and name not in listed and pull_record(ti, name)
    }


def _close_good_run(run: RunContext, *, is_last_try: bool) -> None:
    """Say that a run finished; a server that stays away does not make it one that failed."""
    from include.steps.close_run import close_run

    try:
        close_run(run, "FINISHED")
    except TrackingUnavailableError as error:
        if not is_last_try:
            raise
        logger.warning("the run ended well, and MLflow is told when it is back: %s", error)


def explain_failure(states: Mapping[str, str | None], recorded: Collection[str]) -> str:
    """Say what kept a DAG run from its end, by the states of its tasks; empty if nothing did.

    A share of the learning curve that failed is a point less, not a run that failed. A task that
    was skipped and handed on a record had nothing to do; without one, a person ended the run. One
    that was marked success by hand left no record.

    Args:
        states: States of the run's tasks.
        recorded: The tasks that handed on a record.

    Example:
        >>> explain_failure({"ingest": "success", "fit_share_0": "failed"}, {"ingest"})
        ''
        >>> explain_failure({"ingest": "success", "explore": "skipped"}, {"ingest"})
        'explore was skipped'
        >>> explain_failure({"judge": "success"}, set())
        'judge was marked success and handed on nothing'
    """
    vital = _vital_states(states)
    for wrong in ("failed", "upstream_failed"):
        for name, state in vital.items():
            if state == wrong:
                return f"{name} {'failed' if wrong == 'failed' else 'was not reached'}"
    for name, state in vital.items():
        if state == "success" and name in STEPS and name not in recorded:
            return f"{name} was marked success and handed on nothing"
        if state != "success" and name not in recorded and not _may_be_skipped(name):
            return f"{name} was {state or 'not run'}"
    return ""


def was_stopped(states: Mapping[str, str | None], recorded: Collection[str]) -> bool:
    """Tell whether a person ended the run: what was left of it is skipped, and had no say.

    What a task that failed by itself keeps from running is `upstream_failed`.

    Example:
        >>> was_stopped({"train": "failed", "judge": "skipped"}, {"ingest"})
        True
        >>> was_stopped({"train": "failed", "judge": "upstream_failed"}, {"ingest"})
        False
    """
    return any(
        state == "skipped" and name not in recorded and not _may_be_skipped(name)
        for name, state in _vital_states(states).items()
    )


def _vital_states(states: Mapping[str, str | None]) -> dict[str, str | None]:
    """Leave out the task that ends the run, and the shares of a learning curve."""
    return {
        name: state
        for name, state in states.items()
        if not name.startswith("fit_share") and name != "close_run"
    }


def _may_be_skipped(name: str) -> bool:
    """Tell whether skipping a task says nothing: it is optional, or has no record to hand on."""
    known = ALL_TASKS.get(name)
    return known is not None and (known.is_on_request or known.record is None)


def _task_states(context: Any) -> dict[str, str | None]:
    ti = context["ti"]
    states = ti.get_task_states(dag_id=ti.dag_id, run_ids=[ti.run_id])
    return dict(states.get(ti.run_id, {}))


def _report_failure(spec: PipelineSpec, run: RunContext, params: Mapping[str, Any]) -> str:
    """Write the report of a run that failed; whatever goes wrong here, the run must be closed.

    Returns:
        What became of the run, empty where there is no report.
    """
    from include.steps.report import report

    try:
        return report(apply_params(spec, params), run, *pull_records()).sentence
    except Exception:
        logger.exception("the failed run gets no report")
        return ""
