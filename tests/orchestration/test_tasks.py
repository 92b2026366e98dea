"""What all tasks share: what a form may name, and what a step may hand on."""

from types import SimpleNamespace

import pandas as pd
import pytest

from include.errors import GatehouseError, SourceError
from include.orchestration import tasks
from include.orchestration.tasks import effective_spec, perform, perform_close
from include.records import PromoteRecord
from include.settings import load_settings
from include.steps.runner import check_size
from include.tracking.runs import open_run
from tests.builders import make_run, make_spec


def test_a_record_that_is_too_long_is_refused_with_advice():
    record = PromoteRecord(is_promoted=False, reason="x" * 9000)
    with pytest.raises(GatehouseError, match=r"below 8192 bytes. Received: PromoteRecord of 9\d+"):
        check_size(record)


def test_bytes_count_rather_than_characters():
    with pytest.raises(GatehouseError, match=r"Received: PromoteRecord of 12\d+"):
        check_size(PromoteRecord(is_promoted=False, reason="分" * 4000))


def test_a_short_record_passes_as_it_is():
    record = PromoteRecord(is_promoted=False, reason="short")
    assert check_size(record) is record


@pytest.mark.parametrize(
    ("result", "said"),
    [
        (PromoteRecord(is_promoted=False, reason="x" * 9000), "below 8192 bytes"),
        (pd.DataFrame({"a": range(10)}), "must return a record. Received: DataFrame"),
    ],
    ids=["long record", "frame"],
)
def test_a_task_hands_on_nothing_but_short_records(
    result, said, mlflow_server, data_root, monkeypatch
):
    context = {
        "dag_run": SimpleNamespace(dag_id="train__loans", run_id="manual__1"),
        "params": {},
        "task": SimpleNamespace(upstream_task_ids=set()),
        "ti": SimpleNamespace(try_number=1, xcom_push=lambda **_: None),
    }
    monkeypatch.setattr(tasks, "get_current_context", lambda: context)
    monkeypatch.setattr(tasks, "show_run_link", lambda *_: None)

    def step(spec, run):
        return result

    with pytest.raises(GatehouseError, match=said):
        perform(step, make_spec())


@pytest.fixture
def sources(data_root):
    (data_root / "secret").mkdir()
    (data_root / "secret" / "s.csv").write_text("x\n1\n", encoding="utf-8")
    (data_root / "sources" / "link.csv").symlink_to(data_root / "secret" / "s.csv")
    (data_root / "sources" / "test.csv").symlink_to(data_root / "secret" / "s.csv")
    (data_root / "sources" / "new.csv").write_text("x\n1\n", encoding="utf-8")
    return data_root / "sources"


@pytest.mark.parametrize("uri", ["../secret/s.csv", "/etc/passwd", "link.csv", "*.csv"])
def test_a_form_cannot_name_a_file_outside_the_sources(sources, uri):
    with pytest.raises(SourceError):
        effective_spec(make_spec(), {"source_uri": uri})


def test_nor_lead_there_by_the_test_file_beside_it(sources):
    spec = make_spec(source={"kind": "file", "uri": "loans.csv", "test_uri": "test.csv"})
    with pytest.raises(SourceError, match="inside one of"):
        effective_spec(spec, {"source_uri": "new.csv"})


def test_a_form_may_name_a_file_among_the_sources(sources):
    assert effective_spec(make_spec(), {"source_uri": "new.csv"}).source.uri == "new.csv"


@pytest.mark.parametrize(
    ("status", "states", "end"),
    [
        ("RUNNING", {"ingest": "success", "report": "success"}, "FINISHED"),
        ("RUNNING", {"ingest": "failed", "report": "upstream_failed"}, "FAILED"),
        ("KILLED", {"ingest": "failed", "report": "upstream_failed"}, "KILLED"),
    ],
    ids=["done", "failed", "stopped"],
)
def test_the_mlflow_run_ends_as_the_dag_run_did(
    status, states, end, mlflow_server, data_root, monkeypatch
):
    spec, run = make_spec(), make_run(run_id=f"manual__{end}")
    log = open_run(load_settings(), run)
    if status != "RUNNING":
        log.client.set_terminated(log.run_id, status=status)
    ti = SimpleNamespace(
        dag_id=run.dag_id,
        run_id=run.run_id,
        try_number=1,
        get_task_states=lambda **_: {run.run_id: states},
    )
    dag_run = SimpleNamespace(dag_id=run.dag_id, run_id=run.run_id)
    context = {"dag_run": dag_run, "params": {}, "ti": ti}
    monkeypatch.setattr(tasks, "get_current_context", lambda: context)

    perform_close(spec)

    assert log.client.get_run(log.run_id).info.status == end
