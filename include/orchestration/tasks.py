"""From Airflow's context to a step and back: the body that all tasks share."""

import inspect
import logging
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, TypeVar

from airflow.sdk import Connection, get_current_context
from airflow.sdk.exceptions import (
    AirflowNotFoundException,
    AirflowRescheduleException,
    AirflowRuntimeError,
    AirflowSkipException,
)

from include.errors import GatehouseError, SourceError, StoppedError
from include.orchestration.guards import (
    check_same_code,
    end_with_supervisor,
    stop_at_once,
    stop_requested,
)
from include.orchestration.links import show_run_link
from include.orchestration.params import apply_params
from include.orchestration.turns import find_run_ahead
from include.records import STEPS, PrepareRecord, Record, RunContext
from include.settings import load_settings
from include.specs import PipelineSpec
from include.specs.sources import FileSource, HttpSource

if TYPE_CHECKING:
    from include.steps.close_run import EndState

logger = logging.getLogger(__name__)
R = TypeVar("R", bound=Record)
TURN_SECONDS = timedelta(seconds=10)


def perform(
    step: Callable[..., R], spec: PipelineSpec, *records: Record | None, **extras: Any
) -> R:
    """Run one step of this DAG run, with the form's parameters written into the spec.

    Raises:
        ParamError: The form holds a key or a value that the spec does not accept.
        CodeChangedError: The project changed since the run's first task.
        StoppedError: Airflow asked the task to stop, or its supervisor died.
    """
    from include.steps.runner import run_step

    context = get_current_context()
    run = build_run_context(spec, context)
    effective = effective_spec(spec, context["params"])
    wait_for_turn(run, context["ti"])
    is_first = not context["task"].upstream_task_ids
    check_same_code(effective, run, step.__module__, is_first=is_first)
    with _stoppable(step, run) as stop:
        return run_step(step, effective, run, *records, on_open=show_run_link, **extras, **stop)


def wait_for_turn(run: RunContext, ti: Any) -> None:
    """Come back later while another run of the DAG is under way, such as one of a backfill.

    Raises:
        AirflowRescheduleException: It is.
    """

    def is_over(run_id: str) -> bool:
        try:
            return ti.get_dagrun_state(run.dag_id, run_id) in {"success", "failed"}
        except AirflowRuntimeError:  # somebody deleted it
            return True

    ahead = find_run_ahead(load_settings().data, run, is_over)
    if ahead is not None:
        logger.info("%s runs once at a time; waiting for run %s to end", run.dag_id, ahead)
        raise AirflowRescheduleException(datetime.now(UTC) + TURN_SECONDS)


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
    """Plan the learning curve of this DAG run; no share unless its form asks for one."""
    from include.steps.plan_curve import plan_curve

    run = build_run_context(spec, get_current_context())
    return list(plan_curve(spec, run, prepared).shares)


def planned_shares() -> list[float]:
    """Read what `plan_curve` planned, also where some of it failed."""
    return list(get_current_context()["ti"].xcom_pull(task_ids="plan_curve") or ())


def effective_spec(spec: PipelineSpec, params: Mapping[str, Any]) -> PipelineSpec:
    """Write the form into the spec, and refuse a source that the form may not name.

    Raises:
        ParamError: A key or a value is not accepted.
        SourceError: The source lies outside the allowed places.
    """
    effective = apply_params(spec, params)
    source = effective.source
    if params.get("source_uri") and isinstance(source, FileSource | HttpSource):
        from include.sources.access import check_files_allowed

        settings = load_settings()
        check_files_allowed(source, settings.allowed_source_roots, settings.sources)
    return effective


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
    )


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
    return [ti.xcom_pull(task_ids=step) for step in STEPS]


def skip_unless(is_done: bool, record: R, reason: str) -> R:
    """Show a task as skipped that had nothing to do, and hand its record on all the same.

    Raises:
        AirflowSkipException: Nothing was done.
    """
    if is_done:
        return record
    get_current_context()["ti"].xcom_push(key="return_value", value=record)
    raise AirflowSkipException(reason)


def perform_close(spec: PipelineSpec) -> None:
    """End the MLflow run as the DAG run ended; a failed run gets its report first."""
    from include.steps.close_run import close_run, was_killed

    context = get_current_context()
    run = build_run_context(spec, context)
    states = _task_states(context)
    if not has_failed(states):
        close_run(run, "FINISHED")
        return
    state: EndState = "KILLED" if was_killed(run) else "FAILED"
    if states.get("ingest") == "success" and "validate" in states:
        _report_failure(spec, run, context["params"])
    close_run(run, state)


def has_failed(states: Mapping[str, str | None]) -> bool:
    """Tell whether a DAG run failed, by the states of its tasks.

    A share of the learning curve that failed is a point less, not a run that failed.

    Example:
        >>> has_failed({"train": "success", "fit_share_0": "failed", "report": "success"})
        False
        >>> has_failed({"train": "failed", "report": "upstream_failed"})
        True
    """
    vital = (state for name, state in states.items() if not name.startswith("fit_share"))
    return any(state in {"failed", "upstream_failed"} for state in vital)


def _task_states(context: Any) -> dict[str, str | None]:
    ti = context["ti"]
    states = ti.get_task_states(dag_id=ti.dag_id, run_ids=[ti.run_id])
    return dict(states.get(ti.run_id, {}))


def _report_failure(spec: PipelineSpec, run: RunContext, params: Mapping[str, Any]) -> None:
    """Write the report of a run that failed; whatever goes wrong here, the run must be closed."""
    from include.steps.report import report

    try:
        report(apply_params(spec, params), run, *pull_records())
    except Exception:
        logger.exception("the failed run gets no report")
