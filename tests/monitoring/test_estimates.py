"""Performance without labels: what labels would have said, where they are drawn as before."""

from collections import Counter
from functools import cache, partial

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from include.modeling.metrics import compute_metrics
from include.monitoring.estimates import estimate_performance
from include.monitoring.reference import GROUPS, Calibration, calibrate
from include.promotion.bench import bound_metric
from include.records import FeatureSchema
from include.specs.metrics import metrics_for

RULES = np.array([[2.0, -1.0, 0.5], [-1.0, 1.5, 0.3], [0.0, 0.0, 0.0]])


def draw(random, rows: int, *, classes: int, shift: float = 0.0):
    """Draw features and classes that follow from them by a rule that never changes."""
    x = random.normal(shift, 1 + shift / 2, (rows, 3))
    odds = np.exp(1.2 * x @ RULES[:classes].T)
    ends = np.cumsum(odds / odds.sum(axis=1, keepdims=True), axis=1)
    return x, (random.random((rows, 1)) > ends[:, :-1]).sum(axis=1)


@cache
def count_held(classes: int) -> Counter[str]:
    """Count in how many of ten trials the interval of each metric holds what labels say."""
    names = metrics_for("classification")
    held: Counter[str] = Counter()
    for seed in range(10):
        random = np.random.default_rng(seed)
        # It answers too surely, so that only calibration makes its estimate right.
        model = LogisticRegression().fit(*draw(random, 4_000, classes=classes))
        model.coef_ *= 1.6
        x, y = draw(random, 4_000, classes=classes)
        calibration = calibrate(model.predict_proba(x), y)
        x, y = draw(random, 1_500, classes=classes, shift=0.4)
        said, measure = model.predict_proba(x), measure_by(classes, names)
        found, truth = estimate_performance(said, calibration, measure), measure(y, said)
        for name, value in truth.items():
            low, high = bound_metric(name, found[name], 0.025)
            held[name] += low <= value <= high
    return held


def measure_by(classes: int, names):
    known = tuple(str(each) for each in range(classes))
    schema = FeatureSchema(inputs=(), task="classification", target="y", classes=known)
    return partial(compute_metrics, schema, names=names)


@pytest.mark.parametrize("classes", [2, 3])
@pytest.mark.parametrize("metric", metrics_for("classification"))
def test_estimates_hold_what_labels_then_say_also_where_the_rows_have_shifted(classes, metric):
    # A 95 % interval that misses more than three of ten is none.
    assert count_held(classes)[metric] >= 7


def test_a_calibration_is_bounded_and_adds_up_to_one():
    random = np.random.default_rng(0)
    said = random.dirichlet([1, 1, 1], 5_000)
    calibration = calibrate(said, random.integers(0, 3, 5_000))
    assert all(len(each.at) <= GROUPS for each in calibration.classes)
    assert len(calibration.model_dump_json()) < 50_000
    assert calibration.apply(said).sum(axis=1) == pytest.approx(1)
    assert Calibration.model_validate_json(calibration.model_dump_json()) == calibration


def test_a_metric_that_some_draws_do_not_have_is_not_estimated():
    said = np.array([[0.999, 0.001]] * 30)
    calibration = calibrate(said, np.array([0] * 29 + [1]))
    measure = measure_by(2, ["roc_auc", "accuracy"])
    assert set(estimate_performance(said, calibration, measure)) == {"accuracy"}
