"""The command line: what it prints and how it exits."""

import socket
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest
import yaml
from typer.testing import CliRunner

from include.cli import app
from tests.builders import BASE_SPEC, make_frame

ROOT = Path(__file__).resolve().parents[1]
DIGITS = (ROOT / "include" / "pipelines" / "digits.yaml").read_text(encoding="utf-8")


@pytest.fixture
def pipelines(tmp_path, monkeypatch, data_root):
    directory = tmp_path / "pipelines"
    directory.mkdir()
    monkeypatch.setenv("GATEHOUSE_PIPELINES_DIR", str(directory))
    monkeypatch.setenv("GATEHOUSE_HOME", str(tmp_path / "home"))
    return directory


def invoke(*arguments: str):
    return CliRunner().invoke(app, arguments, env={"COLUMNS": "200"})


def test_every_command_has_a_help_text():
    answer = invoke("--help")
    assert answer.exit_code == 0
    for command in ("up", "down", "status", "check", "new", "run", "serve", "explain", "forecast"):
        assert command in answer.output


def test_check_tells_right_files_from_wrong_ones_and_fails(pipelines):
    (pipelines / "digits.yaml").write_text(DIGITS, encoding="utf-8")
    (pipelines / "wrong.yaml").write_text("name: wrong\nsorce: {}\n", encoding="utf-8")
    answer = invoke("check")
    assert answer.exit_code == 1
    assert "digits.yaml: right" in answer.output
    assert "wrong.yaml: source: Field required" in answer.output


def test_check_passes_when_all_files_are_right(pipelines):
    (pipelines / "digits.yaml").write_text(DIGITS, encoding="utf-8")
    assert invoke("check").exit_code == 0


def test_check_names_an_expectation_that_does_not_exist(pipelines):
    text = DIGITS.replace("expect_column_values_to_be_between", "expect_wonders")
    (pipelines / "digits.yaml").write_text(text, encoding="utf-8")
    answer = invoke("check")
    assert answer.exit_code == 1
    assert "expect_wonders" in answer.output


def test_an_unknown_pipeline_is_refused_before_anything_starts(pipelines):
    (pipelines / "digits.yaml").write_text(DIGITS, encoding="utf-8")
    answer = invoke("run", "digit")
    assert answer.exit_code == 1
    assert "expected one of the pipelines ['digits']. Received: 'digit'" in answer.output


def test_a_source_that_is_not_there_is_refused_before_anything_starts(pipelines):
    (pipelines / "digits.yaml").write_text(DIGITS, encoding="utf-8")
    answer = invoke("run", "digits", "--source", "nowhere.csv")
    assert answer.exit_code == 1
    assert "which is not there" in answer.output


def test_a_source_without_its_test_file_is_refused_before_anything_starts(
    pipelines, tmp_path, monkeypatch
):
    spec = {**BASE_SPEC, "source": {"kind": "file", "uri": "train.csv", "test_uri": "test.csv"}}
    (pipelines / "loans.yaml").write_text(yaml.safe_dump(spec), encoding="utf-8")
    for origin in ("a", "b"):
        (tmp_path / origin).mkdir()
        (tmp_path / origin / "mine.csv").write_text(origin, encoding="utf-8")
    (tmp_path / "a" / "test.csv").write_text("tests of a", encoding="utf-8")
    with socket.socket() as listener:
        # On a port that is taken, nothing starts, but the file of `a` is there by then.
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        monkeypatch.setenv("GATEHOUSE_AIRFLOW_PORT", str(listener.getsockname()[1]))
        first = invoke("run", "loans", "--source", str(tmp_path / "a" / "mine.csv"))
        second = invoke("run", "loans", "--source", str(tmp_path / "b" / "mine.csv"))
    assert "needs a free port" in first.output
    assert second.exit_code == 1
    assert f"Received: no file {tmp_path / 'b' / 'test.csv'}" in second.output.replace("\n", " ")


def test_run_offers_not_to_wait(pipelines):
    answer = invoke("run", "--help")
    assert answer.exit_code == 0
    assert "--no-wait" in answer.output


def test_new_drafts_a_pipeline_and_brings_its_file_along(pipelines, tmp_path, data_root):
    source = tmp_path / "mine.csv"
    source.write_text("x,y\n" + "\n".join(f"{n * 7 % 50},{n % 2}" for n in range(60)), "utf-8")
    answer = invoke("new", "mine", "--from", str(source), "--target", "y")
    assert answer.exit_code == 0, answer.output
    assert (pipelines / "mine.yaml").exists()
    assert (data_root / "sources" / "mine" / "mine.csv").exists()
    assert invoke("check").exit_code == 0


def test_new_leaves_no_pipeline_without_its_rows(pipelines, tmp_path, data_root):
    source = tmp_path / "mine.csv"
    source.write_text("x,y\n" + "\n".join(f"{n * 7 % 50},{n % 2}" for n in range(60)), "utf-8")
    blocked = data_root / "sources" / "mine"
    blocked.parent.mkdir(exist_ok=True)
    blocked.write_text("a file where the directory should be", encoding="utf-8")
    assert invoke("new", "mine", "--from", str(source), "--target", "y").exit_code != 0
    assert not (pipelines / "mine.yaml").exists()
    blocked.unlink()
    assert invoke("new", "mine", "--from", str(source), "--target", "y").exit_code == 0


def test_status_fails_while_nothing_is_up(pipelines):
    answer = invoke("status")
    assert answer.exit_code == 1
    assert "down" in answer.output


def write_loans(pipelines: Path, tmp_path: Path, **changes: object) -> Path:
    (pipelines / "loans.yaml").write_text(yaml.safe_dump({**BASE_SPEC}), encoding="utf-8")
    path = tmp_path / "march.csv"
    make_frame(200).drop(columns="row_id").assign(**changes).to_csv(path, index=False)
    return path


def test_a_file_that_meets_the_contract_passes_the_check(pipelines, tmp_path, data_root):
    path = write_loans(pipelines, tmp_path)
    answer = invoke("check", "loans", "--against", str(path))
    assert answer.exit_code == 0, answer.output
    assert "200 rows meet all" in answer.output
    assert not list((data_root).glob("tables/**/*.parquet"))


def test_a_check_prints_nothing_but_its_answer(pipelines, tmp_path):
    path = write_loans(pipelines, tmp_path)
    command = [sys.executable, "-c", "from include.cli import app; app()"]
    done = subprocess.run(
        [*command, "check", "loans", "--against", str(path)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    assert "200 rows meet all" in done.stdout
    # DuckDB says there what outlives the interpreter.
    assert done.stderr == ""


def test_a_file_that_breaks_the_contract_is_told_how(pipelines, tmp_path):
    path = write_loans(pipelines, tmp_path, age=7)
    answer = invoke("check", "loans", "--against", str(path))
    assert answer.exit_code == 1
    assert "age" in answer.output
    assert "200" in answer.output


def test_a_file_without_the_target_is_checked_as_rows_to_score(pipelines, tmp_path):
    path = write_loans(pipelines, tmp_path)
    pd.read_csv(path).drop(columns="repaid").to_csv(path, index=False)
    answer = invoke("check", "loans", "--against", str(path))
    assert answer.exit_code == 0, answer.output
    assert "has no repaid: checked as rows to score" in answer.output
    assert "200 rows meet all" in answer.output


def test_a_file_without_a_column_of_the_contract_is_told_which(pipelines, tmp_path):
    path = write_loans(pipelines, tmp_path)
    path.write_text(path.read_text(encoding="utf-8").replace("income", "earnings"), "utf-8")
    answer = invoke("check", "loans", "--against", str(path))
    assert answer.exit_code == 1
    assert "income" in answer.output


def test_run_refuses_a_network_that_could_never_fit_before_anything_starts(pipelines):
    text = DIGITS.replace("hidden: [", f"hidden: [{', '.join(['65536'] * 40)}, ")
    assert text != DIGITS
    (pipelines / "digits.yaml").write_text(text, encoding="utf-8")
    answer = invoke("run", "digits")
    assert answer.exit_code == 1
    assert "GB of all memory. Received: model.hidden=[65536" in " ".join(answer.output.split())
    assert not (pipelines.parent / "home" / "run").exists()


def test_a_run_is_triggered_without_importing_what_its_tasks_work_with(pipelines):
    code = (
        "import sys; from typer.testing import CliRunner; from include.cli import app; "
        "answer = CliRunner().invoke(app, ['run', 'nowhere']); "
        "assert answer.exit_code == 1 and 'nowhere' in answer.output, answer.output; "
        "heavy = {'numpy', 'pandas', 'pyarrow', 'jax', 'mlflow', 'requests'} & set(sys.modules); "
        "assert not heavy, heavy"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
