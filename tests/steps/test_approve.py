"""The step `approve`: the report is there before anybody is asked, and the question leads there."""

from pathlib import Path

import pytest

from include.errors import GatehouseError
from include.records import STEPS, RunRecords
from include.records.names import EVIDENCE, REPORT_PAGE
from include.settings import load_settings
from include.steps.approve import approve
from include.tables.run_files import RunFiles
from include.tracking.runs import open_run
from tests.builders import make_run, make_spec
from tests.promotion.evidence import make_evidence, sure
from tests.reporting.page_parser import PageParser
from tests.reporting.samples import make_records


def test_the_report_is_there_before_anybody_is_asked(
    data_root: Path, mlflow_server: str, tmp_path: Path
) -> None:
    run = make_run(run_id=f"manual__{tmp_path.name}")
    files = RunFiles(load_settings().data, run)
    evidence = make_evidence(sure(0.0126, 0.004))
    files.write_bytes(EVIDENCE, evidence.model_dump_json().encode())
    before = list(make_records().by_step.values())[: STEPS.index("promote")]

    question = approve(make_spec(), run, *before)

    page = PageParser(files.read_bytes(REPORT_PAGE).decode()).shown
    assert "Waiting The candidate waits for a person's answer" in page
    url = open_run(load_settings(), run).artifact_url(REPORT_PAGE)
    assert f"[Report](<{url}>)" in question.body
    assert "| **Log loss** (decides, lower is better) |" in question.body
    assert question.options == ("Promote the candidate", "Keep version 2")
    assert len(question.model_dump_json()) < 8_000


def test_without_a_verdict_nobody_is_asked() -> None:
    records = RunRecords(*list(make_records().by_step.values())[:3])
    with pytest.raises(GatehouseError, match="a Verdict must be among the records"):
        approve(make_spec(), make_run(), *records.by_step.values())
