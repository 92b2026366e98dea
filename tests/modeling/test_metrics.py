import math

import numpy as np
import pytest
from sklearn import metrics as sk

from include.modeling.metrics import calibration_error, compute_metrics, confusion
from include.specs.metrics import METRICS, metrics_for
from tests.modeling.samples import SCHEMAS

CLASSIFICATION, REGRESSION = metrics_for("classification"), metrics_for("regression")


def make_predictions(kind: str, rows: int = 300, skill: float = 2.0) -> tuple:
    random = np.random.default_rng(1)
    if kind == "regression":
        y = random.normal(100, 20, rows)
        return y, y + random.normal(0, 20 / skill, rows)
    classes = len(SCHEMAS[kind].classes)
    y = random.integers(0, classes, rows)
    scores = random.normal(0, 1, (rows, classes)) + skill * np.eye(classes)[y]
    shares = np.exp(scores)
    return y, shares / shares.sum(axis=1, keepdims=True)


@pytest.mark.parametrize("kind", ["many", "binary", "regression"])
def test_every_metric_that_a_spec_may_name_is_computed(kind: str) -> None:
    names = metrics_for(SCHEMAS[kind].task)
    found = compute_metrics(SCHEMAS[kind], *make_predictions(kind), names)
    assert tuple(found) == names
    assert all(type(value) is float and math.isfinite(value) for value in found.values())


@pytest.mark.parametrize("kind", ["many", "binary", "regression"])
def test_a_better_model_has_better_metrics(kind: str) -> None:
    names = metrics_for(SCHEMAS[kind].task)
    worse = compute_metrics(SCHEMAS[kind], *make_predictions(kind, 2000, skill=1.0), names)
    better = compute_metrics(SCHEMAS[kind], *make_predictions(kind, 2000, skill=4.0), names)
    for name in set(names) - {"calibration_error"}:
        rises = better[name] > worse[name]
        assert rises == METRICS[name].is_higher_better, name


@pytest.mark.parametrize("kind", ["many", "binary", "regression"])
def test_metrics_are_blind_to_the_order_of_rows(kind: str) -> None:
    y, predictions = make_predictions(kind)
    order, names = np.random.default_rng(2).permutation(len(y)), metrics_for(SCHEMAS[kind].task)
    straight = compute_metrics(SCHEMAS[kind], y, predictions, names)
    assert straight == pytest.approx(
        compute_metrics(SCHEMAS[kind], y[order], predictions[order], names)
    )


@pytest.mark.parametrize("kind", ["many", "binary"])
@pytest.mark.parametrize("rows", [300, 7], ids=["all classes", "few rows"])
def test_metrics_agree_with_scikit_learn(kind: str, rows: int) -> None:
    y, shares = make_predictions(kind, rows, skill=0.5)
    shares = shares.round(1)  # ties, also between classes
    found = compute_metrics(SCHEMAS[kind], y, shares, CLASSIFICATION)
    labels, each = shares.argmax(axis=1), [1] if kind == "binary" else np.unique(y)
    of_labels = {
        "accuracy": sk.accuracy_score(y, labels),
        "balanced_accuracy": sk.recall_score(y, labels, labels=np.unique(y), average="macro"),
        "f1_macro": sk.f1_score(y, labels, average="macro"),
        "f1_weighted": sk.f1_score(y, labels, average="weighted"),
        "precision_macro": sk.precision_score(y, labels, average="macro", zero_division=0),
        "recall_macro": sk.recall_score(y, labels, average="macro", zero_division=0),
    }
    of_ranks = {
        "roc_auc": np.mean([sk.roc_auc_score(y == one, shares[:, one]) for one in each]),
        "average_precision": np.mean(
            [sk.average_precision_score(y == one, shares[:, one]) for one in each]
        ),
    }
    expected = of_labels | of_ranks
    assert {name: found[name] for name in expected} == pytest.approx(expected)


def test_losses_agree_with_scikit_learn() -> None:
    y, shares = make_predictions("many")
    found = compute_metrics(SCHEMAS["many"], y, shares, ["log_loss"])
    assert found["log_loss"] == pytest.approx(sk.log_loss(y, shares))
    y, shares = make_predictions("binary")
    found = compute_metrics(SCHEMAS["binary"], y, shares, ["brier"])
    assert found["brier"] == pytest.approx(sk.brier_score_loss(y, shares[:, 1]))
    y, values = make_predictions("regression")
    found = compute_metrics(SCHEMAS["regression"], y, values, ["r2"])
    assert found["r2"] == pytest.approx(sk.r2_score(y, values))


def test_one_class_alone_leaves_out_what_needs_two() -> None:
    shares = np.array([[0.9, 0.1], [0.6, 0.4]])
    found = compute_metrics(SCHEMAS["binary"], np.array([0, 0]), shares, CLASSIFICATION)
    assert set(CLASSIFICATION) - set(found) == {"roc_auc", "average_precision"}
    assert found["accuracy"] == found["balanced_accuracy"] == 1.0


def test_a_class_that_does_not_occur_is_left_out_of_the_mean_area() -> None:
    y, shares = make_predictions("many")
    few = y != 2
    found = compute_metrics(SCHEMAS["many"], y[few], shares[few], ["roc_auc"])
    areas = [sk.roc_auc_score(y[few] == each, shares[few, each]) for each in (0, 1)]
    assert found["roc_auc"] == pytest.approx(np.mean(areas))


@pytest.mark.parametrize(
    ("y", "missing"),
    [([0.0, 1.0], {"mape"}), ([2.0, 2.0], {"r2"}), ([3.0], {"r2"}), ([1.0, 2.0], set())],
    ids=["zero target", "constant target", "one row", "all defined"],
)
def test_undefined_regression_metrics_are_absent(y: list[float], missing: set[str]) -> None:
    values = np.array(y)
    found = compute_metrics(SCHEMAS["regression"], values, values + 0.5, REGRESSION)
    assert set(REGRESSION) - set(found) == missing


@pytest.mark.parametrize("kind", ["many", "regression"])
def test_without_rows_or_with_nan_nothing_is_known(kind: str) -> None:
    y, predictions = make_predictions(kind)
    names = metrics_for(SCHEMAS[kind].task)
    assert compute_metrics(SCHEMAS[kind], y[:0], predictions[:0], names) == {}
    predictions[7] = np.nan
    assert compute_metrics(SCHEMAS[kind], y, predictions, names) == {}


def test_being_sure_and_wrong_has_a_finite_price() -> None:
    shares = np.array([[1.0, 0.0], [1.0, 0.0]])
    found = compute_metrics(SCHEMAS["binary"], np.array([0, 1]), shares, ["log_loss"])
    assert found["log_loss"] == pytest.approx(-math.log(1e-7) / 2)


def test_calibration_error_is_the_gap_between_confidence_and_hits() -> None:
    shares = np.tile([0.8, 0.2], (10, 1))
    honest, boastful = np.array([0] * 8 + [1] * 2), np.array([0] * 5 + [1] * 5)
    assert calibration_error(honest, shares) == pytest.approx(0)
    assert calibration_error(boastful, shares) == pytest.approx(0.3)
    assert calibration_error(np.array([0]), np.array([[1.0, 0.0]])) == 0


def test_the_confusion_matrix_counts_true_by_predicted() -> None:
    shares = np.eye(3)[[0, 1, 1, 2]]
    assert confusion(np.array([0, 0, 1, 2]), shares).tolist() == [[1, 1, 0], [0, 1, 0], [0, 0, 1]]
