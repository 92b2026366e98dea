import json
import logging
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from include.errors import QualityError, SpecError
from include.records import IngestRecord, QualityReport, RunContext
from include.settings import load_settings
from include.specs import PipelineSpec
from include.steps.ingest import ingest
from include.steps.validate import validate
from include.tables.run_files import RunFiles
from include.tables.store import read_frame, read_table
from include.tracking.runs import open_run
from tests.builders import BASE_SPEC, make_frame, make_run, make_spec
from tests.table_builders import put

pytestmark = pytest.mark.usefixtures("mlflow_server")
QUARANTINE = [{**column, "quarantine": True} for column in BASE_SPEC["columns"]]


def ingest_rows(
    data_root: Path, rows: pd.DataFrame, *, extra: str = "", **changes: Any
) -> tuple[PipelineSpec, RunContext, IngestRecord]:
    put(data_root, "loans.csv", rows.drop(columns="row_id").to_csv(index=False) + extra)
    spec, run = make_spec(**changes), make_run(run_id=f"manual__{data_root.parent.name}")
    return spec, run, ingest(spec, run)


def read_report(run: RunContext) -> QualityReport:
    files = RunFiles(load_settings().data, run)
    return QualityReport.model_validate_json(files.read_bytes("quality.json"))


def test_sound_rows_go_on_without_being_copied(data_root: Path) -> None:
    spec, run, ingested = ingest_rows(data_root, make_frame(80))
    record = validate(spec, run, ingested)
    assert (record.warnings, record.quarantined, record.quarantine) == (0, 0, None)
    assert read_frame(record.checked).equals(read_frame(ingested.raw))
    raw, checked = (next(Path(ref.uri).glob("*.parquet")) for ref in (ingested.raw, record.checked))
    assert raw.stat().st_ino == checked.stat().st_ino
    assert len(record.model_dump_json()) < 8_000


def test_the_report_is_stored_and_logged(data_root: Path) -> None:
    spec, run, ingested = ingest_rows(data_root, make_frame(80))
    record = validate(spec, run, ingested)
    report = read_report(run)
    assert record.rules == len(report.outcomes)
    assert Path(record.report_uri).read_bytes() == report.model_dump_json(indent=1).encode()
    log = open_run(load_settings(), run)
    metrics = log.client.get_run(log.run_id).data.metrics
    assert (metrics["data/rules"], metrics["data/rules_broken"]) == (record.rules, 0)
    path = log.client.download_artifacts(log.run_id, "quality/report.json")
    assert json.loads(Path(path).read_text()) == report.model_dump(mode="json")


def test_an_unchanged_table_is_not_checked_again(
    data_root: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    spec, run, ingested = ingest_rows(data_root, make_frame(80), columns=QUARANTINE)
    first = validate(spec, run, ingested)
    report = read_report(run)
    other = make_run(run_id=f"{run.run_id}-again")
    again = validate(make_spec(columns=QUARANTINE, training={"epochs": 9}), other, ingested)
    assert again.checked.is_reused
    assert "the raw table, the contract, its rules and the code are the same" in caplog.text
    assert read_report(other) == report
    assert again.rules == first.rules
    forced = validate(spec, make_run(force=True), ingested)
    assert not forced.checked.is_reused
    stricter = validate(make_spec(columns=QUARANTINE, min_rows=70), run, ingested)
    assert stricter.checked.key != first.checked.key


def test_a_critical_failure_stops_the_run_and_leaves_its_report(
    data_root: Path, caplog: pytest.LogCaptureFixture
) -> None:
    rows = make_frame(80)
    rows.loc[[2, 3], "age"] = 7
    spec, run, ingested = ingest_rows(data_root, rows)
    with pytest.raises(QualityError, match=r"column age\n +2 of .*\n.*7 \(row 2\), 7 \(row 3\)"):
        validate(spec, run, ingested)
    assert [one.column for one in read_report(run).failures] == ["age"]
    assert any("CRITICAL" in one.message for one in caplog.records if one.levelname == "ERROR")
    assert not list(data_root.glob("tables/checked/loans/*"))
    log = open_run(load_settings(), run)
    assert log.client.get_run(log.run_id).data.metrics["data/rules_broken"] == 1


def test_bad_rows_move_to_quarantine_beside_those_that_could_not_be_read(
    data_root: Path,
) -> None:
    rows = make_frame(80)
    rows.loc[[2, 5], "age"] = 7
    spec, run, ingested = ingest_rows(
        data_root, rows, extra="L9,1,2\n", columns=QUARANTINE, quarantine_limit=0.1
    )
    assert ingested.rejected_rows == 1
    record = validate(spec, run, ingested)
    assert (record.checked.rows, record.quarantined, record.warnings) == (78, 3, 1)
    assert not {2, 5} & set(read_frame(record.checked)["row_id"])
    assert record.quarantine is not None
    moved = read_table(record.quarantine).to_pylist()
    assert [(one["row_id"], one["column"], one["rule"]) for one in moved[1:]] == [
        (2, "age", "expect_column_values_to_be_between"),
        (5, "age", "expect_column_values_to_be_between"),
    ]
    assert moved[0]["line"] == 82
    assert moved[1]["reason"] == "expected values between 18 and 100"
    assert json.loads(moved[1]["row"])["loan_id"] == "L000002"
    again = validate(spec, run, ingested)
    assert again.quarantine is not None
    assert again.checked.is_reused
    assert again.quarantine.is_reused


def test_a_wrong_rule_fails_before_any_row_is_read(data_root: Path) -> None:
    _, run, ingested = ingest_rows(data_root, make_frame(80))
    wrong = make_spec(quality=[{"expect": "expect_nothing"}])
    with pytest.raises(SpecError, match=r"quality\.0\.expect"):
        validate(wrong, run, ingested)


def test_tables_may_lie_in_an_object_store(
    data_root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(data_root, "loans.csv", make_frame(80).drop(columns="row_id").to_csv(index=False))
    monkeypatch.setenv("GATEHOUSE_DATA_ROOT", f"memory://{data_root.parent.name}")
    spec = make_spec(source={"kind": "file", "uri": str(data_root / "sources/loans.csv")})
    run = make_run(run_id=f"manual__{data_root.parent.name}")
    ingested = ingest(spec, run)
    record = validate(spec, run, ingested)
    assert record.checked.uri.startswith("memory://")
    assert read_frame(record.checked).equals(read_frame(ingested.raw))
