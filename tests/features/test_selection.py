import numpy as np
import pandas as pd
import pytest

from include.features.selection import measure_information, score_columns, select_columns
from tests.builders import make_frame, make_spec


def test_features_that_tell_nothing_are_left_out() -> None:
    spec = make_spec(selection={"keep": 1})
    assert set(select_columns(spec, make_frame(2_000))) == {"age", "married", "job", "opened"}


def test_a_column_may_be_kept_whatever_it_tells() -> None:
    spec = make_spec(selection={"keep": 2, "always": ["job"]})
    assert set(select_columns(spec, make_frame(2_000))) == {"age", "married", "opened"}


def test_without_a_selection_nothing_is_left_out() -> None:
    assert select_columns(make_spec(), make_frame(100)) == ()


def test_noise_scores_about_zero_however_many_values_it_has() -> None:
    random = np.random.default_rng(0)
    target = random.integers(0, 2, 5_000)
    scores = [measure_information(random.integers(0, n, 5_000), target) for n in (2, 16, 64)]
    assert max(scores) < 0.003


def test_the_gaps_of_a_column_may_be_what_tells() -> None:
    frame = make_frame(1_000)
    frame["age"] = frame["age"].where(frame["repaid"] == "yes")
    scores = score_columns(make_spec(), frame)
    assert scores["age"] == pytest.approx(max(scores.values()))


def test_a_regression_is_scored_on_ranges_of_the_target() -> None:
    random = np.random.default_rng(0)
    good, noise = random.normal(size=(2, 2_000))
    spec = make_spec(
        target={"column": "y", "task": "regression"},
        columns=[{"name": name, "kind": "number"} for name in ("good", "noise", "y")],
        promotion={},
    )
    scores = score_columns(spec, pd.DataFrame({"good": good, "noise": noise, "y": good**2}))
    assert scores["good"] > 10 * scores["noise"]
