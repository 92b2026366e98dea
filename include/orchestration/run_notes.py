"""The note of a DAG run, which Airflow's lists and grids show: what became of it, in a sentence."""

import json
from typing import Any

from airflow.listeners import hookimpl

SENTENCE = "sentence"
MAX_NOTE = 1_000
# `close_run` writes the report of a run that failed, and says so itself.
TOLD = (("close_run", SENTENCE), ("report", "return_value"))


class RunNotes:
    """Writes the note as a run ends; in the scheduler, which may write to Airflow's database."""

    @hookimpl
    def on_dag_run_success(self, dag_run: Any, msg: str) -> None:
        """Say how a good run ended."""
        del msg
        write_note(dag_run)

    @hookimpl
    def on_dag_run_failed(self, dag_run: Any, msg: str) -> None:
        """Say what a failed run came to."""
        del msg
        write_note(dag_run)


def write_note(dag_run: Any) -> None:
    """Put the sentence of a run's report before whatever a person noted."""
    sentence = _find_sentence(dag_run)
    before = str(dag_run.note or "")
    if sentence and not before.startswith(sentence):
        dag_run.note = "\n\n".join(filter(None, (sentence, before)))[:MAX_NOTE]


def _find_sentence(dag_run: Any) -> str:
    """Read what the report said, by the task that wrote it."""
    from airflow.models.xcom import XComModel
    from sqlalchemy import select, tuple_
    from sqlalchemy.orm import object_session

    session = object_session(dag_run)
    if session is None:
        return ""
    query = select(XComModel.key, XComModel.value).where(
        XComModel.dag_id == dag_run.dag_id,
        XComModel.run_id == dag_run.run_id,
        tuple_(XComModel.task_id, XComModel.key).in_(TOLD),
    )
    found = dict(session.execute(query).tuples().all())
    if SENTENCE in found:
        return str(found[SENTENCE])
    report = found.get("return_value") or {}
    record = json.loads(report) if isinstance(report, str) else report
    return str(record.get("__data__", record).get(SENTENCE, ""))
