import pytest
from rich.console import Console

from include.errors import ParamError
from include.records import Evidence
from include.settings import load_settings
from include.stack.judged_again import change_rules, judge_again, replay_verdicts
from include.steps.judge import judge
from include.tracking.decisions import PastDecision
from tests.builders import make_run, make_spec
from tests.promotion.evidence import make_evidence, make_slice, sure
from tests.steps.test_judge import make_evaluated

SPEC = make_spec(name="judged_again", promotion={"require": {"accuracy": ">= 0.85"}})


def leave_decision(evidence: Evidence, run_id: str) -> None:
    run = make_run(pipeline=SPEC.name, dag_id=f"train__{SPEC.name}", run_id=run_id)
    judge(SPEC, run, make_evaluated(evidence, run))


@pytest.mark.usefixtures("mlflow_server", "data_root")
def test_past_runs_are_judged_by_other_rules_without_training() -> None:
    settings, console = load_settings(), Console(record=True, width=200)
    with pytest.raises(ParamError, match="runs of judged_again that were judged. Received: none"):
        replay_verdicts(settings, SPEC, console, last=5)
    leave_decision(make_evidence(), "first")
    slices = (make_slice("nurse", sure(-0.2, 0.01)),)
    leave_decision(make_evidence(sure(0.1, 0.02), slices=slices), "second")

    same = replay_verdicts(settings, SPEC, console, last=5)
    assert [(each.before.kind, each.after.kind) for each in same] == [
        ("keep", "keep"),
        ("promote", "promote"),
    ]
    assert all(each.before == each.after for each in same)

    stricter = change_rules(SPEC, ["accuracy=>= 0.97"], {})
    judged = replay_verdicts(settings, stricter, console, last=1)
    assert "at least 0.97 is required" in judged[0].after.reason
    tolerant = change_rules(SPEC, ["accuracy="], {"slice_tolerance": "0.5"})
    assert replay_verdicts(settings, tolerant, console, last=1)[0].after.kind == "promote"
    assert "1 of 1 verdicts would be others" in console.export_text()


@pytest.mark.parametrize("content", ["", "{}", '{"kind": "promote"}'])
def test_what_is_no_decision_is_named_and_left_out(content, caplog) -> None:
    assert judge_again(SPEC, [PastDecision("#7 kept", 0.0, content)]) == []
    assert "#7 kept left is no decision of this release" in caplog.text


def test_rules_that_are_none_are_refused() -> None:
    with pytest.raises(ParamError, match=r"expected --set METRIC=RULE.*Received: 'accuracy'"):
        change_rules(SPEC, ["accuracy"], {})
    with pytest.raises(ParamError, match="a gate is written.*Received: accuracy: 'high'"):
        change_rules(SPEC, ["accuracy=high"], {})
    with pytest.raises(ParamError, match="metrics of a classification.*'acuracy'") as told:
        change_rules(SPEC, ["acuracy=>= 0.9"], {})
    assert "pydantic" not in str(told.value)
