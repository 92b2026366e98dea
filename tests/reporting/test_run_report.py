"""The page of a run tells what became of it, for every end a run can have, and runs nothing."""

import pytest

from include.records import (
    STEPS,
    EvaluateRecord,
    IngestRecord,
    PromoteRecord,
    RunRecords,
    Verdict,
)
from include.reporting.details import EvaluationDetails
from include.reporting.metric_rows import build_metric_rows, describe_difference
from include.reporting.run_report import RunEvidence, render_run_report
from include.specs import PipelineSpec
from tests.builders import make_run, make_spec
from tests.reporting.page_parser import PageParser, check_is_closed
from tests.reporting.samples import HOSTILE, make_evidence, make_quality, make_records


def hostile_spec() -> PipelineSpec:
    columns = [
        {"name": "age", "kind": "integer"},
        {"name": HOSTILE, "kind": "category"},
    ]
    return make_spec(
        description=HOSTILE,
        columns=columns,
        target={"column": HOSTILE, "task": "classification"},
    )


def test_a_promoted_run_says_so_with_its_numbers() -> None:
    page = render_run_report(make_spec(), make_run(), make_records(), make_evidence())
    shown = check_is_closed(page).shown
    assert "The candidate is the new champion, version 3, taking over from version 2" in shown
    assert "log loss 0.2411 against the champion's 0.2537 on 303 test rows" in shown
    assert "between 0.005 and 0.020" in shown.replace("0.0051", "0.005").replace("0.0199", "0.020")
    assert "▼ 0.013 better" in shown.replace("0.0126", "0.013")
    assert "▲" in shown
    assert "duplicates dropped" in shown.lower()


@pytest.mark.parametrize("reached", range(len(STEPS) + 1))
def test_a_run_that_ended_anywhere_gets_its_page(reached: int) -> None:
    records = RunRecords(*list(make_records().by_step.values())[:reached])
    assert records.last_step == (STEPS[reached - 1] if reached else "")
    page = render_run_report(make_spec(), make_run(), records, make_evidence())
    assert check_is_closed(page).shown


def test_a_run_without_anything_gets_a_page() -> None:
    page = render_run_report(make_spec(), make_run(), RunRecords(), RunEvidence())
    assert "before the data were read" in check_is_closed(page).shown


def test_data_that_broke_the_contract_are_the_headline() -> None:
    records = RunRecords(make_records().get(IngestRecord))
    evidence = RunEvidence(quality=make_quality("income"))
    shown = check_is_closed(render_run_report(make_spec(), make_run(), records, evidence)).shown
    assert "The data broke 1 critical rule (income must be at least 0), so nothing was" in shown
    assert "41" in shown
    assert "2.1 %" in shown
    assert "-20.5" in shown


@pytest.mark.parametrize(
    ("verdict", "promoted", "expected"),
    [
        (("keep", "not better."), None, "Kept The candidate is not promoted: not better"),
        (("inconclusive", "the interval holds 0."), None, "Inconclusive Nothing is promoted: the"),
        (("promote", "won"), None, "Won, not promoted"),
        (("promote", "won"), (False, "nobody answered"), "not promoted: nobody answered"),
    ],
    ids=["keep", "inconclusive", "promotion failed", "not approved"],
)
def test_a_run_that_promotes_nothing_says_why(
    verdict: tuple[str, str], promoted: tuple[bool, str] | None, expected: str
) -> None:
    records = RunRecords(
        *list(make_records().by_step.values())[: STEPS.index("judge")],
        Verdict.model_validate({"kind": verdict[0], "gates": (), "reason": verdict[1]}),
        PromoteRecord(is_promoted=promoted[0], reason=promoted[1]) if promoted else None,
    )
    page = render_run_report(make_spec(), make_run(), records, make_evidence())
    assert expected in check_is_closed(page).shown


def test_hostile_names_and_notes_stay_text() -> None:
    run = make_run(note=HOSTILE, run_id=HOSTILE, airflow_url="javascript:alert(1)")
    evidence = make_evidence(HOSTILE, mlflow_url="javascript:alert(2)", versions={HOSTILE: HOSTILE})
    page = render_run_report(hostile_spec(), run, make_records(HOSTILE), evidence)
    parsed = check_is_closed(page)
    assert "<img src=x onerror=alert(1)>" in parsed.shown
    assert len(parsed.images) == 2
    assert [link for link in parsed.links if not link.startswith("#")] == []


def test_links_lead_to_airflow_and_mlflow() -> None:
    run = make_run(airflow_url="https://airflow.example/dags/x")
    page = render_run_report(make_spec(), run, make_records(), make_evidence())
    links = PageParser(page).links
    assert "https://airflow.example/dags/x" in links
    assert "http://127.0.0.1:5000/#/experiments/1/runs/abc" in links


def test_metrics_line_up_and_the_deciding_one_is_marked() -> None:
    evaluated = make_records().get(EvaluateRecord)
    assert evaluated is not None
    rows = {row.name: row for row in build_metric_rows(evaluated, "log_loss")}
    assert rows["accuracy"].champion == 0.8934
    assert rows["roc_auc"].baseline is None
    assert rows["roc_auc"].against_baseline.text == ""
    assert [name for name, row in rows.items() if row.is_deciding] == ["log_loss"]


@pytest.mark.parametrize(
    ("metric", "value", "other", "tone"),
    [
        ("accuracy", 0.9, 0.8, "good"),
        ("accuracy", 0.7, 0.8, "bad"),
        ("rmse", 0.7, 0.8, "good"),
        ("rmse", 0.8, 0.8, ""),
        ("rmse", float("nan"), 0.8, ""),
        ("rmse", None, 0.8, ""),
    ],
)
def test_a_difference_knows_its_direction(
    metric: str, value: float | None, other: float, tone: str
) -> None:
    assert describe_difference(metric, value, other).tone == tone


def test_details_tolerate_keys_they_do_not_know() -> None:
    text = (
        '{"slices": [{"column": "a", "value": "x", "rows": 3, "metrics": {"f1": null}, "n": 1}],'
        ' "curves": {}}'
    )
    details = EvaluationDetails.model_validate_json(text)
    assert details.slice_metrics == ("f1",)
