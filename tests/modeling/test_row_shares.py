"""Shares of rows: nested, stable, spread."""

import itertools

import numpy as np
import pytest

from include.errors import TrainingError
from include.modeling.row_shares import choose_rows


def test_a_larger_share_holds_the_smaller_ones() -> None:
    ids = np.random.default_rng(0).permutation(5_003)
    shares = [choose_rows(ids, share) for share in (0.05, 0.1, 0.25, 0.5, 1.0)]
    assert [int(chosen.sum()) for chosen in shares] == [251, 501, 1_251, 2_502, 5_003]
    for small, large in itertools.pairwise(shares):
        assert large[small].all()


def test_a_choice_depends_on_ids_and_seed_only() -> None:
    ids = np.arange(1_000)
    order = np.random.default_rng(1).permutation(1_000)
    chosen = choose_rows(ids, 0.2)
    assert (choose_rows(ids[order], 0.2) == chosen[order]).all()
    assert (choose_rows(ids, 0.2, seed=1) != chosen).any()


def test_a_choice_is_spread_over_all_rows() -> None:
    chosen = choose_rows(np.arange(10_000), 0.1)
    counts = chosen.reshape(10, 1_000).sum(axis=1)
    assert (np.abs(counts - 100) < 40).all()


@pytest.mark.parametrize("share", [0, -0.1, 1.1])
def test_a_share_that_is_none_is_refused(share: float) -> None:
    with pytest.raises(TrainingError, match="share="):
        choose_rows(np.arange(10), share)
