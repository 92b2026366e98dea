"""Runs on a real MLflow server: found again, resumed, and never harmed by a retry."""

import socket
import threading
from contextlib import suppress
from pathlib import Path

import pytest
import requests

from include.errors import StoppedError, TrackingUnavailableError
from include.records import RunContext, TableRef
from include.settings import Settings
from include.tracking import connection
from include.tracking.runs import (
    describe_run,
    end_run,
    find_run,
    hold_run,
    open_child_run,
    open_run,
    share_runs,
)
from tests.builders import make_run
from tests.mlflow_fixture import free_port


@pytest.fixture
def settings(mlflow_server: str, tmp_path: Path) -> Settings:
    return Settings(mlflow_url=mlflow_server, home=tmp_path)


@pytest.fixture
def run(request: pytest.FixtureRequest) -> RunContext:
    """One run key for each test: they share the server."""
    return make_run(run_id=f"manual__{request.node.name}", airflow_url="http://airflow/x")


def test_a_retry_continues_the_same_run(settings, run):
    first = open_run(settings, run)
    first.client.set_terminated(first.run_id, status="FAILED")

    second = open_run(settings, run)

    assert second.run_id == first.run_id
    assert second.client.get_run(second.run_id).info.status == "RUNNING"


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """List what the server is asked: method and path, without what follows a question mark."""
    paths: list[str] = []
    send = requests.Session.send

    def note(self, request, **arguments):
        paths.append(f"{request.method} {request.path_url.partition('?')[0]}")
        return send(self, request, **arguments)

    monkeypatch.setattr(requests.Session, "send", note)
    return paths


def test_a_later_task_asks_for_the_run_by_its_id(settings, run, asked, monkeypatch):
    first = open_run(settings, run)
    asked.clear()
    monkeypatch.setattr(connection, "TRUSTED_SECONDS", 0)

    assert open_run(settings, run).run_id == first.run_id

    assert asked == ["GET /health", "GET /api/2.0/mlflow/runs/get"]


@pytest.mark.parametrize("note", ["", "0" * 32, "of another"])
def test_a_run_is_searched_where_the_note_of_its_id_is_of_no_use(settings, run, note):
    first = open_run(settings, run)
    (place,) = settings.home.rglob("mlflow_run_id")
    other = open_run(settings, run.model_copy(update={"run_id": f"{run.run_id}_other"}))
    place.write_text(other.run_id if note == "of another" else note)

    assert find_run(settings, run).run_id == first.run_id
    assert open_run(settings, run).run_id == first.run_id
    assert place.read_text() == first.run_id


def test_a_run_that_was_deleted_in_mlflow_is_not_written_to(settings, run):
    first = open_run(settings, run)
    first.client.delete_run(first.run_id)

    assert find_run(settings, run) is None
    assert open_run(settings, run).run_id != first.run_id


def test_steps_of_one_task_open_their_run_once(settings, run, asked):
    with share_runs():
        with hold_run(settings, run, "judge") as first:
            first.log_metrics({"a": 1.0})
        asked.clear()
        with hold_run(settings, run, "promote") as second:
            assert second is first

    assert asked == []
    assert open_run(settings, run) is not first


def test_what_a_step_records_is_sent_in_one_call(settings, run, asked):
    with hold_run(settings, run) as log:
        asked.clear()
        log.log_params({"epochs": 3})
        log.log_metrics({"accuracy": 0.5})
        assert asked == []

    assert asked == ["POST /api/2.0/mlflow/runs/log-batch"]
    data = log.client.get_run(log.run_id).data
    assert (data.params, data.metrics) == ({"epochs": "3"}, {"accuracy": 0.5})


def test_parameters_travel_with_the_first_epoch(settings, run, asked):
    with hold_run(settings, run) as log:
        log.log_params({"epochs": 3})
        asked.clear()
        log.log_epochs({1: {"train/loss": 2.0}})
        assert asked == ["POST /api/2.0/mlflow/runs/log-batch"]
        assert log.client.get_run(log.run_id).data.params == {"epochs": "3"}
        asked.clear()
    assert asked == []


def test_a_file_is_stored_without_asking_where(settings, run, asked):
    log = open_run(settings, run)
    asked.clear()

    log.log_text("page", "report.html")

    (only,) = asked
    assert only.startswith("PUT ")


def test_parameters_that_cannot_be_sent_fail_the_step_unless_it_failed_by_itself(settings, run):
    log = open_run(settings, run)
    log.client.log_batch = _refuse_connection
    with pytest.raises(TrackingUnavailableError), log.hold():
        log.log_params({"epochs": 3})

    with pytest.raises(ZeroDivisionError), log.hold():
        _fail_after(log)


def test_a_step_that_was_stopped_is_told_so_where_its_run_is_gone(settings, run, caplog):
    log = open_run(settings, run)
    log.client.delete_run(log.run_id)
    with pytest.raises(StoppedError), log.hold():
        _stop_after(log)
    assert "not in MLflow" in caplog.text


def _stop_after(log):
    log.log_metrics({"accuracy": 0.5})
    raise StoppedError("stopped")


def test_looking_for_a_run_makes_no_directory(settings, run):
    assert find_run(settings, run) is None
    assert not (settings.home / "data").exists()


def _fail_after(log):
    log.log_params({"rows": 3})
    raise ZeroDivisionError


def _refuse_connection(*_arguments, **_named):
    raise requests.exceptions.ConnectionError("refused")


def test_a_run_that_made_a_champion_is_not_written_to_again(settings, run):
    first = open_run(settings, run)
    first.set_tags({"gatehouse.promoted": "true", "gatehouse.version": "1"})
    assert open_run(settings, run).run_id == first.run_id  # a retry within the run goes on in it
    first.client.set_terminated(first.run_id, status="FINISHED")

    second = open_run(settings, run)

    assert second.run_id != first.run_id
    assert open_run(settings, run).run_id == second.run_id
    before, after = (first.client.get_run(each.run_id) for each in (first, second))
    assert before.info.status == "FINISHED"
    assert before.data.tags["airflow.run_key"].endswith("(made version 1)")
    assert after.data.tags["gatehouse.follows"] == first.run_id


@pytest.mark.parametrize("status", ["RUNNING", "KILLED", "FAILED"])
def test_a_candidate_is_not_made_anew_in_the_run_of_a_champion(settings, run, status):
    first = open_run(settings, run, "promote")
    first.set_tags({"gatehouse.promoted": "true", "gatehouse.version": "1"})
    first.client.set_terminated(first.run_id, status=status)
    # What follows the promotion, tried again, goes on in it.
    assert open_run(settings, run, "report").run_id == first.run_id
    first.client.set_terminated(first.run_id, status=status)

    with hold_run(settings, run, "train") as second:
        assert open_run(settings, run).run_id == second.run_id

    assert second.run_id != first.run_id
    assert open_run(settings, run, "promote").run_id == second.run_id
    before = first.client.get_run(first.run_id)
    assert before.info.status == ("FINISHED" if status == "RUNNING" else status)
    assert before.data.tags["airflow.run_key"].endswith("(made version 1)")


def test_two_dag_runs_are_two_mlflow_runs_of_one_experiment(settings, run):
    first = open_run(settings, run)
    second = open_run(settings, run.model_copy(update={"run_id": "manual__other"}))

    assert first.run_id != second.run_id
    assert first.experiment_id == second.experiment_id


def test_the_run_names_its_dag_run_and_links_to_it(settings, run):
    run = run.model_copy(update={"note": "try <script> harder"})

    tags = open_run(settings, run).client.get_run(find_run(settings, run).run_id).data.tags

    assert tags["airflow.run_key"] == run.run_key
    assert tags["airflow.run_url"] == "http://airflow/x"
    assert "(<http://airflow/x>)" in tags["mlflow.note.content"]
    assert "<script>" not in tags["mlflow.note.content"]


def test_a_changed_parameter_becomes_a_tag(settings, run):
    open_run(settings, run).log_params({"epochs": 5, "long": "x" * 9000})
    log = open_run(settings, run)

    log.log_params({"epochs": 7, "batch_size": 32, "long": "x" * 9000})

    data = log.client.get_run(log.run_id).data
    assert data.params == {"epochs": "5", "batch_size": "32", "long": "x" * 6000}
    assert data.tags["gatehouse.changed.epochs"] == "7"
    assert "gatehouse.changed.long" not in data.tags


def test_metrics_that_are_not_finite_are_left_out(settings, run, caplog):
    log = open_run(settings, run)

    log.log_metrics({"loss": float("nan"), "auc": float("inf"), "accuracy": 0.5}, step=1)

    assert log.client.get_run(log.run_id).data.metrics == {"accuracy": 0.5}
    assert "not finite" in caplog.text


def test_hundreds_of_hostile_names_are_accepted(settings, run):
    log = open_run(settings, run)
    names = [f"accuracy <{number}>=✓/../x" for number in range(150)]

    log.log_params(dict.fromkeys(names, "a" * 7000))
    log.log_metrics(dict.fromkeys(names, 1.0))
    log.set_tags(dict.fromkeys(names, "é" * 7000))

    data = log.client.get_run(log.run_id).data
    assert len(data.params) == len(data.metrics) == 150


def test_artifacts_and_tables_are_recorded(settings, run, tmp_path):
    log = open_run(settings, run)
    ref = TableRef(uri="/data/raw/x", key="a" * 40, rows=10, size_bytes=99, columns=3)

    log.log_text("<p>é</p>", "report.html")
    log.log_bytes(b"\x00", "figures/a.png")
    (tmp_path / "history.csv").write_text("epoch\n")
    log.log_file(tmp_path / "history.csv", "training")
    for _ in range(2):
        log.log_table(ref, "raw", "training")

    paths = {
        item.path
        for place in ("", "figures", "training")
        for item in log.client.list_artifacts(log.run_id, place)
    }
    assert {"report.html", "figures/a.png", "training/history.csv"} <= paths
    inputs = log.client.get_run(log.run_id).inputs.dataset_inputs
    assert [item.dataset.digest for item in inputs] == ["a" * 36]


def test_a_child_run_is_found_again_under_its_parent(settings, run):
    parent = open_run(settings, run)

    first = open_child_run(settings, parent, "25 %")
    again = open_child_run(settings, parent, "25 %")

    assert first.run_id == again.run_id != parent.run_id
    tags = first.client.get_run(first.run_id).data.tags
    assert tags["mlflow.parentRunId"] == parent.run_id


def test_an_unreachable_server_is_named_at_once(run, tmp_path):
    settings = Settings(mlflow_url=f"http://127.0.0.1:{free_port()}", home=tmp_path)

    with pytest.raises(TrackingUnavailableError, match=settings.mlflow_url):
        open_run(settings, run)


def test_a_server_that_does_not_answer_is_asked_once_and_not_four_minutes_long(run, tmp_path):
    asked = []

    def hang_up(listener: socket.socket) -> None:
        with suppress(OSError):  # the test has ended
            while True:
                connection, _ = listener.accept()
                asked.append(1)
                connection.close()

    with socket.create_server(("127.0.0.1", 0)) as listener:
        threading.Thread(target=hang_up, args=(listener,), daemon=True).start()
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        with pytest.raises(TrackingUnavailableError, match=url):
            open_run(Settings(mlflow_url=url, home=tmp_path), run)
        listener.shutdown(socket.SHUT_RDWR)
    assert asked == [1]


def test_an_end_that_could_not_be_said_is_said_by_the_next_run_of_any_pipeline(settings, run):
    log = open_run(settings, run)
    log.log_metrics({"loss": 1.0}, step=1)
    away = settings.model_copy(update={"mlflow_url": f"http://127.0.0.1:{free_port()}"})
    with pytest.raises(TrackingUnavailableError):
        end_run(away, run, "FAILED")
    assert log.client.get_run(log.run_id).info.status == "RUNNING"

    open_run(settings, make_run(run_id="manual__of_another", pipeline="digits", dag_id="x"))

    assert log.client.get_run(log.run_id).info.status == "FAILED"
    assert not list((settings.home / "spool").iterdir())


def test_a_run_that_goes_on_forgets_an_end_that_was_not_said(settings, run):
    log = open_run(settings, run)
    away = settings.model_copy(update={"mlflow_url": f"http://127.0.0.1:{free_port()}"})
    with pytest.raises(TrackingUnavailableError):
        end_run(away, run, "KILLED")

    open_run(settings, run)

    assert log.client.get_run(log.run_id).info.status == "RUNNING"


def test_runs_of_another_airflow_on_the_same_server_are_left_alone(settings, run):
    other = settings.model_copy(update={"installation": "another"})
    theirs = open_run(other, run)
    same_id = open_run(settings, run)
    later = open_run(settings, run.model_copy(update={"run_id": "manual__later"}))

    assert len({theirs.run_id, same_id.run_id, later.run_id}) == 3
    assert later.client.get_run(theirs.run_id).info.status == "RUNNING"


def test_a_run_that_waits_for_an_answer_is_not_ended_by_the_next(settings, run):
    waiting = open_run(settings, run)
    later = open_run(settings, run.model_copy(update={"run_id": "manual__later"}))
    assert later.client.get_run(waiting.run_id).info.status == "RUNNING"


@pytest.mark.parametrize(
    ("state", "expected"), [("FINISHED", "FAILED"), ("KILLED", "KILLED")], ids=str
)
def test_a_nested_run_that_an_outage_left_open_ends_with_its_parent(settings, run, state, expected):
    parent = open_run(settings, run)
    left, done = (open_child_run(settings, parent, name) for name in ("left", "done"))
    done.client.set_terminated(done.run_id, status="FINISHED")

    end_run(settings, run, state)

    statuses = [parent.client.get_run(each.run_id).info.status for each in (left, done)]
    assert statuses == [expected, "FINISHED"]


def test_a_run_is_called_by_its_number_and_how_it_stands(settings, run):
    run = run.model_copy(update={"pipeline": "numbered"})
    first, second, third = (
        open_run(settings, run.model_copy(update={"run_id": f"manual__{each}"})) for each in "abc"
    )
    assert [first.name, second.name, third.name] == ["#1 running", "#2 running", "#3 running"]

    second.rename("promoted", "log_loss", 0.08123)
    end_run(settings, run.model_copy(update={"run_id": "manual__a"}), "FAILED")
    for each in "bc":
        end_run(settings, run.model_copy(update={"run_id": f"manual__{each}"}), "FINISHED")

    names = [first.client.get_run(each.run_id).info.run_name for each in (first, second, third)]
    assert names == ["#1 failed", "#2 promoted 0.08123 log_loss", "#3 done"]
    again = open_run(settings, run.model_copy(update={"run_id": "manual__a"}))
    assert again.name == "#1 running"


def test_a_name_that_a_person_gave_stays(settings, run):
    first = open_run(settings, run)
    first.client.update_run(first.run_id, name="my best")

    open_run(settings, run).rename("kept", "log_loss", 0.1)

    assert open_run(settings, run).name == "my best"


def test_the_metric_that_decides_is_the_first_of_a_training(settings, run):
    run = run.model_copy(update={"deciding_metric": "log_loss", "triggered_by": "ada"})
    log = open_run(settings, run)
    log.log_metrics({"data/rows": 5.0})
    open_run(settings, run).log_metrics({"Deciding: log_loss": 0.2, "baseline/log_loss": 0.7})

    data = log.client.get_run(log.run_id).data

    assert next(iter(data.metrics.items())) == ("Deciding: log_loss", 0.2)
    assert (data.tags["mlflow.user"], data.tags["gatehouse.kind"]) == ("ada", "train")


def test_a_description_says_what_became_of_the_run_and_leads_to_its_report(run):
    text = describe_run(run, "Kept: <b> is *worse*.", {"Report": "http://m/#/x"})

    assert text.splitlines()[0] == r"Kept: \<b\> is \*worse\*."
    assert text.splitlines()[2].startswith("[Report](<http://m/#/x>) · Airflow run: [")


@pytest.mark.parametrize("ends_well", [True, False])
def test_a_steps_metrics_are_there_once_it_has_ended_however_that_was(settings, run, ends_well):
    run = run.model_copy(update={"run_id": f"manual__held_{ends_well}"})
    with suppress(ZeroDivisionError), hold_run(settings, run, "prepare") as log:
        log.log_metrics({"rows": 3.0})
        log.log_epochs({1: {"loss": 0.5}})
        assert dict(log.client.get_run(log.run_id).data.metrics) == {"loss": 0.5}
        log.log_metrics({"seconds": 1 / ends_well})
    log.log_metrics({"after": 1.0})
    told = set(log.client.get_run(log.run_id).data.metrics)
    assert told == {"loss", "rows", "after"} | ({"seconds"} if ends_well else set())
