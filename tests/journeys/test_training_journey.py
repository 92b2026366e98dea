"""The main job on the real stack: from a table to a promoted champion, and every way to fail."""

import functools
from concurrent.futures import ThreadPoolExecutor

import pytest
from mlflow import MlflowClient

from include.errors import ParamError
from include.records.model import list_options
from tests.builders import make_frame
from tests.journeys.faults import call
from tests.journeys.journey import Finished, Journey
from tests.journeys.secret_scan import find_secrets, list_files, list_secrets

pytestmark = [
    pytest.mark.timeout(600),
    pytest.mark.xdist_group("train__digits"),
]


@pytest.fixture(scope="module")
def first(journey: Journey) -> Finished:
    """Train digits once."""
    return journey.train("digits")


def metrics_of(run) -> dict[str, float]:
    return {metric["key"]: metric["value"] for metric in run["data"]["metrics"]}


def tags_of(run) -> dict[str, str]:
    return {tag["key"]: tag["value"] for tag in run["data"]["tags"]}


def test_the_first_run_promotes_a_good_champion(journey: Journey, first: Finished):
    assert first.state == "success", first.tasks
    assert (first.tasks["approve"], first.tasks["promote"]) == ("skipped", "success")
    assert journey.champion("digits") == "1"
    run = journey.mlflow_run(first)
    assert run["info"]["status"] == "FINISHED"
    assert metrics_of(run)["test/accuracy"] >= 0.95


def test_mlflow_and_airflow_point_at_each_other(journey: Journey, first: Finished):
    run = journey.mlflow_run(first)
    tags = tags_of(run)
    assert tags["airflow.run_url"].endswith(f"/dags/{first.dag_id}/runs/{first.run_id}")
    link = journey.api.get_link(first.dag_id, first.run_id, "train")
    assert link.endswith(f"{run['info']['run_id']}?workflowType=machine_learning")
    note = journey.api.get_run(first.dag_id, first.run_id)["note"]
    assert note.startswith("Version 1 is the first champion: ")
    assert run["info"]["run_name"].startswith("#1 promoted 0.")
    assert note.split(",")[0] in tags["mlflow.note.content"]
    assert tags["mlflow.user"] == "admin"


def test_the_run_has_metrics_by_epoch_a_data_set_and_the_report(journey: Journey, first: Finished):
    run = journey.mlflow_run(first)
    run_id = run["info"]["run_id"]
    history = journey.mlflow("metrics/get-history", run_id=run_id, metric_key="train/loss")[
        "metrics"
    ]
    trained = journey.api.get_record(first.dag_id, first.run_id, "train") or {}
    assert sorted(point["step"] for point in history) == list(range(1, trained["epochs"] + 1))
    assert run["inputs"]["dataset_inputs"]
    files = {file["path"] for file in journey.mlflow("artifacts/list", run_id=run_id)["files"]}
    assert {"report.html", "figures"} <= files


def test_progress_of_the_fit_stands_in_the_task_state_store(journey: Journey, first: Finished):
    progress = journey.api.get_state(first.dag_id, first.run_id, "train", "progress")
    assert progress["epoch"] <= progress["epochs"]
    assert "loss" in progress


def test_no_record_is_larger_than_8_kb(journey: Journey, first: Finished):
    for task_id in first.tasks:
        record = journey.api.get_record(first.dag_id, first.run_id, task_id)
        assert len(str(record)) < 8192, task_id


def test_no_secret_of_the_stack_stands_in_what_a_run_leaves(journey: Journey, first: Finished):
    home = journey.settings.home
    names = {path.name for path in list_files(home)}
    assert {"airflow.db", "mlflow.db", "report.html", "scheduler.log"} <= names
    assert find_secrets(home, list_secrets(journey)) == set()


@pytest.mark.parametrize("place", ["log", "xcom", "tag", "artifact"])
def test_that_search_finds_a_secret_wherever_one_leaks(
    journey: Journey, first: Finished, place: str
):
    # Not a real one, so that the search above stays true in whatever order.
    secret = f"leaked-into-{place}"
    tracked = journey.mlflow_run(first)["info"]["run_id"]
    if place == "log":
        [log, *_] = (journey.settings.home / "airflow" / "logs").rglob("*train*/**/*.log")
        with log.open("a") as file:
            file.write(f"WARNING - {secret}\n")
    elif place == "xcom":
        run = f"dags/{first.dag_id}/dagRuns/{first.run_id}"
        body = {"key": "leak", "value": {"inside": [secret]}}
        call(journey, "POST", f"{run}/taskInstances/train/xcomEntries", body)
    else:
        client = MlflowClient(journey.settings.mlflow)
        if place == "tag":
            client.set_tag(tracked, "leak", secret)
        else:
            client.log_text(tracked, f"<p>{secret}</p>", "leak.html")

    found = find_secrets(journey.settings.home, {"planted": secret})

    files = {path for _, path in found}
    where = {"log": ".log", "xcom": "airflow.db", "tag": "mlflow.db", "artifact": "leak.html"}
    assert any(where[place] in path for path in files), files


def test_a_second_run_reuses_the_tables_and_keeps_the_champion(journey: Journey, first: Finished):
    again = journey.train("digits")
    assert again.state == "success", again.tasks
    assert "reused" in journey.log(again, "ingest")
    assert "reusing features" in journey.log(again, "prepare")
    # The same rows and seed give the same model, which is not better.
    assert again.tasks["approve"] == again.tasks["promote"] == "skipped"
    assert journey.champion("digits") == "1"
    assert journey.mlflow_run(again)["info"]["status"] == "FINISHED"
    same = metrics_of(journey.mlflow_run(again))
    assert same["test/accuracy"] == same["champion/accuracy"]


def test_a_loss_that_is_not_finite_fails_at_once_and_registers_nothing(journey: Journey, first):
    versions = journey.versions("digits")
    run = journey.train("digits", learning_rate=1e30)
    assert run.state == "failed"
    assert run.tasks["train"] == "failed"
    assert run.tries["train"] == 1
    assert "Lower training.learning_rate" in journey.log(run, "train")
    assert journey.mlflow_run(run)["info"]["status"] == "FAILED"
    assert journey.versions("digits") == versions


def test_an_unknown_parameter_is_refused_by_rest_with_the_nearest_name(journey: Journey):
    with pytest.raises(ParamError, match="Did you mean 'epochs'"):
        journey.start("digits", epoch=3)


def test_a_bad_value_is_refused_by_rest(journey: Journey):
    with pytest.raises(ParamError, match="epochs"):
        journey.start("digits", epochs=0)


@pytest.mark.parametrize("value", [10**400, functools.reduce(lambda x, _: [x], range(200), 0)])
def test_what_no_task_could_be_handed_is_refused_by_rest(journey: Journey, value: object):
    with pytest.raises(ParamError, match="what starts a run must be JSON"):
        journey.start("digits", x=value)


def test_many_triggers_at_once_are_all_taken(journey: Journey):
    # A paused DAG keeps them; SQLite lets one of them write at a time.
    dag_id = "explore__asked"
    journey.wait(lambda: journey.api.get_dag(dag_id) is not None, f"{dag_id} is loaded", 90)
    bodies = [{"logical_date": None, "conf": {"note": str(number)}} for number in range(28)]
    with ThreadPoolExecutor(len(bodies)) as pool:
        calls = [
            pool.submit(call, journey, "POST", f"dags/{dag_id}/dagRuns", each) for each in bodies
        ]
    assert [each.exception() for each in calls] == [None] * len(bodies)


def test_a_broken_pipeline_file_shows_as_an_import_error(journey: Journey):
    def shown() -> list[str]:
        return [error["stack_trace"] for error in journey.api.list_import_errors()]

    journey.wait(lambda: bool(shown()), "the import error shows", 60)
    assert any("broken.yaml: sorce" in text for text in shown())
    assert journey.api.get_dag("train__broken") is None


def test_data_that_break_the_contract_train_nothing(journey: Journey):
    frame = make_frame(300).drop(columns="row_id")
    frame["age"] = 7
    frame.to_csv(journey.sources / "loans.csv", index=False)
    run = journey.train("loans")
    assert run.tasks["validate"] == "failed"
    assert run.tries["validate"] == 1
    assert run.tasks["train"] == "upstream_failed"
    assert "age" in journey.log(run, "validate")
    closed = journey.mlflow_run(run)
    assert closed["info"]["status"] == "FAILED"
    files = journey.mlflow("artifacts/list", run_id=closed["info"]["run_id"])["files"]
    assert "report.html" in {file["path"] for file in files}
    assert closed["info"]["run_name"].endswith(" failed")
    assert journey.api.get_run(run.dag_id, run.run_id)["note"].startswith("The data broke a")


@pytest.mark.parametrize(
    "keeps",
    # A journey of the command line declines.
    [False, pytest.param(True, marks=pytest.mark.slow)],
)
def test_a_person_decides_when_the_policy_asks(journey: Journey, keeps: bool):
    make_frame(400).drop(columns="row_id").to_csv(journey.sources / "loans.csv", index=False)
    dag_id, run_id = journey.start("loans")
    before = journey.champion("loans")

    def is_answered() -> bool:
        journey.answer(dag_id, run_id, list_options(before)[keeps])
        return journey.state(dag_id, run_id, "approve") == "success"

    journey.wait(is_answered, "it asks and is answered", 240)
    run = journey.finish(dag_id, run_id)
    assert run.state == "success", run.tasks
    assert run.tasks["promote"] == ("skipped" if keeps else "success")
    assert (journey.champion("loans") == before) is keeps
