"""Where statistics could lie: whatever the test rows are, luck and gaps promote nobody."""

from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from include.promotion.dependence import MIN_ROWS, Dependence
from include.promotion.gates import decide
from include.records import Evidence, FeatureSchema, Verdict
from include.steps.evaluate.champion import ChampionScores
from include.steps.evaluate.court import Court, find_dependence
from include.steps.evaluate.evidence import gather_evidence
from tests.builders import make_spec

CLASSES = FeatureSchema(inputs=(), task="classification", target="repaid", classes=("no", "yes"))
NUMBERS = FeatureSchema(inputs=(), task="regression", target="income")
EVALUATED = ("accuracy", "log_loss", "roc_auc")
PRICED = {"target": {"column": "income", "task": "regression"}}


def weigh(
    y: np.ndarray, candidate: np.ndarray, rivals: tuple[np.ndarray, np.ndarray], **changes: Any
) -> tuple[Verdict, Evidence]:
    """Judge a candidate against a trivial guess and a champion on the same rows."""
    is_regression = "target" in changes
    spec = make_spec(**{"evaluation": {}, "promotion": {}, **changes})
    names = ("mae", "r2") if is_regression else EVALUATED
    guess, champion = rivals
    evidence = gather_evidence(
        spec,
        Court(NUMBERS if is_regression else CLASSES, y, Dependence(), names),
        pd.DataFrame(index=range(len(y))),
        candidate=candidate,
        guesses={"always alike": guess},
        champion=ChampionScores("3", champion),
        cleaning={},
    )
    return decide(spec, evidence), evidence


def sure_of(y: np.ndarray, share: float) -> np.ndarray:
    """Give the true class of every row so much probability."""
    right = np.full(len(y), share)
    return np.stack([np.where(y == 0, right, 1 - right), np.where(y == 1, right, 1 - right)], 1)


@pytest.mark.parametrize("rows", [1, 2, 5, 19])
def test_few_rows_are_inconclusive_however_good_the_candidate(rows: int) -> None:
    y = np.arange(rows) % 2
    random = np.random.default_rng(rows)
    guess, champion = (sure_of(y, 0.5), sure_of(y, 0.6) * random.uniform(0.9, 1.0, (rows, 1)))
    verdict, _ = weigh(y, sure_of(y, 0.99), (guess, champion))
    assert verdict.kind == "inconclusive"
    assert "too few" in verdict.reason


def test_rows_of_one_class_show_nothing_of_the_other() -> None:
    y = np.zeros(200, dtype=int)
    rivals = sure_of(y, 0.9), sure_of(y, 0.98)
    verdict, _ = weigh(y, sure_of(y, 0.9999), rivals)
    assert verdict.kind == "inconclusive"
    assert "all of the class 'no'" in verdict.reason
    first, _ = weigh(y, sure_of(y, 0.9999), rivals, promotion={"gates": "lower"})
    assert first.kind == "inconclusive"


@pytest.mark.parametrize("rules", [{"compare": "roc_auc"}, {"require": {"roc_auc": ">= 0.5"}}])
def test_a_metric_that_one_class_leaves_undefined_is_inconclusive(rules: dict[str, Any]) -> None:
    y = np.zeros(200, dtype=int)
    verdict, _ = weigh(y, sure_of(y, 0.99), (sure_of(y, 0.9), sure_of(y, 0.8)), promotion=rules)
    assert verdict.kind == "inconclusive"
    assert "ROC AUC is not defined on these test rows" in verdict.reason


def test_a_constant_target_leaves_its_explained_share_undefined() -> None:
    y = np.full(100, 5.0)
    noise = np.random.default_rng(0).normal(0, 1, (3, 100))
    ours, guess, champion = y + noise * [[0.1], [1], [1]]
    verdict, _ = weigh(y, ours, (guess, champion), **PRICED, promotion={"compare": "r2"})
    assert verdict.kind == "inconclusive"
    assert "not defined on these test rows" in verdict.reason


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_a_prediction_that_is_no_number_never_promotes(bad: float) -> None:
    y = np.arange(100) % 2
    good, worse = sure_of(y, 0.9), (sure_of(y, 0.5), sure_of(y, 0.6))
    broken = good.copy()
    broken[7, 0] = bad
    assert weigh(y, broken, worse)[0].kind == "keep"
    champion, _ = weigh(y, good, (worse[0], broken))
    assert champion.kind == "inconclusive"
    assert "could not be computed" in champion.reason


@given(st.data())
@settings(max_examples=60, deadline=None)
def test_what_ties_with_the_champion_is_kept(data: st.DataObject) -> None:
    rows = data.draw(st.integers(1, 200))
    y = np.asarray(data.draw(st.lists(st.integers(0, 1), min_size=rows, max_size=rows)))
    ours = sure_of(y, data.draw(st.floats(0.51, 1.0)))
    verdict, _ = weigh(y, ours, (sure_of(y, 0.3), ours.copy()))
    assert verdict.kind != "promote"


@given(
    rows=st.integers(MIN_ROWS, 300),
    different=st.integers(0, 6),
    gain=st.floats(1e-9, 1e6),
)
@settings(max_examples=60, deadline=None)
def test_few_rows_that_differ_never_promote(rows: int, different: int, gain: float) -> None:
    y = np.linspace(0, 1, rows)
    ours, champion = y + 1e-3, y + 1e-3
    champion[:different] += gain
    verdict, _ = weigh(y, ours, (y + 2e6, champion), **PRICED, promotion={"compare": "mae"})
    assert verdict.kind != "promote"


def test_only_slices_with_enough_rows_are_held_against_the_champion() -> None:
    y = np.arange(100) % 2
    spec = make_spec(evaluation={"slices": ["job", "age"], "slice_rows": 30})
    evidence = gather_evidence(
        spec,
        Court(CLASSES, y, Dependence(), EVALUATED),
        pd.DataFrame({"job": ["nurse"] * 71 + ["smith"] * 29, "age": y}),
        candidate=sure_of(y, 0.9),
        guesses={},
        champion=ChampionScores("3", sure_of(y, 0.8)),
        cleaning={},
    )
    assert [(each.column, each.value, each.rows) for each in evidence.slices] == [
        ("job", "nurse", 71),
        ("age", "0", 50),
        ("age", "1", 50),
    ]
    assert all(each.gap is not None and each.gap.value > 0 for each in evidence.slices)


def test_an_average_over_classes_is_as_sure_as_its_rarest_class() -> None:
    y = np.r_[np.ones(9, dtype=int), np.zeros(191, dtype=int)]
    random = np.random.default_rng(0)
    ours, theirs = (sure_of(y, 0.6) + random.uniform(0, 0.3, (200, 2)) for _ in range(2))
    gaps = {}
    for first in (0, 1):  # one more row of the class is enough
        y[9] = first
        court = Court(CLASSES, y, Dependence(), EVALUATED)
        gaps[first] = court.compare("", court.measure(ours), theirs).gaps
    assert gaps[0]["roc_auc"].error is None
    assert gaps[1]["roc_auc"].freedom == 9
    assert gaps[0]["log_loss"].freedom == gaps[1]["log_loss"].freedom == 199
    keys = Court(CLASSES, y, Dependence(np.arange(200) // 2), EVALUATED)
    assert keys.compare("", keys.measure(ours), theirs).gaps["roc_auc"].error is None


def test_rows_with_one_key_or_without_any_are_told_apart() -> None:
    spec = make_spec(split={"method": "group", "by": "loan_id"})
    frame = pd.DataFrame({"loan_id": ["a", "a", "b", None, None]})
    found = find_dependence(spec, frame)
    assert found.codes is not None
    assert found.codes.tolist() == [0, 0, 1, 2, 3]
    assert find_dependence(spec, frame.iloc[[0, 2, 3]]).codes is None


def leave_out(y: np.ndarray, classes: int, never: set[int]) -> np.ndarray:
    """Predict the true class of every row, but never one of some classes."""
    predictions = np.full((len(y), classes), 0.1)
    likely = np.where(np.isin(y, list(never)), 0, y)
    predictions[np.arange(len(y)), likely] = 2.0
    return predictions / predictions.sum(axis=1, keepdims=True)


def test_a_class_that_is_never_predicted_is_said_and_changes_no_verdict() -> None:
    y = np.repeat([0, 1], [380, 20])
    never = leave_out(y, 2, {1})
    rivals = sure_of(y, 0.5), sure_of(y, 0.6)
    verdict, evidence = weigh(y, never, rivals)
    assert evidence.unpredicted == {"yes": 20}
    assert verdict.warnings[0].startswith(
        "the candidate never predicts 'yes', which 20 of 400 test rows are; "
    )
    silent = decide(make_spec(promotion={}), evidence.model_copy(update={"unpredicted": {}}))
    assert silent == verdict.model_copy(update={"warnings": ()})
    once = never.copy()
    once[-1] = [0.4, 0.6]
    assert weigh(y, once, rivals)[0].warnings == ()


@pytest.mark.parametrize(("rows", "is_said"), [(9, False), (10, True)])
def test_of_a_class_with_few_test_rows_nothing_is_said(rows: int, is_said: bool) -> None:
    y = np.repeat([0, 1], [200, rows])
    verdict, _ = weigh(y, leave_out(y, 2, {1}), (sure_of(y, 0.5), sure_of(y, 0.6)))
    assert bool(verdict.warnings) is is_said


def test_rows_of_one_key_are_one_where_a_class_is_never_predicted() -> None:
    y, keys = np.repeat([0, 1], [200, 40]), np.r_[np.arange(200), 200 + np.arange(40) % 9]
    court = Court(CLASSES, y, Dependence(keys, False, "customer"), EVALUATED)
    assert court.find_unpredicted(leave_out(y, 2, {1})) == {}
    many = court._replace(dependence=Dependence(np.r_[np.arange(200), 200 + np.arange(40) % 10]))
    assert many.find_unpredicted(leave_out(y, 2, {1})) == {"yes": 40}


def test_the_largest_of_the_classes_that_are_never_predicted_come_first() -> None:
    names = ("ant", "bee", "cat", "dog")
    schema = FeatureSchema(inputs=(), task="classification", target="kind", classes=names)
    y = np.repeat([0, 1, 2, 3], [50, 12, 5, 30])
    court = Court(schema, y, Dependence(), EVALUATED)
    assert list(court.find_unpredicted(leave_out(y, 4, {1, 2, 3})).items()) == [
        *(("dog", 30), ("bee", 12))
    ]


def test_numbers_have_no_class_that_could_be_left_out() -> None:
    y = np.arange(100.0)
    verdict, evidence = weigh(y, y, (y + 1, y + 2), **PRICED)
    assert (evidence.unpredicted, verdict.warnings) == ({}, ())
