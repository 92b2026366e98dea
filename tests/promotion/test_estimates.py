import numpy as np
import pytest
from scipy import stats

from include.promotion.dependence import Dependence
from include.promotion.estimates import (
    bound,
    bound_share,
    count_missing_rows,
    estimate,
    is_shown,
)
from include.records import Estimate


def test_independent_rows_give_the_interval_of_student() -> None:
    gaps = np.random.default_rng(0).normal(0.3, 1.0, 200)
    found = bound(estimate(gaps.mean(), gaps, Dependence()), 0.025)
    expected = stats.ttest_1samp(gaps, 0.0).confidence_interval(0.95)
    assert found == pytest.approx(expected, abs=0.01)


def test_skewed_rows_only_widen() -> None:
    gaps = -np.random.default_rng(0).lognormal(0, 1.5, 60)
    found = bound(estimate(gaps.mean(), gaps, Dependence()), 0.025)
    plain = stats.ttest_1samp(gaps, 0.0).confidence_interval(0.95)
    assert found is not None
    assert found.low < plain.low
    assert found.high == pytest.approx(plain.high)


def test_clusters_count_once_each() -> None:
    random = np.random.default_rng(0)
    means = random.normal(0, 1, 50)
    repeated = np.repeat(means, 20)
    found = estimate(0.0, repeated, Dependence(np.repeat(np.arange(50), 20)))
    assert found.error == pytest.approx(means.std(ddof=1) / np.sqrt(50))
    assert (found.freedom, found.units) == (49, 50)
    lonely = estimate(0.0, repeated, Dependence())
    assert lonely.error < found.error / 4


def test_one_large_cluster_is_no_evidence() -> None:
    codes = np.concatenate([np.zeros(900, dtype=int), np.arange(1, 101)])
    gaps = np.random.default_rng(0).normal(0.5, 1, 1_000)
    assert estimate(gaps.mean(), gaps, Dependence(codes)).error is None


@pytest.mark.parametrize("rows", [1, 19])
def test_too_few_rows_bound_nothing(rows: int) -> None:
    found = estimate(0.1, np.arange(rows, dtype=float), Dependence())
    assert (found.error, bound(found, 0.025), is_shown(found, 0.025)) == (None, None, False)


@pytest.mark.parametrize(("hits", "rows"), [(260, 270), (270, 270), (0, 50), (25, 50)])
def test_a_share_has_the_exact_interval(hits: int, rows: int) -> None:
    right = np.r_[np.ones(hits), np.zeros(rows - hits)]
    found = bound_share(estimate(hits / rows, right, Dependence()), 0.025)
    exact = stats.binomtest(hits, rows).proportion_ci(0.95)
    assert found == pytest.approx((exact.low, exact.high), abs=0.006)


def test_few_rows_that_differ_show_nothing() -> None:
    gaps = np.zeros(1_000)
    gaps[:5] = 1.0
    found = estimate(gaps.mean(), gaps, Dependence())
    assert found.units == 5
    assert bound(found, 0.025).low > 0
    assert not is_shown(found, 0.025)


def test_missing_rows_are_those_that_narrow_the_interval_enough() -> None:
    found = Estimate(1.0, 1.0, 10_000, 0.0, 500)
    missing = count_missing_rows(found, lambda each: is_shown(each, 0.025), 100)
    assert missing == pytest.approx(100 * (1.96**2 - 1), rel=0.1)
    assert count_missing_rows(found, lambda _: False, 100) is None
    assert count_missing_rows(Estimate(1.0), lambda _: True, 100) is None
