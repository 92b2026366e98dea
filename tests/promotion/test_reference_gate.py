"""The gate that holds a candidate against gradient boosting."""

import pytest

from include.promotion.gates import decide
from include.records import Estimate, Verdict
from tests.builders import make_spec
from tests.promotion.evidence import make_evidence, make_rival, sure


def judge(gap: Estimate | None, note: str = "", **rules: object) -> Verdict:
    rival = None if gap is None else make_rival("gradient boosting", gap)
    evidence = make_evidence(reference=rival, reference_note=note)
    return decide(make_spec(promotion={"beat_reference": True, **rules}), evidence)


@pytest.mark.parametrize(
    ("gap", "rules", "kind"),
    [
        (sure(0.1, 0.01), {}, "promote"),
        (sure(0.1, 0.09), {}, "inconclusive"),
        (sure(0.1, 0.09), {"gates": "point"}, "promote"),
        (sure(-0.1, 0.09), {}, "keep"),
        (sure(0.0), {}, "keep"),
        (sure(float("nan")), {}, "keep"),
        (None, {}, "keep"),
    ],
    ids=["surely better", "perhaps", "measured value", "worse", "equal", "NaN", "no reference"],
)
def test_a_candidate_must_beat_the_reference_where_it_is_asked_to(gap, rules, kind):
    assert judge(gap, **rules).kind == kind


def test_the_gate_tells_both_sides_or_why_there_is_no_reference():
    told = judge(sure(-0.05, 0.01)).reason
    absent = judge(None, note="it reads tables").reason

    assert "0.05 higher log loss than gradient boosting, worse (97 % interval" in told
    assert "there is no reference to beat: it reads tables" in absent


def test_unless_asked_the_reference_has_no_say():
    rival = make_rival("gradient boosting", sure(-0.5))

    verdict = decide(make_spec(promotion={}), make_evidence(reference=rival))

    assert verdict.kind == "promote"
    assert not any("boosting" in gate.name for gate in verdict.gates)
