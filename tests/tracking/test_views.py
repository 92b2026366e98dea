"""The shared view of a pipeline's runs, as MLflow's page reads it."""

import json

import pytest

from include.settings import Settings
from include.tracking.runs import open_run
from include.tracking.views import share_view
from tests.builders import make_run


@pytest.fixture
def settings(mlflow_server: str, tmp_path) -> Settings:
    return Settings(mlflow_url=mlflow_server, home=tmp_path)


def test_the_view_tells_who_won_by_how_much_and_is_written_when_it_changed(settings, monkeypatch):
    run = make_run(pipeline="viewed", run_id="manual__view")
    share_view(open_run(settings, run), deciding="log_loss", required=("accuracy",))

    log = open_run(settings, run)
    view = json.loads(log.experiment_tags["mlflow.sharedViewState.gatehouse"])
    assert view["selectedColumns"][:4] == [
        "tags.`gatehouse.verdict`",
        "tags.`gatehouse.promoted`",
        "metrics.`Deciding: log_loss`",
        "metrics.`test/accuracy`",
    ]
    assert view["compareRunCharts"][-1]["selectedMetricKeys"] == [
        "train/loss",
        "train/validation_loss",
    ]
    sections = {section["uuid"] for section in view["compareRunSections"]}
    assert {chart["metricSectionId"] for chart in view["compareRunCharts"]} == sections
    assert log.runs_url.endswith("?workflowType=machine_learning&viewStateShareKey=gatehouse")

    monkeypatch.setattr(log.client, "set_experiment_tag", None)  # called, it would raise
    share_view(log, deciding="log_loss", required=("accuracy",))
