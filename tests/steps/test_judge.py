import json
import logging
from typing import Any

import pytest

from include.promotion.gates import decide
from include.records import Answer, EvaluateRecord, Evidence, ModelMetrics, Verdict
from include.settings import load_settings
from include.steps.judge import Decision, judge
from include.steps.promote import promote
from include.tables.run_files import RunFiles
from include.tracking.runs import open_run
from tests.builders import make_run, make_spec
from tests.promotion.evidence import make_evidence, make_slice, sure


def make_evaluated(evidence: Evidence, run: Any) -> EvaluateRecord:
    """Leave evidence as `evaluate` does."""
    files = RunFiles(load_settings().data, run)
    metrics = ModelMetrics(metrics={"log_loss": 0.2}, rows=evidence.rows)
    return EvaluateRecord(
        validation=None,
        test=metrics,
        baseline=metrics,
        details_uri="",
        bundle_uri="models:/m-1",
        golden_uri="",
        evidence_uri=files.write_bytes("evidence.json", evidence.model_dump_json().encode()),
    )


@pytest.mark.usefixtures("mlflow_server", "data_root")
def test_the_decision_is_recorded_with_all_it_rests_on(caplog: pytest.LogCaptureFixture) -> None:
    run = make_run(run_id="judged", note="another seed")
    caplog.set_level(logging.INFO)
    slices = tuple(make_slice(f"job {number}", sure(-0.01, 0.2)) for number in range(20))
    evidence = make_evidence(sure(0.1, 0.06), slices=slices)
    spec = make_spec(evaluation={"slices": ["job"]})
    verdict = judge(spec, run, make_evaluated(evidence, run))
    settings = load_settings()
    files = RunFiles(settings.data, run)
    assert Verdict.model_validate(json.loads(files.read_bytes("verdict.json"))) == verdict
    decision = Decision.model_validate_json(files.read_bytes("decision.json"))
    assert (decision.evidence, decision.verdict) == (evidence, verdict)
    assert (decision.run.note, decision.owner, decision.compare) == (
        "another seed",
        "gatehouse",
        "log_loss",
    )
    assert decide(spec, decision.evidence) == verdict
    log = open_run(settings, run)
    tags = log.client.get_run(log.run_id).data.tags
    assert tags["gatehouse.verdict"] == "inconclusive"
    assert tags["gatehouse.tries"] == "1"
    assert "may be chance" in tags["gatehouse.verdict_reason"]
    paths = {each.path for each in log.client.list_artifacts(log.run_id)}
    assert {"decision.json", "verdict.json"} <= paths
    assert "yes  accuracy >= 0.5: accuracy on the test rows is 0.9" in caplog.text
    assert "no   better than the champion" in caplog.text
    assert len(verdict.model_dump_json()) < 8_000


@pytest.mark.usefixtures("mlflow_server", "data_root")
def test_who_declined_stands_in_the_decision() -> None:
    run = make_run(run_id="declined")
    evaluated = make_evaluated(make_evidence(sure(0.1, 0.06)), run)
    spec = make_spec()
    verdict = judge(spec, run, evaluated)
    answer = Answer(is_yes=False, by="ada", reason="too few rows")
    promoted = promote(spec, run, verdict, evaluated, answer=answer)
    assert not promoted.is_promoted
    assert promoted.reason == "declined by ada: “too few rows”"
    files = RunFiles(load_settings().data, run)
    decision = Decision.model_validate_json(files.read_bytes("decision.json"))
    assert (decision.approved, decision.answered_by) == (False, "ada")
    assert decision.answer_reason == "too few rows"
    log = open_run(load_settings(), run)
    assert log.client.get_run(log.run_id).data.tags["gatehouse.answer_reason"] == "too few rows"
    assert decision.verdict == verdict


@pytest.mark.usefixtures("mlflow_server", "data_root")
def test_what_the_verdict_warns_of_stands_in_the_log(caplog: pytest.LogCaptureFixture) -> None:
    run = make_run(run_id="warned")
    caplog.set_level(logging.INFO)
    evidence = make_evidence(sure(0.1, 0.02), classes=2, unpredicted={"yes": 83})
    assert judge(make_spec(), run, make_evaluated(evidence, run)).kind == "promote"
    assert "warning: the candidate never predicts 'yes', which 83 of 400" in caplog.text
