"""What MLflow and Airflow know of pipelines, told on the command line."""

import json

import pytest
from typer.testing import CliRunner

from include.cli import app
from include.errors import ParamError
from include.settings import Settings
from include.stack.overview import describe_run_row
from include.tracking.lookup import find_address, find_named_run, list_runs
from include.tracking.runs import end_run, open_run
from tests.builders import make_run, make_spec


@pytest.fixture
def settings(mlflow_server: str, tmp_path, monkeypatch) -> Settings:
    settings = Settings(mlflow_url=mlflow_server, home=tmp_path, airflow_port=9)
    for name in ("mlflow_url", "home", "airflow_port"):
        monkeypatch.setenv(f"GATEHOUSE_{name.upper()}", str(getattr(settings, name)))
    return settings


def leave_run(settings: Settings, pipeline: str, run_id: str, value: float) -> str:
    """Leave a judged run in MLflow; gives its id."""
    run = make_run(pipeline=pipeline, dag_id=f"train__{pipeline}", run_id=run_id, note="why not")
    log = open_run(settings, run)
    log.log_metrics({"Deciding: log_loss": value, "test/log_loss": value, "data/rows": 5})
    log.log_params({"training.epochs": 3, "training.learning_rate": value})
    log.set_tags({"gatehouse.verdict": "keep", "gatehouse.reason": f"not better than {value}"})
    log.rename("kept", "log_loss", value)
    end_run(settings, run, "FINISHED")
    return log.run_id


def test_runs_are_listed_the_latest_first_and_found_by_number_and_id(settings):
    first, second = (leave_run(settings, "listed", name, 0.25) for name in ("a", "b"))

    found = list_runs(settings, "listed", last=5)

    assert [run.run_id for run in found] == [second, first]
    assert find_named_run(settings, "listed#1").run_id == first
    assert find_named_run(settings, second).name == "#2 kept 0.25 log_loss"
    row = describe_run_row(found[0], make_spec(name="listed"))
    assert (row["run"], row["state"], row["log_loss"]) == ("listed#2", "kept", 0.25)
    assert (row["note"], row["learning_rate"]) == ("why not", "0.25")


@pytest.mark.parametrize("name", ["listed#99", "nothing", "none#1", "x' OR '1"])
def test_a_run_that_is_not_there_is_refused(settings, name):
    with pytest.raises(ParamError, match=r"as digits#12, or MLflow's id of a run. Received"):
        find_named_run(settings, name)


def test_addresses_lead_to_runs_and_latest_report_and_say_nothing_of_what_is_not_there(settings):
    assert find_address(settings, "unheard", "runs") == ""
    assert find_address(settings, "unheard", "champion") == ""
    run_id = leave_run(settings, "led", "a", 0.5)
    assert "viewStateShareKey=gatehouse" in find_address(settings, "led", "runs")
    report = find_address(settings, "led", "report")
    assert report.endswith(f"/runs/{run_id}/artifacts/report.html?workflowType=machine_learning")


def invoke(*arguments: str):
    return CliRunner().invoke(app, arguments, env={"COLUMNS": "200"})


def test_compare_tells_metrics_reasons_and_the_parameters_that_differ(settings):
    leave_run(settings, "compared", "a", 0.5)
    leave_run(settings, "compared", "b", 0.25)

    answer = invoke("compare", "compared#1", "compared#2", "--json")

    told = json.loads(answer.output)
    assert next(iter(told["metrics"].items())) == ("Deciding: log_loss", [0.5, 0.25])
    assert told["params"] == {"training.learning_rate": ["0.5", "0.25"]}
    assert "data/rows" not in told["metrics"]
    assert "not better than 0.25" in invoke("compare", "compared#1", "compared#2").output


def test_pipelines_are_listed_also_while_airflow_is_away(settings):
    answer = invoke("list", "--json")
    assert answer.exit_code == 0
    names = [each["name"] for each in json.loads(answer.stdout)]
    assert names == ["adult", "digits", "mnist", "pollution"]
    assert "airflow" in answer.stderr.lower()


def test_show_lists_the_runs_of_a_pipeline(settings):
    leave_run(settings, "digits", "a", 0.0625)
    answer = invoke("show", "digits")
    assert answer.exit_code == 0
    assert "digits#" in answer.output  # others use the server, too
    assert "0.0625" in answer.output


def test_show_names_a_champion_that_somebody_registered_by_hand(settings):
    log = open_run(settings, make_run(pipeline="pollution", run_id="by hand"))
    log.client.create_registered_model("pollution")
    place = f"{log.client.get_run(log.run_id).info.artifact_uri}/model"
    about = "Warning: try training.class\\_weights.\n\n[Report](<http://x>)"
    log.client.create_model_version("pollution", place, log.run_id, description=about)
    log.client.set_registered_model_alias("pollution", "champion", "1")
    try:
        answer = invoke("show", "pollution")
    finally:  # others use the server, too
        log.client.delete_registered_model("pollution")
    assert answer.exit_code == 0, answer.output
    assert "champion version 1" in answer.output
    assert "\nWarning: try training.class_weights.\n" in answer.output


def test_a_misspelled_pipeline_gets_the_nearest_name(settings):
    answer = invoke("show", "digit")
    assert answer.exit_code == 1
    assert "Did you mean 'digits'?" in answer.output


def test_the_version_is_told():
    assert invoke("--version").output.startswith("gatehouse 0.")


def test_ports_given_once_are_remembered_and_the_environment_wins(settings, monkeypatch):
    from include.settings import load_settings, remember_ports

    remember_ports(settings.model_copy(update={"airflow_port": 18, "mlflow_port": 19}))
    assert load_settings().mlflow_port == 19
    assert load_settings().airflow_port == 9
    (settings.home / "ports.json").write_text("broken")
    assert load_settings().mlflow_port == 5000


@pytest.mark.parametrize("option", [("--epochs", "0"), ("--learning-rate", "-1")])
def test_a_value_out_of_range_is_refused_before_anything_starts(settings, option):
    answer = invoke("run", "digits", *option)
    assert answer.exit_code == 1
    assert "breaks the spec of 'digits'" in answer.output
    assert not (settings.home / "run").exists()


def test_the_schema_is_json(settings):
    assert json.loads(invoke("schema").output)["title"] == "Gatehouse pipeline"
