"""What became of a candidate is told in one sentence, for every end that it can have."""

from typing import Any

import pytest

from include.promotion.wording import tell_outcome
from include.records import (
    Answer,
    Comparison,
    EvaluateRecord,
    Gate,
    ModelMetrics,
    PromoteRecord,
    Verdict,
)

YES = Answer(is_yes=True, by="ada", reason="Looks right.")
NO = Answer(is_yes=False, by="ada")
CHANGE = "0.03 lower log loss than version 3, better (97 % interval −0.06 to −0.01, 400 test rows)"


def make_evaluated(version: str = "3", **comparison: Any) -> EvaluateRecord:
    metrics = ModelMetrics(metrics={"log_loss": 0.2}, rows=400)
    values = {"difference": 0.03, "low": 0.01, "high": 0.06, "confidence": 0.97, **comparison}
    found = Comparison(metric="log_loss", candidate=0.2, champion=0.23, **values)
    return EvaluateRecord(
        validation=None,
        test=metrics,
        baseline=metrics,
        champion_version=version,
        comparison=found if version else None,
        details_uri="",
        bundle_uri="",
        golden_uri="",
    )


def make_verdict(kind: str, *, failed: str = "", is_made: bool = True) -> Verdict:
    absolute = Gate(name="accuracy", is_passed=not failed, detail=failed or "fine")
    champion = Gate(name="champion", is_passed=kind == "promote", is_made=is_made, detail="…")
    return Verdict.model_validate({"kind": kind, "gates": (absolute, champion), "reason": "…"})


def make_promoted(**changes: Any) -> PromoteRecord:
    values = {"is_promoted": True, "version": "4", "previous_version": "3", "reason": "…"}
    return PromoteRecord.model_validate({**values, **changes})


@pytest.mark.parametrize(
    ("verdict", "evaluated", "promoted", "badge", "sentence"),
    [
        (
            make_verdict("promote"),
            make_evaluated(),
            make_promoted(answer=YES),
            "Promoted",
            f"Version 4 is the new champion in place of version 3: {CHANGE}; approved by ada: "
            "“Looks right”.",
        ),
        (
            make_verdict("inconclusive", failed="accuracy is 0.6"),
            make_evaluated(),
            make_promoted(answer=NO.model_copy(update={"is_yes": True})),
            "Promoted",
            "Version 4 is the new champion in place of version 3: approved by ada, though the "
            "test rows do not show it: accuracy is 0.6.",
        ),
        (
            make_verdict("promote", is_made=False),
            make_evaluated(""),
            make_promoted(version="1", previous_version=""),
            "Promoted",
            "Version 1 is the first champion: it passed its gates on 400 test rows, and there was "
            "no champion before.",
        ),
        (
            make_verdict("keep"),
            make_evaluated(difference=-0.03, low=-0.06, high=-0.01),
            make_promoted(is_promoted=False),
            "Kept",
            "Version 3 stays champion: 0.03 higher log loss than version 3, worse (97 % interval "
            "+0.01 to +0.06, 400 test rows).",
        ),
        (
            make_verdict("keep"),
            make_evaluated(difference=-0.0, low=0.0, high=0.0),
            make_promoted(is_promoted=False),
            "Kept",
            "Version 3 stays champion: the candidate predicts the same as version 3.",
        ),
        (
            make_verdict("keep", failed="accuracy is 0.4; at least 0.9 is required"),
            make_evaluated(""),
            make_promoted(is_promoted=False),
            "Kept",
            "There is still no champion: accuracy is 0.4; at least 0.9 is required.",
        ),
        (
            make_verdict("inconclusive"),
            make_evaluated(low=-0.01),
            make_promoted(is_promoted=False, reason="declined by ada", answer=NO),
            "Not promoted",
            "The candidate is not promoted: declined by ada; 0.03 lower log loss than version 3, "
            "better (97 % interval −0.06 to +0.01, 400 test rows), which may be chance.",
        ),
        (
            make_verdict("promote"),
            make_evaluated(),
            None,
            "Not promoted",
            "The candidate won and was not promoted: its promotion did not come to its end; "
            f"{CHANGE}.",
        ),
    ],
    ids=[
        "promoted",
        "approved",
        "first",
        "worse",
        "same",
        "gate failed",
        "declined",
        "promotion failed",
    ],
)
def test_every_end_is_told_in_a_sentence(verdict, evaluated, promoted, badge, sentence):
    outcome = tell_outcome(verdict, evaluated, promoted)
    assert (outcome.badge, outcome.sentence) == (badge, sentence)


def test_a_candidate_that_waits_says_so():
    outcome = tell_outcome(make_verdict("promote"), make_evaluated(), is_waiting=True)
    assert outcome.sentence == f"The candidate waits for a person's answer: {CHANGE}."
