"""Lines through a few measurements: robust, never falling, honest about their reach."""

import numpy as np
import pytest

from include.forecasting.lines import Range, fit_line


def test_a_line_through_exact_points_is_that_line() -> None:
    line = fit_line([100, 200, 400], [12.0, 22.0, 42.0])
    assert (line.intercept, line.slope) == pytest.approx((2.0, 0.1))
    assert line.predict(1_000).estimate == pytest.approx(102.0)


def test_one_disturbed_measurement_does_not_bend_it() -> None:
    rows = np.array([100, 200, 300, 400, 500, 600, 700])
    costs = 2 + 0.1 * rows
    costs[3] *= 10
    assert fit_line(rows, costs).slope == pytest.approx(0.1, rel=0.01)


def test_costs_never_fall_with_rows() -> None:
    line = fit_line([100, 200, 400], [9.0, 7.0, 3.0])
    assert (line.slope, line.intercept) == (0.0, 7.0)
    assert line.predict(10**9).estimate == 7.0


def test_nothing_costs_less_than_nothing() -> None:
    assert fit_line([100, 200, 400], [0.0, 10.0, 30.0]).intercept == 0.0


def test_the_range_holds_what_any_two_points_say_and_grows_with_the_distance() -> None:
    line = fit_line([100, 200, 400], [10.0, 21.0, 38.0])
    near, far = line.predict(400), line.predict(40_000)
    assert near.low < 38 < near.high
    assert far.low < 100 * 38 * 0.9 < far.high
    assert far.high / far.low > near.high / near.low


def test_it_tells_how_many_rows_fit() -> None:
    line = fit_line([100, 200], [30.0, 40.0])
    assert line.most_rows(120) == 1_000
    assert line.most_rows(10) == 0
    assert fit_line([100, 200], [5.0, 5.0]).most_rows(6) == 10**15


@pytest.mark.parametrize("rows", [[100], [100, 100]])
def test_one_number_of_rows_gives_no_line(rows: list[int]) -> None:
    with pytest.raises(ValueError, match="two different numbers of rows"):
        fit_line(rows, [1.0] * len(rows))


def test_ranges_add_end_by_end() -> None:
    assert Range(1, 0, 2) + Range(10, 5, 20) == Range(11, 5, 22)
