"""A champion watched from its deliveries on: estimated first, measured when labels have come."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import yaml
from mlflow import MlflowClient
from typer.testing import CliRunner

from include.cli import app
from include.errors import DataError
from include.records import MonitorRecord, Window
from include.records.names import REPORT_PAGE
from include.serving.champion import load_served
from include.settings import load_settings
from include.specs import PipelineSpec
from include.steps.monitor import compare_window, find_unwatched
from include.steps.monitor.check_drift import check_drift
from include.steps.monitor.windows import Windows
from include.steps.runner import run_step
from include.tables.run_files import RunFiles
from tests.builders import make_frame, make_run
from tests.steps.score.test_scoring_chain import read_output, score, write_rows
from tests.steps.trained import Trained, make_named_spec, promote

ROWS = 400
# Rows of deliveries are kept for ninety days from now.
NOW = datetime.now(UTC)
RULES = {"require": {"accuracy": ">= 0.7"}, "on_drift": "retrain"}


@pytest.fixture
def sources(
    mlflow_server: str, tmp_path: Path, data_root: Path, monkeypatch: pytest.MonkeyPatch
) -> Path:
    monkeypatch.setenv("GATEHOUSE_MLFLOW_URL", mlflow_server)
    monkeypatch.setenv("GATEHOUSE_HOME", str(tmp_path))
    return data_root / "sources"


@pytest.fixture
def spec(request: pytest.FixtureRequest, sources: Path) -> PipelineSpec:
    """A pipeline of its own for each test, with a champion and one delivery."""
    spec = make_named_spec(request.node.name.split("[")[0][5:55].rstrip("_"), monitoring=RULES)
    trained = Trained(spec, frame=make_frame(1_200))
    promote(spec, trained.evaluate(), trained.run)
    write_rows(spec, sources / "incoming", "monday.csv", ROWS)
    score(spec, due=NOW.isoformat())
    return spec


def write_labels(spec: PipelineSpec, sources: Path, rows: slice, *, are_wrong: bool = False):
    known = make_frame(ROWS, seed=ROWS)[["loan_id", "repaid"]][rows]
    if are_wrong:
        known["repaid"] = known["repaid"].map({"yes": "no", "no": "yes"})
    place = sources / "labels" / spec.name / "labels.csv"
    place.parent.mkdir(parents=True, exist_ok=True)
    known.to_csv(place, index=False)
    return known


def monitor(spec: PipelineSpec, run_id: str, days: int = 0) -> MonitorRecord:
    due = NOW + timedelta(days=days)
    run = make_run(pipeline=spec.name, dag_id=f"monitor__{spec.name}", run_id=run_id, due=due)
    found = find_unwatched(spec, run.run_key)
    assert found is not None
    return run_step(compare_window, spec, run, found=found)


def read_windows(spec: PipelineSpec) -> list[Window]:
    return Windows(load_settings().data, spec.name).list_all()


def by_metric(metrics: Any) -> dict[str, Any]:
    return {each.metric: each for each in metrics}


def test_labels_that_come_late_measure_the_window_that_they_belong_to(spec, sources, monkeypatch):
    assert monitor(spec, "one").drifted == ()
    [window] = read_windows(spec)
    assert window.real == ()
    assert window.columns[-1].state == "stable"
    guessed = by_metric(window.estimated)["accuracy"]
    known = write_labels(spec, sources, slice(0, 300))
    done = monitor(spec, "two", 1)
    assert (done.rows, done.lost, done.starts_training) == (0, (), False)
    [window] = read_windows(spec)
    said = read_output(spec).merge(known, on="loan_id")
    real = by_metric(window.real)["accuracy"]
    assert (window.labelled, window.why) == (300, "nothing drifted")
    assert real.value == pytest.approx((said["prediction"] == said["repaid"]).mean())
    assert real.low < real.value < real.high
    assert guessed.low < real.value < guessed.high
    assert find_unwatched(spec, "monitor/three") is None


def test_a_performance_that_is_surely_lost_starts_a_training_once(spec, sources):
    monitor(spec, "one")
    write_labels(spec, sources, slice(0, 200), are_wrong=True)
    done = monitor(spec, "two", 1)
    assert done.lost == ("accuracy >= 0.7",)
    assert done.starts_training
    [window] = read_windows(spec)
    assert window.why.startswith("nothing drifted; by its labels: accuracy >= 0.7 is lost")
    write_labels(spec, sources, slice(0, 300), are_wrong=True)
    done = monitor(spec, "three", 8)
    assert (done.lost, done.starts_training) == ((), False)
    [window] = read_windows(spec)
    assert window.labelled == 300


def test_predicted_classes_in_other_shares_than_on_the_test_rows_are_warned_of(spec, sources):
    told = "the shares of the predicted classes are not those of its test rows"
    again = score(spec, "again", force=True, due=NOW.isoformat())
    assert not [text for text in again.warnings if told in text]
    rows = make_frame(2 * ROWS, seed=9)
    model = load_served(load_settings(), spec.name, "1").model
    rows = rows[model.predict(rows)["prediction"] == "yes"]
    place = sources / "incoming" / spec.name / "tuesday.csv"
    rows.drop(columns=["row_id", "repaid"]).to_csv(place, index=False)
    warnings = score(spec, "two", due=NOW.isoformat()).warnings
    assert [text for text in warnings if told in text]
    assert f"all {len(rows):,} rows are predicted as 'yes'" in warnings


def test_every_window_is_a_step_in_mlflow_and_a_point_on_the_page(spec, sources):
    monitor(spec, "one")
    write_labels(spec, sources, slice(0, 300))
    shifted = {"income": make_frame(ROWS + 1, seed=ROWS + 1)["income"] * 3}
    write_rows(spec, sources / "incoming", "tuesday.csv", ROWS + 1, **shifted)
    score(spec, "two", due=NOW.isoformat())
    done = monitor(spec, "two", 1)
    assert done.drifted[0] == "income"
    run = make_run(pipeline=spec.name, dag_id=f"monitor__{spec.name}", run_id="two")
    page = RunFiles(load_settings().data, run).read_bytes(REPORT_PAGE).decode()
    assert f"#2 {NOW + timedelta(days=1):%Y-%m-%d}" in page
    assert "Income drifted" in page
    client = MlflowClient(load_settings().mlflow)
    experiment = client.get_experiment_by_name(f"{spec.name}-monitor")
    logged = client.search_runs([experiment.experiment_id])[0]
    history = client.get_metric_history(logged.info.run_id, "rows")
    assert {each.step: each.value for each in history} == {1: ROWS, 2: ROWS + 1}
    real = client.get_metric_history(logged.info.run_id, "real/accuracy")
    assert 1 in {each.step for each in real}


def test_a_try_that_is_cut_short_looks_at_the_same_again(spec, sources):
    first = monitor(spec, "one")
    assert monitor(spec, "one") == first
    assert [each.number for each in read_windows(spec)] == [1]


def test_labels_that_cannot_be_read_keep_no_window_from_being_looked_at(spec, sources):
    place = sources / "labels" / spec.name / "labels.csv"
    place.parent.mkdir(parents=True)
    place.write_text("nothing,of,this\n1,2,3\n")
    assert monitor(spec, "one").why.endswith("the labels cannot be read")
    with pytest.raises(DataError, match="labels"):
        find_unwatched(spec, "monitor/two")


def test_a_file_is_judged_as_a_window_is_and_measured_by_its_own_target(spec, sources):
    monitor(spec, "one")
    [window] = read_windows(spec)
    file = sources / "incoming" / spec.name / "monday.csv"
    found = check_drift(spec, load_settings(), file)
    assert found.columns == window.columns
    assert found.estimated == window.estimated
    truth = make_frame(ROWS, seed=ROWS)["repaid"]
    pd.read_csv(file).assign(repaid=truth).to_csv(sources / "told.csv", index=False)
    found = check_drift(spec, load_settings(), sources / "told.csv")
    assert found.labelled == ROWS
    assert found.state == "stable"


def test_the_command_says_it_in_json_and_by_its_exit_code(spec, sources, tmp_path, monkeypatch):
    folder = tmp_path / "pipelines"
    folder.mkdir()
    monkeypatch.setenv("GATEHOUSE_PIPELINES_DIR", str(folder))
    content = spec.model_dump(mode="json", exclude_unset=True)
    (folder / "it.yaml").write_text(yaml.safe_dump(content))
    file = sources / "incoming" / spec.name / "monday.csv"
    asked = ["check", spec.name, "--against", str(file), "--drift"]
    done = CliRunner().invoke(app, [*asked, "--json"])
    assert done.exit_code == 0, done.output
    assert json.loads(done.stdout)["state"] == "stable"
    rows = pd.read_csv(file)
    rows.assign(income=rows["income"] * 3).to_csv(file, index=False)
    done = CliRunner().invoke(app, asked)
    assert done.exit_code == 1
    assert "monday.csv: drift" in done.stdout
