import numpy as np
import pytest

from include.modeling.baselines import predict_baseline
from include.modeling.metrics import compute_metrics
from tests.modeling.samples import SCHEMAS


def test_the_baseline_answers_with_the_majority_and_its_share() -> None:
    answers = predict_baseline(SCHEMAS["many"], np.array([2, 2, 2, 0]), rows=4)
    assert answers.tolist() == [[0.25, 0.0, 0.75]] * 4
    found = compute_metrics(SCHEMAS["many"], np.array([2, 2, 0, 0]), answers, ["accuracy"])
    assert found == {"accuracy": 0.5}


def test_the_baseline_of_a_regression_is_the_mean_of_training() -> None:
    answers = predict_baseline(SCHEMAS["regression"], np.array([1.0, 3.0]), rows=3)
    assert answers.tolist() == [2.0, 2.0, 2.0]
    found = compute_metrics(SCHEMAS["regression"], np.array([1.0, 2.0, 3.0]), answers, ["r2"])
    assert found["r2"] == pytest.approx(0)
