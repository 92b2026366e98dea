from typing import Any

import pytest

from include.promotion.gates import decide
from include.records import Evidence, Gate, Tries, Verdict
from include.specs import PipelineSpec
from tests.builders import make_spec
from tests.promotion.evidence import make_evidence, make_rival, make_slice, sure

NAN = float("nan")


def make_promotion(**changes: Any) -> PipelineSpec:
    return make_spec(promotion={"require": {"accuracy": ">= 0.85"}, **changes})


def judge(evidence: Evidence, **changes: Any) -> Verdict:
    return decide(make_promotion(**changes), evidence)


def find_gate(verdict: Verdict, words: str) -> Gate:
    return next(gate for gate in verdict.gates if words in gate.name)


def test_the_first_model_that_surely_passes_its_gates_is_promoted() -> None:
    verdict = judge(make_evidence())
    assert verdict.kind == "promote"
    assert all(gate.is_passed for gate in verdict.gates)
    assert "no champion yet" in verdict.reason


@pytest.mark.parametrize(
    ("evidence", "kind"),
    [
        (make_evidence(sure(0.1, 0.02)), "promote"),
        (make_evidence(sure(0.1, 0.06)), "inconclusive"),
        (make_evidence(sure(0.1, None)), "inconclusive"),
        (make_evidence(sure(0.1, 0.001, units=4)), "inconclusive"),
        (make_evidence(sure(-0.05, 0.06)), "keep"),
        (make_evidence(sure(-0.1, 0.01)), "keep"),
        (make_evidence(sure(0.0, 0.0, units=0)), "keep"),
        (make_evidence(sure(NAN)), "inconclusive"),
        (make_evidence(sure(0.1, NAN)), "inconclusive"),
        (make_evidence(champion_version="3"), "inconclusive"),
        (make_evidence(champion_version="3", champion_error="no column age"), "inconclusive"),
        (
            make_evidence(sure(0.1)).model_copy(
                update={"champion": make_rival("champion version 3", sure(0.1), "accuracy")}
            ),
            "inconclusive",
        ),
    ],
    ids=[
        "surely better",
        "perhaps better",
        "too few rows",
        "too few rows that differ",
        "perhaps worse",
        "surely worse",
        "same",
        "difference NaN",
        "error NaN",
        "not compared",
        "champion fails",
        "other metric",
    ],
)
def test_only_a_sure_win_over_the_champion_promotes(evidence: Evidence, kind: str) -> None:
    verdict = judge(evidence)
    assert verdict.kind == kind
    assert verdict.gates[-1].is_passed == (kind == "promote")
    assert "champion version 3" in verdict.gates[-1].detail


def test_a_metric_is_told_with_its_interval_and_rows() -> None:
    evidence = make_evidence(estimates={"accuracy": sure(0.963, 0.0095), "log_loss": sure(0.2)})
    gate = judge(evidence).gates[0]
    assert gate.detail == (
        "accuracy on the test rows is 0.963 (97 % interval 0.937 to 0.981, 400 rows); "
        "at least 0.85 is required"
    )
    assert (gate.value, gate.bound) == (0.963, 0.85)
    assert gate.low == pytest.approx(0.937, abs=0.001)


@pytest.mark.parametrize(
    ("estimates", "detail"),
    [
        ({"accuracy": sure(0.4)}, "accuracy on the test rows is 0.4"),
        ({"accuracy": sure(NAN)}, "accuracy on the test rows could not be computed"),
        ({"accuracy": None}, "accuracy on the test rows could not be computed"),
        ({"log_loss": None}, "log loss of the candidate could not be computed"),
        ({"log_loss": sure(NAN)}, "log loss of the candidate could not be computed"),
    ],
    ids=["below", "NaN", "missing", "compare missing", "compare NaN"],
)
@pytest.mark.parametrize("champion", [None, sure(0.1, 0.02)], ids=["first", "better"])
def test_a_failed_gate_keeps_the_champion_whatever_the_comparison(
    estimates: dict[str, Any], detail: str, champion: Any
) -> None:
    found = {"accuracy": sure(0.9), "log_loss": sure(0.2), **estimates}
    known = {name: each for name, each in found.items() if each is not None}
    verdict = judge(make_evidence(champion, estimates=known))
    assert verdict.kind == "keep"
    assert detail in verdict.reason
    assert not verdict.needs_approval


def test_coin_flips_do_not_become_the_first_champion() -> None:
    guess = make_rival("always alike", sure(0.016, 0.02))
    verdict = judge(make_evidence(guesses=(guess,)))
    assert verdict.kind == "inconclusive"
    assert "the test rows do not show it: log loss 0.2 is better than the 0.216" in verdict.reason
    assert judge(make_evidence(guesses=(guess,)), gates="point").kind == "promote"
    assert judge(make_evidence(sure(0.1), guesses=(guess,))).kind == "promote"
    assert judge(make_evidence(sure(0.1), guesses=(guess,)), gates="lower").kind == "inconclusive"


def test_a_bound_that_only_the_point_meets_asks_for_rows_or_a_person() -> None:
    evidence = make_evidence(estimates={"accuracy": sure(0.86, 0.017), "log_loss": sure(0.2)})
    verdict = judge(evidence)
    assert verdict.kind == "inconclusive"
    assert verdict.needs_approval
    assert verdict.rows_needed is not None
    assert 5_000 < verdict.rows_needed < 9_000
    assert "more test rows would settle it" in verdict.reason
    assert judge(evidence, gates="point").kind == "promote"


@pytest.mark.parametrize(
    "gaps",
    [(sure(0.5), sure(-0.1)), (sure(-0.1), sure(0.5)), (sure(0.5), None)],
    ids=["past wins", "mean wins", "past unknown"],
)
def test_the_hardest_guess_counts(gaps: tuple[Any, Any]) -> None:
    names = ("always alike", "the same as the row before")
    guesses = tuple(make_rival(*each) for each in zip(names, gaps, strict=True))
    verdict = judge(make_evidence(guesses=guesses))
    assert verdict.kind == "keep"
    if None not in gaps:
        worst = names[0 if gaps[0].value < 0 else 1]
        assert not find_gate(verdict, worst).is_passed


def test_more_tries_ask_for_more() -> None:
    gap = sure(0.1, 0.03)
    assert judge(make_evidence(gap)).kind == "promote"
    seventh = judge(make_evidence(gap, tries=Tries(number=7)))
    assert seventh.kind == "inconclusive"
    assert "7th try on these rows: 99.94 % needed" in seventh.reason
    assert (seventh.tries, round(seventh.confidence, 4)) == (7, 0.9994)


def test_more_tries_excuse_no_slice() -> None:
    slices = (make_slice("nurse", sure(-0.2, 0.07)),)
    evidence = make_evidence(sure(0.3), slices=slices, tries=Tries(number=7))
    assert judge(evidence).kind == "keep"


def test_what_is_inconclusive_says_how_many_rows_would_settle_it() -> None:
    verdict = judge(make_evidence(sure(0.05, 0.05)))
    # Two errors are needed and one is there: four times the rows, less those there are.
    assert verdict.rows_needed == pytest.approx(400 * (2.17**2 - 1), rel=0.1)
    assert "more test rows would settle it" in verdict.reason
    assert judge(make_evidence(sure(0.1, None))).rows_needed is None


def test_a_slice_that_is_surely_worse_keeps_the_champion() -> None:
    slices = (
        make_slice("nurse", sure(-0.2, 0.03)),
        make_slice("smith", sure(-0.3, 0.3)),
        make_slice("clerk", sure(0.2, 0.03)),
    )
    evidence = make_evidence(sure(0.1, 0.02), slices=slices)
    verdict = judge(evidence)
    assert verdict.kind == "keep"
    assert "1 of 3 slices surely worse: job = nurse" in verdict.reason
    assert (
        verdict.worst_slice
        == "against the champion job = smith (80 rows) fares worst: 0.3 higher log loss, worse"
    )
    assert judge(evidence, slice_tolerance=0.2).kind == "promote"
    assert judge(make_evidence(sure(0.1, 0.02), slices=slices[1:])).kind == "promote"


def test_slices_share_the_chance_of_an_alarm() -> None:
    gap = sure(-0.1, 0.04)
    assert judge(make_evidence(sure(0.1), slices=(make_slice("a", gap),))).kind == "keep"
    many = tuple(make_slice(str(number), gap) for number in range(20))
    assert judge(make_evidence(sure(0.1), slices=many)).kind == "promote"


def test_without_a_champion_the_worst_slice_is_named() -> None:
    slices = (make_slice("nurse", candidate=0.2), make_slice("smith", candidate=0.5))
    verdict = judge(make_evidence(slices=slices))
    assert verdict.kind == "promote"
    assert verdict.worst_slice == "job = smith (80 rows) does worst: log loss 0.5"


@pytest.mark.parametrize(
    ("policy", "champion", "expected"),
    [
        ("never", sure(0.1, 0.02), False),
        ("never", sure(0.1, 0.06), False),
        ("inconclusive", sure(0.1, 0.02), False),
        ("inconclusive", sure(0.1, 0.06), True),
        ("always", sure(0.1, 0.02), True),
        ("always", sure(0.1, 0.06), True),
        ("always", sure(-0.1, 0.02), False),
    ],
)
def test_the_policy_says_when_a_person_is_asked(policy: str, champion: Any, expected: bool) -> None:
    assert judge(make_evidence(champion), approval=policy).needs_approval is expected


def test_what_was_dropped_is_said() -> None:
    cleaning = {"rows_read": 900, "duplicates_dropped": 300, "outlier_rows_dropped": 0}
    verdict = judge(make_evidence(cleaning=cleaning))
    assert verdict.notes == (
        "judged on 400 test rows taken as independent rows",
        "300 duplicates dropped before the split",
    )


def test_what_happened_to_the_alias_by_hand_is_for_a_person_to_settle() -> None:
    gone = judge(make_evidence(disturbance="the champion was version 2, and its alias is gone"))
    assert gone.kind == "inconclusive"
    assert gone.needs_approval
    assert "its alias is gone: whether there is a next one is for a person" in gone.reason
    moved = judge(make_evidence(sure(0.1, 0.02), disturbance="somebody moved the alias"))
    assert moved.kind == "inconclusive"
    assert "somebody moved the alias, so a person decides" in moved.reason
    assert moved.rows_needed is None
    assert judge(make_evidence(sure(-0.1, 0.02), disturbance="somebody")).kind == "keep"


def test_a_champion_that_no_longer_understands_the_rows_is_for_the_policy() -> None:
    evidence = make_evidence(
        champion_version="3", champion_error="column 'age' is not there", is_unreadable=True
    )
    asked = judge(evidence)
    assert asked.kind == "inconclusive"
    assert "version 3 no longer understands the rows (column 'age' is not there)" in asked.reason
    assert judge(evidence, unreadable_champion="replace").kind == "promote"
    weak = evidence.model_copy(update={"guesses": (make_rival("always alike", sure(0.01, 0.02)),)})
    assert judge(weak, unreadable_champion="replace").kind == "inconclusive"
    moved = evidence.model_copy(update={"disturbance": "somebody moved the alias"})
    asked = judge(moved, unreadable_champion="replace")
    assert asked.kind == "inconclusive"
    assert "; somebody moved the alias), so a person decides" in asked.reason


def test_too_few_rows_that_neither_trained_on_are_no_reason_to_refuse() -> None:
    verdict = judge(make_evidence(sure(-0.1, None), rows_left_out=370))
    assert verdict.kind == "inconclusive"
    assert "compared on 30 of 400 test rows" in verdict.reason
    assert judge(make_evidence(sure(-0.1), rows_left_out=100)).kind == "keep"


@pytest.mark.parametrize(
    ("changes", "expected", "missing"),
    [
        ({}, ("class_weights: balanced", "threshold", "compare: average_precision"), ()),
        ({"training": {"class_weights": "balanced"}}, ("threshold",), ("class_weights",)),
        (
            {"promotion": {"compare": "average_precision"}},
            ("try training.class_weights: balanced, or set a threshold",),
            ("compare",),
        ),
        (
            {"evaluation": {"costs": {"false_positive": 1, "false_negative": 9}}},
            ("the report tells",),
            ("evaluation.costs",),
        ),
    ],
    ids=["nothing tried", "balanced", "ranked", "costs"],
)
def test_what_to_do_about_an_unpredicted_class_is_what_was_not_done(
    changes: dict[str, Any], expected: tuple[str, ...], missing: tuple[str, ...]
) -> None:
    spec = make_spec(**{"promotion": {}, **changes})
    (said,) = decide(spec, make_evidence(classes=2, unpredicted={"yes": 83})).warnings
    assert said.startswith("the candidate never predicts 'yes', which 83 of 400 test rows are; ")
    assert len(said) <= 300  # of a question in Airflow
    assert all(each in said for each in expected)
    assert not any(each in said for each in missing)


def test_of_many_unpredicted_classes_few_are_named() -> None:
    found = {"x" * 300: 40} | {f"class {number}": 20 for number in range(60)}
    (said,) = judge(make_evidence(classes=99, unpredicted=found)).warnings
    assert said.startswith(
        "the candidate never predicts 61 of the classes that the 400 test rows have: 'xxx"
    )
    assert "(40 rows), 'class 0' (20 rows), 'class 1' (20 rows), …; " in said
    assert "threshold" not in said
    assert len(said) <= 350
