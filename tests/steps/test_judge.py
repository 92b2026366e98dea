import json
import logging
from typing import Any

import pytest

from include.records import Comparison, EvaluateRecord, ModelMetrics, Verdict
from include.settings import load_settings
from include.steps.judge import decide, judge
from include.tables.run_files import RunFiles
from include.tracking.runs import open_run
from tests.builders import make_run, make_spec

NAN = float("nan")


def make_evaluated(**changes: Any) -> EvaluateRecord:
    metrics = {"accuracy": 0.9, "log_loss": 0.2, **changes.pop("test", {})}
    baseline = {"accuracy": 0.6, "log_loss": 0.7, **changes.pop("baseline", {})}
    values = {
        "validation": None,
        "test": ModelMetrics(metrics=_without_none(metrics), rows=100),
        "baseline": ModelMetrics(metrics=_without_none(baseline), rows=100),
        "details_uri": "",
        "bundle_uri": "models:/m-1",
        "golden_uri": "",
        **changes,
    }
    return EvaluateRecord.model_validate(values)


def _without_none(metrics: dict[str, Any]) -> dict[str, float]:
    return {name: value for name, value in metrics.items() if value is not None}


def against(difference: float | None, low: float | None, high: float | None, **changes: Any) -> Any:
    values = {
        "metric": "log_loss",
        "candidate": 0.2,
        "champion": 0.3,
        "difference": difference,
        "low": low,
        "high": high,
        **changes,
    }
    return make_evaluated(
        champion_version="3",
        comparison=Comparison.model_validate(values),
        champion=ModelMetrics(metrics={"log_loss": 0.3}, rows=100),
    )


def test_the_first_model_that_passes_its_gates_is_promoted() -> None:
    verdict = decide(make_spec(), make_evaluated())
    assert verdict.kind == "promote"
    assert all(gate.is_passed for gate in verdict.gates)
    assert "no champion yet" in verdict.reason


@pytest.mark.parametrize(
    ("evaluated", "kind"),
    [
        (against(0.1, 0.05, 0.15), "promote"),
        (against(0.1, -0.02, 0.2), "inconclusive"),
        (against(0.1, 0.0, 0.2), "inconclusive"),
        (against(-0.05, -0.2, 0.1), "keep"),
        (against(-0.1, -0.2, -0.05), "keep"),
        (against(0.0, 0.0, 0.0), "keep"),
        (against(0.1, None, None), "inconclusive"),
        (against(NAN, 0.1, 0.2), "inconclusive"),
        (against(0.1, NAN, 0.2), "inconclusive"),
        (against(0.1, 0.05, NAN), "inconclusive"),
        (against(None, None, None), "inconclusive"),
        (against(0.1, 0.05, 0.15, metric="accuracy"), "inconclusive"),
        (against(0.1, 0.05, 0.15, error="SchemaError: no column age"), "inconclusive"),
        (make_evaluated(champion_version="3"), "inconclusive"),
    ],
    ids=[
        "surely better",
        "perhaps better",
        "touches zero",
        "perhaps worse",
        "surely worse",
        "same",
        "too few rows",
        "difference NaN",
        "low NaN",
        "high NaN",
        "nothing",
        "other metric",
        "champion fails",
        "not compared",
    ],
)
def test_only_a_sure_win_over_the_champion_promotes(evaluated: EvaluateRecord, kind: str) -> None:
    verdict = decide(make_spec(), evaluated)
    assert verdict.kind == kind
    assert verdict.gates[-1].is_passed == (kind == "promote")
    assert "champion version 3" in verdict.gates[-1].detail


@pytest.mark.parametrize(
    ("changes", "detail"),
    [
        ({"test": {"accuracy": 0.4}}, "accuracy on the test rows is 0.4; at least 0.5 is required"),
        ({"test": {"accuracy": NAN}}, "accuracy on the test rows could not be computed"),
        ({"test": {"accuracy": None}}, "accuracy on the test rows could not be computed"),
        ({"test": {"log_loss": 0.7}}, "no better than the 0.7 of answering always alike"),
        ({"test": {"log_loss": NAN}}, "log loss of the candidate could not be computed"),
        ({"baseline": {"log_loss": None}}, "log loss of the trivial baseline could not"),
        ({"test": {"log_loss": float("inf")}}, "log loss of the candidate could not be computed"),
    ],
    ids=["below", "NaN", "missing", "no better than trivial", "compare NaN", "no baseline", "inf"],
)
@pytest.mark.parametrize("is_better_than_champion", [True, False])
def test_a_failed_gate_keeps_the_champion_whatever_the_comparison(
    changes: dict[str, Any], detail: str, is_better_than_champion: bool
) -> None:
    evaluated = make_evaluated(**changes)
    if is_better_than_champion:
        won = against(0.1, 0.05, 0.15)
        extras = {"champion_version": "3", "comparison": won.comparison}
        evaluated = evaluated.model_copy(update=extras)
    verdict = decide(make_spec(), evaluated)
    assert verdict.kind == "keep"
    assert detail in verdict.reason
    assert not verdict.needs_approval


@pytest.mark.parametrize(
    ("policy", "evaluated", "expected"),
    [
        ("never", against(0.1, 0.05, 0.15), False),
        ("never", against(0.1, -0.1, 0.2), False),
        ("inconclusive", against(0.1, 0.05, 0.15), False),
        ("inconclusive", against(0.1, -0.1, 0.2), True),
        ("always", against(0.1, 0.05, 0.15), True),
        ("always", against(0.1, -0.1, 0.2), True),
        ("always", against(-0.1, -0.2, -0.05), False),
    ],
)
def test_the_policy_says_when_a_person_is_asked(
    policy: str, evaluated: EvaluateRecord, expected: bool
) -> None:
    spec = make_spec(promotion={"require": {"accuracy": ">= 0.5"}, "approval": policy})
    assert decide(spec, evaluated).needs_approval is expected


def test_a_metric_that_should_be_high_is_read_the_right_way() -> None:
    spec = make_spec(promotion={"compare": "accuracy"})
    assert decide(spec, make_evaluated()).kind == "promote"
    assert decide(spec, make_evaluated(test={"accuracy": 0.6})).kind == "keep"


@pytest.mark.usefixtures("mlflow_server", "data_root")
def test_the_verdict_is_recorded_with_its_gates(caplog: pytest.LogCaptureFixture) -> None:
    run = make_run(run_id="judged")
    caplog.set_level(logging.INFO)
    verdict = judge(make_spec(), run, against(0.1, -0.1, 0.2))
    settings = load_settings()
    content = json.loads(RunFiles(settings.data, run).read_bytes("verdict.json"))
    assert Verdict.model_validate(content) == verdict
    log = open_run(settings, run)
    tags = log.client.get_run(log.run_id).data.tags
    assert tags["gatehouse.verdict"] == "inconclusive"
    assert "may be chance" in tags["gatehouse.verdict_reason"]
    assert "yes  accuracy >= 0.5: accuracy on the test rows is 0.9" in caplog.text
    assert "no   better than the champion" in caplog.text
    assert len(verdict.model_dump_json()) < 8_000


@pytest.mark.parametrize(
    ("past", "is_passed"), [(0.5, True), (0.1, False), (NAN, False)], ids=["worse", "better", "nan"]
)
def test_a_time_series_must_beat_what_was_there_before(past: float, is_passed: bool) -> None:
    evaluated = make_evaluated(
        persistence=ModelMetrics(metrics={"log_loss": past}, rows=100), persistence_lag=24
    )
    verdict = decide(make_spec(), evaluated)
    gate = next(gate for gate in verdict.gates if "24 rows ago" in gate.name)
    assert gate.is_passed is is_passed
    assert verdict.kind == ("promote" if is_passed else "keep")
