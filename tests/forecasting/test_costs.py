"""Costs of earlier runs: measured by the runs themselves, and only what was really done."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

from include.cli import app
from include.errors import DataError
from include.forecasting.costs import read_costs
from include.records import StepCost, TrainRecord
from include.steps.train.files import mark_finished
from include.tables.run_files import RunFiles
from tests.builders import BASE_SPEC, make_run, make_spec


def put_run(
    root: Path,
    name: str,
    rows: int,
    *,
    epochs: int = 2,
    fit_seconds: float = 4.0,
    reused: tuple[str, ...] = (),
    array_bytes: int = 123,
) -> None:
    files = RunFiles(str(root), make_run(run_id=name))
    for step in ("ingest", "validate", "prepare", "train"):
        cost = StepCost(
            step=step,
            wall_seconds=5.0,
            cpu_seconds=10.0,
            peak_memory_bytes=500,
            start_memory_bytes=400,
            rows=rows if step != "train" else 0,
            is_reused=step in reused,
        )
        files.write_bytes(f"costs/{step}.json", cost.model_dump_json().encode())
    trained = TrainRecord(
        model_uri="m",
        parameters=1,
        epochs=epochs,
        best_epoch=1,
        is_stopped_early=True,
        seconds=fit_seconds,
        metrics={},
        history_uri="h",
        array_bytes=array_bytes,
    )
    mark_finished(files, "fingerprint", trained)


def test_what_was_reused_or_not_repeated_tells_nothing(tmp_path: Path) -> None:
    put_run(tmp_path, "one", 100)
    put_run(tmp_path, "two", 200, reused=("ingest", "prepare"), fit_seconds=60.0)
    costs = read_costs(str(tmp_path), make_spec())
    assert costs.rows == (100, 200)
    assert costs.steps == ("ingest", "validate", "prepare", "train")
    assert [each.rows for each in costs.of_step("ingest")] == [100]
    assert [each.rows for each in costs.of_step("validate")] == [100, 200]
    assert [each.rows for each in costs.of_step("train")] == [100]


def test_a_fit_that_ended_early_is_reckoned_with_all_epochs(tmp_path: Path) -> None:
    put_run(tmp_path, "one", 100, epochs=2)
    spec = make_spec(training={"epochs": 10})
    train = read_costs(str(tmp_path), spec).of_step("train")[0]
    assert train.seconds == pytest.approx(5 + 8 * 4 / 2)
    assert train.cpu_seconds == pytest.approx(2 * train.seconds)
    assert train.array_bytes == 123


def test_without_a_run_the_forecast_says_how_to_get_one(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"Received: none\. Run it once.*--row-limit 10000"):
        read_costs(str(tmp_path), make_spec())


@pytest.fixture
def pipelines(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import yaml

    (tmp_path / "pipelines").mkdir()
    (tmp_path / "pipelines" / "loans.yaml").write_text(yaml.safe_dump(BASE_SPEC), encoding="utf-8")
    monkeypatch.setenv("GATEHOUSE_PIPELINES_DIR", str(tmp_path / "pipelines"))


def test_rows_that_will_not_fit_end_the_command_with_1(data_root: Path, pipelines: None) -> None:
    put_run(data_root, "one", 100)
    put_run(data_root, "two", 200)
    arguments = ["forecast", "loans", "--rows"]
    done = CliRunner().invoke(app, [*arguments, "1000"], env={"COLUMNS": "200"})
    assert done.exit_code == 0, done.output
    assert "Measured by runs on 100 and 200 rows" in done.output
    done = CliRunner().invoke(app, [*arguments, str(10**14)], env={"COLUMNS": "200"})
    assert done.exit_code == 1
    assert "will not fit" in done.output


def test_runs_of_one_size_end_the_command_with_0(data_root: Path, pipelines: None) -> None:
    for name in ("one", "two", "three"):
        put_run(data_root, name, 5_000, array_bytes=0)
    arguments = ["forecast", "loans", "--rows", str(10**14)]
    done = CliRunner().invoke(app, arguments, env={"COLUMNS": "400"})
    assert done.exit_code == 0, done.output
    assert "may not fit" in done.output
    assert "--row-limit 1200" in done.output


def test_a_step_that_was_reused_but_once_is_named(data_root: Path, pipelines: None) -> None:
    put_run(data_root, "one", 5_000)
    put_run(data_root, "two", 20_000, reused=("prepare",))
    done = CliRunner().invoke(app, ["forecast", "loans", "--rows", "90000"], env={"COLUMNS": "400"})
    assert done.exit_code == 0, done.output
    assert "Note: all runs of prepare had about 5,000 rows" in done.output
