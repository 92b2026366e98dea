"""The page of a run tells what became of it, for every end a run can have, and runs nothing."""

import pytest

from include.records import (
    STEPS,
    EvaluateRecord,
    Gate,
    IngestRecord,
    RunRecords,
    StepFailure,
    Verdict,
)
from include.reporting.details import Addresses, EvaluationDetails
from include.reporting.headline import list_warnings
from include.reporting.metric_rows import build_metric_rows, describe_difference
from include.reporting.run_report import RunEvidence, render_run_report
from include.specs import PipelineSpec
from tests.builders import make_run, make_spec
from tests.reporting.page_parser import PageParser, check_is_closed
from tests.reporting.samples import HOSTILE, make_evidence, make_outcome, make_quality, make_records


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


def test_a_promoted_run_answers_at_the_top_with_its_numbers() -> None:
    page = render_run_report(make_spec(), make_run(), make_records(), make_evidence())
    shown = check_is_closed(page).shown
    assert shown.index("Version 3 is the new champion in place of version 2") < 300
    assert "0.0126 lower log loss than version 2, better (95 % interval −0.0199 to" in shown
    assert "0.0089 higher, better" in shown
    assert "Duplicates dropped" in shown
    assert "Rows without target" not in shown
    assert "income is constant in the training rows." in shown.replace("Income", "income")


def test_a_test_that_was_not_made_gets_no_yes() -> None:
    gate = Gate(name="better than the champion", is_passed=True, is_made=False, detail="no other")
    records = make_records().by_step | {
        "judge": Verdict(kind="promote", gates=(gate,), reason="no other")
    }
    page = render_run_report(make_spec(), make_run(), RunRecords(*records.values()), RunEvidence())
    assert "not tested No other." in check_is_closed(page).shown
    assert 'class="badge good">yes' not in page


def test_our_own_columns_are_not_counted() -> None:
    spec = make_spec()
    page = render_run_report(spec, make_run(), make_records(), make_evidence())
    assert "2,000 rows, 7 columns" in check_is_closed(page).shown


def test_slices_show_the_metrics_that_decide_and_mark_the_worst() -> None:
    page = render_run_report(make_spec(), make_run(), make_records(), make_evidence("nurse"))
    rows = page[page.index('id="slices"') :].split("<tr")
    worst = [row for row in rows if "worst" in row]
    assert len(worst) == 1
    assert "nurse" in worst[0]
    assert "ROC AUC" not in "".join(rows[:2])


@pytest.mark.parametrize("reached", range(len(STEPS) + 1))
def test_a_run_that_ended_anywhere_gets_its_page(reached: int) -> None:
    records = RunRecords(*list(make_records().by_step.values())[:reached])
    assert records.next_step == (STEPS[reached] if reached < len(STEPS) else "")
    outcome = make_outcome() if records.get(Verdict) else None
    page = render_run_report(make_spec(), make_run(), records, make_evidence(outcome=outcome))
    assert check_is_closed(page).shown


def test_a_run_without_anything_gets_a_page() -> None:
    page = render_run_report(make_spec(), make_run(), RunRecords(), RunEvidence())
    assert "The run ended in ingest and came to no verdict" in check_is_closed(page).shown


def test_a_failed_step_says_why_at_the_top() -> None:
    records = RunRecords(*list(make_records().by_step.values())[: STEPS.index("train")])
    why = StepFailure(step="train", error="the loss is nan. Lower training.learning_rate.")
    shown = check_is_closed(
        render_run_report(make_spec(), make_run(), records, RunEvidence(failure=why))
    ).shown
    assert "Failed The run ended in train" in shown
    assert "The loss is nan. Lower training.learning_rate; the champion stays" in shown


def test_what_another_step_said_earlier_is_not_taken_for_the_reason() -> None:
    records = RunRecords(*list(make_records().by_step.values())[: STEPS.index("judge")])
    evidence = RunEvidence(failure=StepFailure(step="train", error="the loss is nan"))
    shown = check_is_closed(render_run_report(make_spec(), make_run(), records, evidence)).shown
    assert "The run ended in judge" in shown
    assert "nan" not in shown


def test_data_that_broke_the_contract_are_the_headline() -> None:
    records = RunRecords(make_records().get(IngestRecord))
    evidence = RunEvidence(quality=make_quality("income"))
    shown = check_is_closed(render_run_report(make_spec(), make_run(), records, evidence)).shown
    assert "The data broke a critical rule, so nothing was trained" in shown
    assert "Income must be at least 0 (41 of 2,000 rows break it)" in shown
    assert "41 of 2,000 rows (2.1 %) break it" in shown
    assert "-20.5" in shown


def test_hostile_names_and_notes_stay_text() -> None:
    run = make_run(note=HOSTILE, run_id=HOSTILE, airflow_url="javascript:alert(1)")
    evidence = make_evidence(
        HOSTILE, addresses=Addresses(mlflow="javascript:alert(2)"), versions={HOSTILE: HOSTILE}
    )
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
    assert EvaluationDetails.model_validate_json(text).slices[0].metrics == {"f1": None}


def test_what_the_verdict_warns_of_comes_first() -> None:
    records = make_records().by_step
    warned = records["judge"].model_copy(update={"warnings": ("the candidate never predicts 'a'",)})
    first, *others = list_warnings(
        RunRecords(*{**records, "judge": warned}.values()), make_quality()
    )
    assert first == "the candidate never predicts 'a'"
    assert others == [*list_warnings(make_records(), make_quality())]
