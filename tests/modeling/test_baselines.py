import numpy as np
import pandas as pd
import pytest

from include.modeling.baselines import predict_baseline, predict_past
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


def test_the_past_is_repeated_at_every_lag_from_the_last_value_known() -> None:
    lags = {1: [5.0, None, None, None], 2: [6.0, 6.5, None, None], 24: [7.0, 7.5, 7.8, None]}
    frame = pd.DataFrame({f"price_lag_{lag}": values for lag, values in lags.items()})
    found = predict_past(SCHEMAS["regression"], frame, [24, 1, 2])
    assert list(found) == [1, 2, 24]
    assert found[1].tolist() == [5.0, 6.5, 7.8, 100.0]
    assert found[2].tolist() == [6.0, 6.5, 7.8, 100.0]
    assert found[24].tolist() == [7.0, 7.5, 7.8, 100.0]
    assert predict_past(SCHEMAS["many"], frame, [1]) == {}
