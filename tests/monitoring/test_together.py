"""All columns together: quiet while nothing moves, loud where no column shows it by itself."""

import numpy as np
import pandas as pd
import pytest

from include.monitoring.drift import judge_window
from include.monitoring.together import MAX_ROWS, choose_rows, compare_together


def make_rows(random, rows: int, correlation: float = 0.0) -> pd.DataFrame:
    pair = random.multivariate_normal([0, 0], [[1, correlation], [correlation, 1]], rows)
    frame = pd.DataFrame({"a": pair[:, 0], "b": pair[:, 1]})
    frame["job"] = random.choice(["clerk", "nurse", None], rows)
    frame["opened"] = pd.Timestamp("2026-01-01", tz="UTC") + pd.to_timedelta(
        random.integers(0, 99, rows), unit="D"
    )
    frame.loc[::7, "opened"] = pd.NaT
    return frame


def judge(before, now):
    found = compare_together(before, now, min_rows=100)
    return judge_window([found], alpha=0.01, min_shift=0.1)[0]


def test_a_correlation_that_turned_is_found_though_every_column_is_as_it_was():
    random = np.random.default_rng(0)
    judged = judge(make_rows(random, 1_000, 0.8), make_rows(random, 800, -0.8))
    assert judged.state == "drift"
    assert judged.distance > 0.8


def test_stable_rows_are_told_apart_no_more_often_than_stated():
    random = np.random.default_rng(1)
    p_values = [
        compare_together(make_rows(random, 200), make_rows(random, 150), min_rows=100).p_value
        for _ in range(20)
    ]
    # 0.1 of 20; four binomial deviations more is a wrong level.
    assert sum(each < 0.1 for each in p_values) <= 2 + 4 * np.sqrt(20 * 0.09)


def test_few_rows_and_no_kept_rows_are_said_and_never_called_stable():
    random = np.random.default_rng(2)
    assert judge(make_rows(random, 500), make_rows(random, 50)).state == "too little data"
    assert judge(None, make_rows(random, 500)).state == "no baseline"


@pytest.mark.parametrize("rows", [0, 10, 2 * MAX_ROWS])
def test_a_sample_is_bounded_and_the_same_each_time(rows):
    chosen = choose_rows(rows)
    assert len(np.unique(chosen)) == min(rows, MAX_ROWS)
    assert (chosen == choose_rows(rows)).all()
