"""The step `report`: the page in the run's directory and in MLflow, whatever the run came to."""

from pathlib import Path

import pytest
from mlflow import MlflowClient

from include.records import IngestRecord, RunContext
from include.records.names import DETAILS, QUALITY, cost_file
from include.settings import load_settings
from include.steps.report import report
from include.tables.run_files import RunFiles
from include.tracking.runs import find_run
from tests.builders import make_run, make_spec
from tests.reporting.page_parser import check_is_closed
from tests.reporting.samples import PIXEL, make_evidence, make_quality, make_records


@pytest.fixture
def run(data_root: Path, mlflow_server: str, tmp_path: Path) -> RunContext:
    """Name a run of its own for each test, in an empty data root."""
    return make_run(run_id=f"manual__{tmp_path.name}")


def read_logged(run: RunContext, name: str) -> str:
    settings = load_settings()
    log = find_run(settings, run)
    assert log is not None
    client = MlflowClient(settings.mlflow)
    return Path(client.download_artifacts(log.run_id, name)).read_text(encoding="utf-8")


def test_a_whole_run_is_reported_from_its_files(run: RunContext) -> None:
    files = RunFiles(load_settings().data, run)
    evidence = make_evidence()
    assert evidence.quality is not None
    files.write_bytes(QUALITY, evidence.quality.model_dump_json().encode())
    files.write_bytes(DETAILS, evidence.details.model_dump_json().encode())
    files.write_bytes("figures/confusion.png", PIXEL)
    for cost in evidence.costs:
        files.write_bytes(cost_file(cost.step), cost.model_dump_json().encode())
    records = make_records()

    result = report(make_spec(), run, *records.by_step.values())

    page = Path(result.uri).read_text(encoding="utf-8")
    parsed = check_is_closed(page)
    assert len(parsed.images) == 1
    assert "Version 3 is the new champion" in parsed.shown
    assert "clerk" in parsed.shown
    assert "11.4 s" in parsed.shown
    assert "keras" in parsed.shown
    assert any("/#/experiments/" in link for link in parsed.links)
    assert read_logged(run, "report.html") == page
    assert result.size_bytes == len(page.encode())
    assert len(result.model_dump_json()) < 8_000


def test_a_run_that_failed_in_validate_gets_its_quality_page(run: RunContext) -> None:
    files = RunFiles(load_settings().data, run)
    files.write_bytes(QUALITY, make_quality("income").model_dump_json().encode())

    result = report(make_spec(), run, make_records().get(IngestRecord))

    shown = check_is_closed(Path(result.uri).read_text(encoding="utf-8")).shown
    assert "Income must be at least 0 (41 of 2,000 rows break it)" in shown


def test_a_second_report_replaces_the_first(run: RunContext) -> None:
    first = report(make_spec(), run, make_records().get(IngestRecord))
    second = report(make_spec(), run, *make_records().by_step.values())
    assert first.uri == second.uri
    assert "is the new champion" in Path(second.uri).read_text(encoding="utf-8")
    assert read_logged(run, "report.html").count("<h1>") == 1


def test_the_list_of_experiments_tells_the_last_verdict(run: RunContext) -> None:
    result = report(make_spec(), run, *make_records().by_step.values())

    log = find_run(load_settings(), run)
    assert log is not None
    described = log.experiment_tags["mlflow.note.content"]
    assert described.startswith(f"{log.name}: ")
    assert result.sentence.partition(",")[0] in described
    assert log.runs_url in described
