"""The probe: the same work as a run, nothing left behind, and a name of its own."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from mlflow import MlflowClient
from typer.testing import CliRunner

from include.cli import app
from include.errors import DataError
from include.forecasting.probe import EXPERIMENT, make_probe_spec, run_probe
from include.settings import load_settings
from tests.builders import BASE_SPEC, make_frame, make_spec
from tests.table_builders import put


def test_few_rows_stop_nothing_in_a_probe() -> None:
    rule = {"expect": "expect_column_mean_to_be_between", "column": "age", "min_value": 0}
    spec = make_spec(
        min_rows=1_000,
        quality=[rule],
        training={"epochs": 40, "early_stopping": {"patience": 2}},
    )
    probe = make_probe_spec(spec, "loans_probe_1", 50)
    assert (probe.name, probe.row_limit, probe.min_rows) == ("loans_probe_1", 50, 1)
    assert probe.quality[0].severity == "warning"
    assert probe.quality[0].arguments == {"column": "age", "min_value": 0}
    assert (probe.training.epochs, probe.training.early_stopping) == (3, None)
    assert make_probe_spec(make_spec(), "x", 5).training.epochs == 2
    assert probe.columns == spec.columns


@pytest.fixture
def forecast(
    data_root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., tuple[int, str]]:
    """Give a pipeline with a source of 240 rows, and the command."""
    import yaml

    put(data_root, "loans.csv", make_frame(240).drop(columns="row_id").to_csv(index=False))
    pipelines = tmp_path / "pipelines"
    pipelines.mkdir()
    (pipelines / "loans.yaml").write_text(yaml.safe_dump(BASE_SPEC), encoding="utf-8")
    monkeypatch.setenv("GATEHOUSE_PIPELINES_DIR", str(pipelines))
    monkeypatch.setenv("GATEHOUSE_HOME", str(tmp_path / "home"))

    def invoke(*arguments: str) -> tuple[int, str]:
        done = CliRunner().invoke(app, ["forecast", "loans", *arguments], env={"COLUMNS": "200"})
        return done.exit_code, done.output

    return invoke


@pytest.mark.slow
@pytest.mark.usefixtures("mlflow_server")
def test_an_absurd_number_of_rows_is_refused_and_nothing_stays(
    forecast: Callable[..., tuple[int, str]], data_root: Path
) -> None:
    code, text = forecast("--rows", str(10**13))
    assert code == 1, text
    assert "10,000,000,000,000 rows will take about" in text
    for step in ("ingest", "validate", "prepare", "train"):
        assert step in text
    assert "rows will not fit: " in text
    assert "are free here. Use " in text
    assert "Measured on 60, 120 and 240 rows" in text
    assert "the source has 240 rows, fewer than the probe would take" in text
    assert [path for path in (data_root / "tables").rglob("*") if path.is_file()] == []
    assert not list((data_root / "runs").glob("*"))
    client = MlflowClient(load_settings().mlflow)
    experiment = client.get_experiment_by_name(EXPERIMENT)
    runs = client.search_runs([experiment.experiment_id])
    assert {run.data.tags["gatehouse.kind"] for run in runs} == {"forecast"}
    assert {run.info.status for run in runs} == {"FINISHED"}
    assert client.get_experiment_by_name("loans_probe") is None


@pytest.mark.usefixtures("mlflow_server")
def test_a_source_that_is_not_there_is_said_to_be_missing(
    forecast: Callable[..., tuple[int, str]], data_root: Path
) -> None:
    (data_root / "sources" / "loans.csv").unlink()
    code, text = forecast("--rows", "1000")
    assert code == 1
    assert "ingest failed" in text
    assert "loans.csv" in text


def test_without_mlflow_it_says_so_at_once(
    forecast: Callable[..., tuple[int, str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GATEHOUSE_MLFLOW_URL", "http://127.0.0.1:9")
    code, text = forecast("--rows", "1000")
    assert code == 1
    assert "the MLflow server must answer at http://127.0.0.1:9" in text


@pytest.mark.usefixtures("mlflow_server")
def test_a_source_of_too_few_rows_gives_no_forecast(data_root: Path) -> None:
    put(data_root, "loans.csv", make_frame(8).drop(columns="row_id").to_csv(index=False))
    with pytest.raises(
        DataError, match="two numbers of rows that go .* Received: 0; the source has 8 rows"
    ):
        run_probe(
            make_spec(),
            load_settings(),
            most_rows=1_000,
            environment=dict(os.environ),
            tell=lambda _: None,
        )
