"""Learning curves: the doubling's gain, and silence where nothing can be told."""

import numpy as np
import pytest

from include.modeling.learning_curve import fit_learning_curve

ROWS = np.array([500, 1_000, 2_500, 5_000, 10_000])


@pytest.mark.parametrize(
    ("floor", "drop", "power"),
    [(0.1, 4.0, 0.5), (0.0, 2.0, 0.3), (0.3, 60.0, 0.9)],
    ids=["square root", "slow, to nothing", "fast, to a floor"],
)
@pytest.mark.parametrize("is_higher_better", [False, True], ids=["error", "score"])
def test_a_power_law_gives_the_gain_of_doubling(
    floor: float, drop: float, power: float, is_higher_better: bool
) -> None:
    error = floor + drop * ROWS.astype(float) ** -power
    values = 1 - error if is_higher_better else error
    fit = fit_learning_curve(ROWS, values, is_higher_better=is_higher_better)
    assert fit.kind == "power_law"
    expected = drop * (10_000**-power - 20_000**-power)
    assert fit.gain == pytest.approx(expected, rel=0.02)
    assert fit.low <= fit.gain <= fit.high
    np.testing.assert_allclose(fit.predict(ROWS), values, atol=1e-4)


def test_the_range_grows_with_the_scatter_and_mostly_holds_the_truth() -> None:
    random = np.random.default_rng(3)
    error = 0.05 + 3 * ROWS.astype(float) ** -0.6
    truth = 3 * (10_000**-0.6 - 20_000**-0.6)
    widths, held = {}, 0
    for scatter in (2e-4, 2e-3):
        for _ in range(20):
            values = error + random.normal(0, scatter, 5)
            fit = fit_learning_curve(ROWS, values, is_higher_better=False)
            held += fit.low <= truth <= fit.high
            widths.setdefault(scatter, []).append(fit.high - fit.low)
    assert np.median(widths[2e-3]) > 2 * np.median(widths[2e-4]) > 0
    assert held >= 28


def test_noise_tells_nothing() -> None:
    random = np.random.default_rng(0)
    fits = [
        fit_learning_curve(ROWS, 0.3 + random.normal(0, 0.02, 5), is_higher_better=False)
        for _ in range(60)
    ]
    silent = [fit for fit in fits if fit.kind == "unknown"]
    assert len(silent) >= 0.85 * len(fits)
    assert silent[0].gain is None
    assert "no trend beyond their scatter of ±0.0" in silent[0].reason


def test_a_metric_that_gets_worse_with_rows_is_no_trend() -> None:
    fit = fit_learning_curve(ROWS, [0.1, 0.2, 0.3, 0.4, 0.5], is_higher_better=False)
    assert fit.kind == "unknown"


def test_three_points_on_a_line_give_a_line() -> None:
    fit = fit_learning_curve([100, 200, 400], [0.5, 0.401, 0.3], is_higher_better=False)
    assert fit.kind == "log_line"
    assert fit.gain == pytest.approx(0.1, rel=0.02)


def test_a_line_promises_no_more_than_there_is() -> None:
    fit = fit_learning_curve([100, 200, 400], [0.9, 0.951, 1.0], is_higher_better=True)
    assert fit.kind == "log_line"
    assert fit.high <= 0.01


@pytest.mark.parametrize("points", [0, 1, 2])
def test_too_few_points_tell_nothing(points: int) -> None:
    fit = fit_learning_curve(ROWS[:points], [0.5, 0.4][:points], is_higher_better=False)
    assert fit.kind == "unknown"
    assert "at least 3 points" in fit.reason


def test_equal_points_tell_nothing() -> None:
    assert fit_learning_curve(ROWS, [0.2] * 5, is_higher_better=False).kind == "unknown"
