import numpy as np
import pytest

from benchmarks.judged_pairs import make_noise
from include.promotion.dependence import Dependence, choose_block_length, gather_units


def test_the_block_length_is_that_of_the_theory() -> None:
    random = np.random.default_rng(0)
    lengths = [choose_block_length(make_noise("AR(1) 0.8", 4_000, random)) for _ in range(60)]
    # Of an AR(1) series: (1.5 (2r/(1−r²))² n)^(1/3).
    assert np.median(lengths) == pytest.approx(
        (1.5 * (1.6 / 0.36) ** 2 * 4_000) ** (1 / 3), rel=0.2
    )
    independent = [choose_block_length(random.standard_normal(4_000)) for _ in range(60)]
    assert np.median(independent) < 5


@pytest.mark.parametrize("series", [np.zeros(100), np.ones(2), np.array([1.0, -1.0] * 50)])
def test_a_series_without_memory_has_short_blocks(series: np.ndarray) -> None:
    assert 1 <= choose_block_length(series) <= len(series)


def test_equal_times_stay_together() -> None:
    times = np.repeat(np.arange(100), 3)
    units = gather_units(np.ones(300), Dependence(times, True, "time"))
    assert units.sums.sum() == 300
    assert (units.sizes % 3 == 0).all()


def test_a_series_that_hangs_together_as_a_whole_has_no_units() -> None:
    drift = np.linspace(-1, 1, 200)
    assert len(gather_units(drift, Dependence(np.arange(200), True, "time")).sums) == 0
