"""The step `explore`: page, pairs and findings in the run's directory and in MLflow."""

import csv
import io
from pathlib import Path

import pytest
from mlflow import MlflowClient

from include.records import IngestRecord, RunContext, TableRef
from include.records.analysis import Analysis
from include.settings import load_settings
from include.specs import PipelineSpec
from include.steps.explore import explore
from include.tables.store import TableStore
from include.tracking.runs import find_run
from tests.builders import make_frame, make_run, make_spec
from tests.reporting.page_parser import check_is_closed
from tests.reporting.samples import HOSTILE

FORMULA = '=HYPERLINK("http://evil.example","x")'


@pytest.fixture
def run(data_root: Path, mlflow_server: str, tmp_path: Path) -> RunContext:
    """Name a run of its own for each test, in an empty data root."""
    return make_run(dag_id="explore__loans", run_id=f"manual__{tmp_path.name}")


def store_rows(names: dict[str, str] | None = None) -> TableRef:
    with TableStore(load_settings().data).write("raw", "loans", None, made_from={}) as writer:
        writer.append(make_frame(300).rename(columns=names or {}))
    return writer.ref


def hostile_spec() -> PipelineSpec:
    columns = [
        {"name": FORMULA, "kind": "number", "nulls": 0.2},
        {"name": HOSTILE, "kind": "category", "nulls": 0.2},
        {"name": "repaid", "kind": "category"},
    ]
    return make_spec(columns=columns)


def test_a_raw_table_is_explored_and_logged(run: RunContext) -> None:
    table = store_rows()
    ingested = IngestRecord(raw=table, source="file loans.csv", source_digest="0" * 64)

    result = explore(make_spec(), run, ingested)

    parsed = check_is_closed(Path(result.uri).read_text(encoding="utf-8"), scripts=1)
    assert "file loans.csv" in parsed.shown
    lines = list(csv.DictReader(io.StringIO(Path(result.pairs_uri).read_text(encoding="utf-8"))))
    assert len(lines) == result.pairs == 10
    strengths = [float(line["absolute_value"]) for line in lines]
    assert strengths == sorted(strengths, reverse=True)
    found = Analysis.model_validate_json(Path(result.findings_uri).read_text(encoding="utf-8"))
    assert found.rows == result.rows == 300
    assert len(result.model_dump_json()) < 8_000
    log = find_run(load_settings(), run)
    assert log is not None
    client = MlflowClient(load_settings().mlflow)
    names = {artifact.path for artifact in client.list_artifacts(log.run_id)}
    assert names >= {"explore.html", "pairs.csv", "explore.json"}
    assert client.get_run(log.run_id).data.metrics["data/pairs"] == 10


def test_hostile_names_reach_neither_page_nor_spreadsheet(run: RunContext) -> None:
    table = store_rows({"income": FORMULA, "job": HOSTILE})

    result = explore(hostile_spec(), run, table)

    check_is_closed(Path(result.uri).read_text(encoding="utf-8"), scripts=1)
    text = Path(result.pairs_uri).read_text(encoding="utf-8")
    cells = [cell for line in csv.reader(io.StringIO(text)) for cell in line[:2]]
    assert f"'{FORMULA}" in cells
    assert not any(cell.startswith("=") for cell in cells)
