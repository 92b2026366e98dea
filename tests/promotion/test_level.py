"""The stated level is the true one: small cases here, the tables in `python -m benchmarks`."""

import numpy as np
import pytest

from benchmarks.judged_pairs import compare_pair, measure_wins
from include.promotion.budget import LEVEL, spend
from include.promotion.estimates import is_shown

PAIRS = 1_000
# Three binomial errors above the level.
MOST = LEVEL + 3 * (LEVEL * (1 - LEVEL) / PAIRS) ** 0.5


@pytest.mark.parametrize("rows", [50, 300])
@pytest.mark.parametrize("metric", ["mae", "r2"])
@pytest.mark.parametrize(
    "kind", ["independent", "AR(1) 0.5", "AR(1) 0.8", "clusters, ICC 0.1", "clusters, ICC 0.5"]
)
def test_equal_models_win_no_more_often_than_stated(kind: str, metric: str, rows: int) -> None:
    wins, _ = measure_wins(kind, metric, rows, pairs=PAIRS, alpha=LEVEL, seed=1)
    assert wins <= MOST


@pytest.mark.parametrize("metric", ["accuracy", "roc_auc"])
def test_equal_classifiers_win_no_more_often_than_stated(metric: str) -> None:
    pairs = 300 if metric == "roc_auc" else PAIRS
    wins, _ = measure_wins("clusters, ICC 0.5", metric, 200, pairs=pairs, alpha=LEVEL, seed=1)
    assert wins <= LEVEL + 3 * (LEVEL * (1 - LEVEL) / pairs) ** 0.5


@pytest.mark.parametrize("kind", ["independent", "AR(1) 0.5", "clusters, ICC 0.5"])
def test_power_rises_with_the_rows(kind: str) -> None:
    power = [
        measure_wins(kind, "mae", rows, pairs=200, alpha=LEVEL, edge=0.15)[0]
        for rows in (100, 400, 2_000)
    ]
    assert power == sorted(power)
    assert power[-1] > 0.9


def test_twenty_equal_tries_promote_no_more_often_than_stated() -> None:
    promoted, random = 0, np.random.default_rng(2)
    for _ in range(PAIRS):
        found = (compare_pair("independent", "mae", 60, random) for _ in range(20))
        promoted += any(
            each is not None and is_shown(each, spend(number))
            for number, each in enumerate(found, start=1)
        )
    assert promoted / PAIRS <= MOST


def test_a_comparison_that_ignored_the_dependence_would_fail_these_tests() -> None:
    random = np.random.default_rng(0)
    wins = 0
    for _ in range(300):
        found = compare_pair("AR(1) 0.8", "mae", 300, random, ignore=True)
        wins += found is not None and is_shown(found, LEVEL)
    assert wins / 300 > 2 * LEVEL
