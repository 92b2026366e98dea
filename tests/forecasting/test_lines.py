"""Lines through a few measurements: robust, never falling, honest about their reach."""

import numpy as np
import pytest

from include.forecasting.lines import Range, fit_line


def test_a_line_through_exact_points_is_that_line() -> None:
    line = fit_line([100, 200, 400], [12.0, 22.0, 42.0])
    assert line.best == pytest.approx((2.0, 0.1))
    assert line.predict(1_000).estimate == pytest.approx(102.0)


def test_one_disturbed_measurement_does_not_bend_it() -> None:
    rows = np.array([100, 200, 300, 400, 500, 600, 700])
    costs = 2 + 0.1 * rows
    costs[3] *= 10
    assert fit_line(rows, costs).best.slope == pytest.approx(0.1, rel=0.01)


def test_costs_never_fall_with_rows() -> None:
    line = fit_line([100, 200, 400], [9.0, 7.0, 3.0])
    assert line.best == (7.0, 0.0)
    assert line.predict(10**9).estimate == 7.0


def test_nothing_costs_less_than_nothing() -> None:
    assert fit_line([100, 200, 400], [0.0, 10.0, 30.0]).best.intercept == 0.0


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


@pytest.mark.parametrize("rows", [[100], [100, 100], [95, 100, 105]], ids=str)
def test_runs_of_about_one_size_tell_the_least_and_the_most(rows: list[int]) -> None:
    line = fit_line(rows, [10.0 + each for each in range(len(rows))])
    assert not line.is_told
    more = line.predict(100_000)
    assert more.low < 10
    assert 10_000 < more.high < 20_000
    assert line.predict(10).high > 10  # fewer rows may cost no less


def test_two_runs_that_lie_close_do_not_widen_the_range() -> None:
    apart = fit_line([100, 1_000], [10.0, 100.0])
    close = fit_line([100, 1_000, 1_001], [10.0, 100.0, 130.0])
    assert close.is_told
    assert close.predict(10_000).high < 1.5 * apart.predict(10_000).high


def test_ranges_add_end_by_end() -> None:
    assert Range(1, 0, 2) + Range(10, 5, 20) == Range(11, 5, 22)
