"""What is told of a run, in words: composed here, sent by the step `notify`.

Names of tasks and columns, counts and versions only: what a gate or a slice says may hold a value
of a row, and stays on the pages that the link leads to.
"""

from typing import Any
from urllib.parse import quote

from airflow.sdk import Connection, get_current_context

from include.records import MonitorRecord, Notice, PromoteRecord, RunContext, Verdict
from include.settings import load_settings
from include.specs import PipelineSpec


def tell_failure(spec: PipelineSpec, dag_run: Any, problem: str) -> None:
    """Tell that a run failed, or that its data did not pass."""
    if problem == "validate failed":
        said = "the data did not pass its gate", "Read the report, mend the data, run it again."
        _tell(spec, "gates", said[0], next_move=said[1], dag_run=dag_run)
        return
    move = "Read the log of that task; clear it with all that follow it once it is mended."
    _tell(spec, "failed", "a run failed", why=problem, next_move=move, dag_run=dag_run)


def tell_verdict(spec: PipelineSpec, verdict: Verdict, promoted: PromoteRecord) -> None:
    """Tell that a candidate became champion, or that it did not pass a gate."""
    failed = sum(not gate.is_passed for gate in verdict.gates)
    if promoted.is_promoted:
        move = f"If that was wrong: gatehouse rollback {spec.name} --reason …"
        _tell(spec, "promoted", promoted.reason, next_move=move, key=promoted.version)
    elif failed:
        why = f"{failed} of {len(verdict.gates)} gates were not passed"
        move = "The champion stays; the report says which and by how much."
        _tell(spec, "gates", "the candidate did not pass", why=why, next_move=move)


def tell_approval(spec: PipelineSpec, verdict: Verdict) -> None:
    """Tell that a person is asked."""
    move = f"Answer in Airflow within {spec.promotion.approval_hours:g} hours; no answer is a no."
    what = "a candidate waits for your approval"
    _tell(spec, "approval", what, why=f"the verdict is {verdict.kind}", next_move=move)


def tell_drift(spec: PipelineSpec, compared: MonitorRecord) -> None:
    """Tell what drifted or was lost; the same findings of the same version are told once."""
    if compared.drifted or compared.lost:
        move = "" if compared.starts_training else f"Train again: gatehouse run {spec.name}"
        lost = compared.lost and f"version {compared.version} no longer keeps its bounds"
        what = lost or f"the rows that version {compared.version} scores have drifted"
        key = f"{compared.version} {', '.join((*compared.drifted, *compared.lost))}"
        _tell(spec, "drift", what, why=compared.why, next_move=move, key=key)


def tell_late(spec: PipelineSpec, run: RunContext, hours: float) -> None:
    """Tell that a run takes longer than it should; each run once."""
    why = f"under way for {hours:.0f} hours, late after {spec.notify.late_hours:g}"
    move = "See which task is at work or waits for its turn, and its log."
    _tell(spec, "late", f"{run.dag_id} is late", why=why, next_move=move, dag_run=run)


def tell_doubt(spec: PipelineSpec, question: str, why: str) -> None:
    """Tell that a person is asked whether to go back."""
    move = f"Answer in Airflow within {spec.promotion.approval_hours:g} hours; no answer is a no."
    _tell(spec, "approval", question, why=why, next_move=move)


def tell_rollback(spec: PipelineSpec, done: PromoteRecord, by: str) -> None:
    """Tell that somebody went back to an earlier version."""
    _tell(spec, "rolled_back", f"{done.reason} ({by})")


def _tell(
    spec: PipelineSpec,
    event: str,
    what: str,
    *,
    why: str = "",
    next_move: str = "",
    key: str = "",
    dag_run: Any = None,
) -> None:
    from include.steps.notify import notify

    run = dag_run or get_current_context()["dag_run"]
    notice = Notice(
        event=event,
        pipeline=spec.name,
        what=what,
        why=why,
        link=f"{load_settings().airflow}/dags/{run.dag_id}/runs/{quote(run.run_id)}",
        next_move=next_move,
        key=key or f"{run.dag_id}/{run.run_id}",
    )
    notify(spec, notice, _find_address)


def _find_address(connection_id: str) -> str:
    """Write an Airflow connection as an address: of a mail server, or of a webhook."""
    found: Any = Connection.get(connection_id)
    host = str(found.host or "").rstrip("/")
    port = f":{found.port}" if found.port else ""
    password = found.password or ""
    if found.conn_type in {"smtp", "smtps", "email"}:
        login = f"{quote(found.login, '')}:{quote(password, '')}@" if found.login else ""
        scheme = "smtps" if found.port == 465 else "smtp"
        return f"{scheme}://{login}{host}{port}"
    root = host if "://" in host else f"{found.schema or 'https'}://{host}"
    return f"{root}{port}/{password.lstrip('/')}" if password else f"{root}{port}"
