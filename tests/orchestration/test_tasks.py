"""What all tasks share: what a form may name, and what a step may hand on."""

from contextlib import nullcontext
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import cast

import pandas as pd
import pytest
from airflow.sdk.execution_time.comms import AssetEventDagRunReferenceResult
from airflow.sdk.execution_time.context import TriggeringAssetEventsAccessor

from include.errors import GatehouseError, SourceError, TrackingUnavailableError
from include.orchestration import tasks
from include.orchestration.tasks import effective_spec, perform, perform_close, plan_shares
from include.records import STEPS, PrepareRecord, PromoteRecord
from include.settings import load_settings
from include.steps.evaluate import evaluate
from include.steps.runner import check_size
from include.tracking.runs import open_run
from tests.builders import make_run, make_spec
from tests.mlflow_fixture import free_port


def make_dag_run(dag_id: str, run_id: str) -> SimpleNamespace:
    return SimpleNamespace(
        dag_id=dag_id,
        run_id=run_id,
        run_after=datetime(2026, 1, 5, 3, tzinfo=UTC),
        logical_date=None,
        triggering_user_name="ada",
        run_type=SimpleNamespace(value="manual"),
    )


RUN = make_dag_run("train__loans", "manual__1")


def test_a_run_that_nobody_triggered_says_what_did():
    dag_run = make_dag_run("train__loans", "asset_triggered__1")
    dag_run.triggering_user_name, dag_run.run_type.value = None, "asset_triggered"
    context = {"dag_run": dag_run, "params": {}, "ti": SimpleNamespace(try_number=1)}
    run = tasks.build_run_context(make_spec(), context)
    assert (run.triggered_by, run.cause) == ("asset_triggered", "asset triggered")


def test_a_run_that_an_asset_started_says_why():
    dag_run = make_dag_run("train__loans", "asset_triggered__1")
    dag_run.triggering_user_name, dag_run.run_type.value = None, "asset_triggered"
    event = AssetEventDagRunReferenceResult(
        asset={"name": "drift__loans", "uri": "gatehouse://drift/loans", "extra": {}},
        extra={"why": "income shifted"},
        source_task_id="ask_for_training",
        source_dag_id="monitor__loans",
        source_run_id="scheduled__1",
        source_map_index=-1,
        source_aliases=[],
        timestamp=RUN.run_after,
    )
    events = TriggeringAssetEventsAccessor.build([event])
    ti = SimpleNamespace(try_number=1)
    context = {"dag_run": dag_run, "params": {}, "ti": ti, "triggering_asset_events": events}
    run = tasks.build_run_context(make_spec(), context)
    assert run.cause == "drift__loans: income shifted"


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
        "dag_run": make_dag_run("train__loans", "manual__1"),
        "params": {},
        "task": SimpleNamespace(upstream_task_ids=set()),
        "ti": SimpleNamespace(try_number=1, xcom_push=lambda **_: None),
    }
    monkeypatch.setattr(tasks, "get_current_context", lambda: context)
    monkeypatch.setattr(tasks, "show_run_link", lambda: nullcontext(print))

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
        effective_spec(make_spec(), {"source_uri": uri}, RUN)


def test_nor_lead_there_by_the_test_file_beside_it(sources):
    spec = make_spec(source={"kind": "file", "uri": "loans.csv", "test_uri": "test.csv"})
    with pytest.raises(SourceError, match="inside one of"):
        effective_spec(spec, {"source_uri": "new.csv"}, RUN)


@pytest.mark.parametrize(
    ("zone", "logical", "expected"),
    [
        ("UTC", "2026-03-01T23:30Z", "2026-03-01"),
        ("Pacific/Apia", "2026-03-01T23:30Z", "2026-03-02"),  # thirteen hours ahead
        ("Pacific/Apia", "2011-12-30T09:59Z", "2011-12-29"),  # the island left the 30th out
        ("Pacific/Apia", "2011-12-30T10:00Z", "2011-12-31"),
        ("Europe/Berlin", "2026-03-28T23:00Z", "2026-03-29"),  # that day has 23 hours
        ("Europe/Berlin", "2026-03-29T21:59Z", "2026-03-29"),
        ("Europe/Berlin", "2026-03-29T22:00Z", "2026-03-30"),
    ],
)
def test_the_logical_date_of_a_run_selects_its_data(zone, logical, expected):
    spec = make_spec(
        source={"kind": "file", "uri": "rows/{date}.csv"},
        schedule={"cron": "0 3 * * *", "timezone": zone},
    )
    # A backfill is due now, and is for a day of the past.
    run = make_dag_run("train__loans", "backfill__1")
    run.logical_date = datetime.fromisoformat(logical)
    assert effective_spec(spec, {}, run).source.uri == f"rows/{expected}.csv"


def test_a_run_without_a_logical_date_reads_what_is_there_when_it_is_due():
    spec = make_spec(source={"kind": "file", "uri": "rows/{date}.csv"})
    assert effective_spec(spec, {}, RUN).source.uri == "rows/2026-01-05.csv"


def test_a_form_may_name_a_file_among_the_sources(sources):
    assert effective_spec(make_spec(), {"source_uri": "new.csv"}, RUN).source.uri == "new.csv"


DONE = {**dict.fromkeys((*STEPS, "approve", "report"), "success"), "close_run": "running"}


def close(
    monkeypatch, states, recorded=STEPS, *, status="RUNNING", try_number=1, name="close", report=""
):
    """Close a run whose tasks are in these states; gives how its MLflow run ended."""
    run = make_run(run_id=f"manual__{name}")
    log = open_run(load_settings(), run)
    if status != "RUNNING":
        log.client.set_terminated(log.run_id, status=status)
    kept = {(name, "return_value") for name in recorded}
    ti = SimpleNamespace(
        dag_id=run.dag_id,
        run_id=run.run_id,
        try_number=try_number,
        max_tries=4,
        get_task_states=lambda **_: {run.run_id: states},
        xcom_pull=lambda task_ids, key: (task_ids, key) in kept or None,
        xcom_push=lambda **pushed: monkeypatch.setattr(tasks, "told", pushed, raising=False),
    )
    dag_run = make_dag_run(run.dag_id, run.run_id)
    context = {"dag_run": dag_run, "params": {}, "ti": ti}
    monkeypatch.setattr(tasks, "get_current_context", lambda: context)
    monkeypatch.setattr(tasks, "_report_failure", lambda *_: report)
    try:
        perform_close(make_spec())
    finally:
        ended = log.client.get_run(log.run_id).info.status
        monkeypatch.setattr(tasks, "ended", ended, raising=False)
    return ended


@pytest.mark.parametrize(
    "changes",
    [
        {"approve": "skipped"},
        {"approve": "skipped", "promote": "skipped"},
        {"fit_share_0": "failed", "draw_curve": "skipped"},
    ],
    ids=["promoted unasked", "kept unasked", "a share less"],
)
def test_a_run_with_all_its_records_finishes(changes, mlflow_server, data_root, monkeypatch):
    assert close(monkeypatch, {**DONE, **changes}) == "FINISHED"


def test_a_run_that_failed_in_its_first_task_gets_its_report(mlflow_server, data_root, monkeypatch):
    states = dict.fromkeys(DONE, "upstream_failed") | {"ingest": "failed", "close_run": "running"}
    with pytest.raises(GatehouseError, match="ingest failed"):
        close(monkeypatch, states, (), name="first", report="The run ended in ingest.")
    assert tasks.told["value"] == "The run ended in ingest."


AFTER_TRAIN = ("evaluate", "judge", "approve", "promote", "report")


@pytest.mark.parametrize(
    ("status", "changes", "end", "said"),
    [
        ("RUNNING", {"train": "failed", "report": "upstream_failed"}, "FAILED", "train failed"),
        ("KILLED", {"train": "failed", "report": "upstream_failed"}, "KILLED", "train failed"),
        (
            "RUNNING",
            {"train": "failed", **dict.fromkeys(AFTER_TRAIN, "skipped")},
            "KILLED",
            "train failed",
        ),
        ("RUNNING", dict.fromkeys(AFTER_TRAIN, "skipped"), "KILLED", "evaluate was skipped"),
        ("RUNNING", {"report": "skipped"}, "KILLED", "report was skipped"),
        ("RUNNING", {"ingest": "upstream_failed"}, "FAILED", "ingest was not reached"),
    ],
    ids=["failed", "stopped", "marked in mid-fit", "marked between", "no report", "not reached"],
)
def test_the_mlflow_run_ends_as_the_dag_run_does_and_never_well_without_a_verdict(
    status, changes, end, said, mlflow_server, data_root, monkeypatch
):
    states = {**DONE, **changes}
    recorded = {name for name in STEPS if states[name] == "success"}
    with pytest.raises(GatehouseError, match=f"come to its end. Received: {said}"):
        close(monkeypatch, states, recorded, status=status, name=f"{said}{status}{len(changes)}")
    assert tasks.ended == end


@pytest.mark.parametrize(
    ("closed", "before", "end"),
    [
        ("success", "FINISHED", "FINISHED"),
        ("failed", "KILLED", "FAILED"),
        (None, "FINISHED", "RUNNING"),
    ],
    ids=["of a good run", "of a failed run", "with all that follow"],
)
@pytest.mark.parametrize("fails", [False, True], ids=["ends well", "fails"])
def test_a_task_cleared_alone_leaves_the_mlflow_run_as_the_dag_run_ends(
    closed, before, end, fails, mlflow_server, data_root, monkeypatch
):
    run = make_run(run_id=f"manual__cleared_{closed}_{fails}")
    log = open_run(load_settings(), run)
    log.client.set_terminated(log.run_id, status=before)
    context = {
        "dag_run": make_dag_run(run.dag_id, run.run_id),
        "params": {},
        "task": SimpleNamespace(upstream_task_ids=set()),
        "ti": SimpleNamespace(
            dag_id=run.dag_id,
            run_id=run.run_id,
            try_number=2,
            xcom_push=lambda **_: None,
            get_task_states=lambda **_: {run.run_id: {**DONE, "close_run": closed}},
        ),
    }
    monkeypatch.setattr(tasks, "get_current_context", lambda: context)
    monkeypatch.setattr(tasks, "show_run_link", lambda: nullcontext(print))

    def step(spec, run):
        assert log.client.get_run(log.run_id).info.status == "RUNNING"
        return PromoteRecord(is_promoted=False, reason="x" * 9000 * fails)

    with pytest.raises(GatehouseError, match="below 8192") if fails else nullcontext():
        perform(step, make_spec())
    assert log.client.get_run(log.run_id).info.status == end


@pytest.mark.parametrize("marked", ["judge", "promote"])
def test_a_task_marked_success_by_hand_gives_no_finished_run(
    marked, mlflow_server, data_root, monkeypatch
):
    recorded = {name for name in STEPS if name != marked}
    with pytest.raises(GatehouseError, match=f"{marked} was marked success and handed on nothing"):
        close(monkeypatch, DONE, recorded, name=marked)
    assert tasks.ended == "FAILED"
    said = f"Failed: {marked} was marked success and handed on nothing."
    assert tasks.told == {"key": "sentence", "value": said}


def test_a_good_run_stays_one_when_mlflow_never_comes_back(mlflow_server, data_root, monkeypatch):
    away = f"http://127.0.0.1:{free_port()}"
    run = make_run(run_id="manual__away")
    ti = {"dag_id": run.dag_id, "run_id": run.run_id, "max_tries": 4}
    context = {"dag_run": make_dag_run(run.dag_id, run.run_id), "params": {}}
    monkeypatch.setattr(tasks, "get_current_context", lambda: context)
    monkeypatch.setenv("GATEHOUSE_MLFLOW_URL", away)
    for try_number, is_last in ((4, False), (5, True)):
        context["ti"] = SimpleNamespace(
            **ti,
            try_number=try_number,
            get_task_states=lambda **_: {run.run_id: DONE},
            xcom_pull=lambda task_ids, key: task_ids,
        )
        with nullcontext() if is_last else pytest.raises(TrackingUnavailableError, match="answer"):
            perform_close(make_spec())


def test_a_step_without_what_it_works_on_says_which_task_did_not_run():
    with pytest.raises(GatehouseError, match=r"evaluate needs the record of train, .* Clear train"):
        perform(evaluate, make_spec(), cast("PrepareRecord", object()), None)
    with pytest.raises(GatehouseError, match="plan_curve needs the record of prepare"):
        plan_shares(make_spec(), cast("PrepareRecord", None))
