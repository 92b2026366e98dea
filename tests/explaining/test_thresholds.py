import numpy as np
import pytest

from include.explaining.courses import trace_courses
from include.explaining.thresholds import Costs, Scored, choose_threshold, trace_costs


def draw(rows: int, seed: int) -> Scored:
    """Draw calibrated scores: yes is true as often as the score says."""
    random = np.random.default_rng(seed)
    scores = random.random(rows)
    return Scored((random.random(rows) < scores).astype(np.int32), scores)


@pytest.mark.parametrize(("false_positive", "false_negative"), [(1, 1), (1, 4), (9, 1)])
def test_of_calibrated_scores_the_best_threshold_is_the_share_of_the_costs(
    false_positive, false_negative
):
    costs = Costs(false_positive, false_negative)

    found = choose_threshold(draw(40_000, 0), draw(40_000, 1), costs, positive="yes")

    # Elkan 2001, equation 2
    best = false_positive / (false_positive + false_negative)
    assert found.threshold == pytest.approx(best, abs=0.05)
    assert found.test_cost <= min(found.half_cost, found.never_cost, found.always_cost) + 0.005
    assert len(found.points) <= 200


def test_costs_are_those_of_the_answers_at_each_threshold():
    rows = Scored(np.array([1, 0, 1, 0]), np.array([0.9, 0.4, 0.4, 0.1]))
    costs = Costs(2, 3)

    thresholds, traced = trace_costs(rows, costs)

    assert thresholds.tolist() == pytest.approx([0, 0.25, 0.65, 1])
    expected = [costs.of(*rows, threshold) for threshold in thresholds]
    assert traced.tolist() == pytest.approx(expected)


def test_a_course_is_told_as_means_in_order_of_time_and_its_end_row_by_row():
    hours = np.arange(1_000)
    times = np.datetime64("2024-01-01", "us") + hours * np.timedelta64(3_600_000_000, "us")
    order = np.random.default_rng(0).permutation(1_000)

    whole, end = trace_courses(times[order], hours[order] * 1.0, hours[order] + 0.5)

    assert (whole.rows_per_point, len(whole.actual), whole.actual[0]) == (5, 200, 2)
    assert whole.times[0] == "2024-01-01 00:00"
    assert (end.rows_per_point, end.actual[-1], end.predicted[-1]) == (1, 999, 999.5)
