"""The stated level is the true one: small cases here, the tables in `python -m benchmarks`."""

import numpy as np
import pytest

from benchmarks.judged_pairs import compare_pair, measure_lucky_series, measure_wins
from include.modeling.influences import compute_influences
from include.promotion.bench import bound_metric
from include.promotion.budget import LEVEL
from include.promotion.dependence import Dependence
from include.promotion.estimates import estimate, is_shown

PAIRS = 1_000
# Three binomial errors above the level.
MOST = LEVEL + 3 * (LEVEL * (1 - LEVEL) / PAIRS) ** 0.5


@pytest.mark.parametrize("rows", [50, 300])
@pytest.mark.parametrize(
    "kind",
    [
        "independent",
        "independent, skewed",
        "AR(1) 0.5",
        "AR(1) 0.8",
        "clusters, ICC 0.1",
        "clusters, ICC 0.5",
    ],
)
def test_equal_models_win_no_more_often_than_stated(kind: str, rows: int) -> None:
    wins = measure_wins(kind, ["mae", "rmse", "r2"], rows, pairs=PAIRS, alpha=LEVEL, seed=1)
    assert not [metric for metric, share in wins.items() if share > MOST], wins


def test_equal_classifiers_win_no_more_often_than_stated() -> None:
    metrics = ["accuracy", "roc_auc"]
    wins = measure_wins("clusters, ICC 0.5", metrics, 200, pairs=300, alpha=LEVEL, seed=1)
    assert max(wins.values()) <= LEVEL + 3 * (LEVEL * (1 - LEVEL) / 300) ** 0.5


@pytest.mark.parametrize("rows", [30, 200])
def test_what_is_explained_is_rarely_less_than_its_interval_says(rows: int) -> None:
    random, missed = np.random.default_rng(3), 0
    for _ in range(PAIRS):
        y = random.standard_normal(rows)
        predicted = y + random.normal(0, 0.5, rows)
        influences = compute_influences("r2", y, predicted)
        value = 1 - np.square(predicted - y).mean() / y.var()
        found = bound_metric("r2", estimate(value, influences, Dependence()), LEVEL)
        missed += found is not None and found.low > 0.75
    assert missed / PAIRS <= MOST


@pytest.mark.parametrize("kind", ["independent", "AR(1) 0.5", "clusters, ICC 0.5"])
def test_power_rises_with_the_rows(kind: str) -> None:
    power = [
        measure_wins(kind, ["mae"], rows, pairs=200, alpha=LEVEL, edge=0.15)["mae"]
        for rows in (100, 400, 2_000)
    ]
    assert power == sorted(power)
    assert power[-1] > 0.9


def test_twenty_equal_tries_promote_no_more_often_than_stated() -> None:
    assert measure_lucky_series("independent", "mae", 60, tries=20, series=PAIRS, seed=2) <= MOST


def test_a_comparison_that_ignored_the_dependence_would_fail_these_tests() -> None:
    random = np.random.default_rng(0)
    found = [compare_pair("AR(1) 0.8", ["mae"], 300, random, ignore=True) for _ in range(300)]
    assert sum(is_shown(each["mae"], LEVEL) for each in found) / 300 > 2 * LEVEL
