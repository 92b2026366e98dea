import numpy as np
import pytest

from include.promotion.budget import (
    LEVEL,
    SKETCH,
    count_try,
    digest_predictions,
    share_common,
    sketch_rows,
    spend,
)
from include.records import TriedRows
from include.values.hashing import mix64


def hash_numbers(start: int, stop: int) -> np.ndarray:
    return mix64(np.arange(start, stop, dtype=np.uint64))


def test_all_tries_together_stay_within_the_level() -> None:
    shares = [spend(number) for number in range(1, 2_000)]
    assert sum(shares) < LEVEL
    assert shares == sorted(shares, reverse=True)
    assert shares[0] > LEVEL / 2


def test_a_sketch_tells_what_two_sets_have_in_common() -> None:
    rows = sketch_rows(hash_numbers(0, 1_000))
    assert len(rows) == SKETCH
    assert share_common(rows, sketch_rows(hash_numbers(0, 1_000)[::-1])) == 1
    assert share_common(rows, sketch_rows(hash_numbers(1_000, 2_000))) == 0
    assert share_common(rows, sketch_rows(hash_numbers(500, 1_500))) == pytest.approx(
        1 / 3, abs=0.15
    )


def test_rows_that_were_mostly_there_do_not_renew_the_budget_and_fresh_ones_do() -> None:
    known: list[TriedRows] = []
    for number, stop in enumerate((1_000, 1_010, 1_020), start=1):
        sketch = sketch_rows(hash_numbers(0, stop))
        tries, tried = count_try(known, sketch, f"candidate {number}")
        known = [*[each for each in known if each.sketch != sketch], tried]
        assert tries.number == number
    fresh, _ = count_try(known, sketch_rows(hash_numbers(2_000, 3_000)), "candidate 4")
    assert fresh.number == 1


def test_the_same_predictions_cost_nothing() -> None:
    sketch = sketch_rows(hash_numbers(0, 100))
    _, rows = count_try([], sketch, "a")
    _, rows = count_try([rows], sketch, "b")
    again, same = count_try([rows], sketch, "a")
    assert (again.number, same) == (1, rows)


def test_noise_of_the_last_digits_is_the_same_candidate() -> None:
    shares = np.random.default_rng(0).random((50, 2))
    assert digest_predictions(shares) == digest_predictions(shares + 1e-12)
    assert digest_predictions(shares) != digest_predictions(shares + 1e-3)
