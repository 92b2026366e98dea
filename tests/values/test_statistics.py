import numpy as np
import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from include.values.hashing import mix64
from include.values.statistics import Moments, RowSample, ValueCounts, find_most_frequent

NUMBERS = st.lists(
    st.floats(-1e6, 1e6, allow_nan=False) | st.just(float("nan")), min_size=1, max_size=60
)


@given(NUMBERS, st.integers(0, 60))
def test_moments_merge_as_if_seen_at_once(numbers: list[float], cut: int) -> None:
    values = np.array(numbers)
    whole, first, second = Moments(), Moments(), Moments()
    whole.update(values)
    first.update(values[:cut])
    second.update(values[cut:])
    first.merge(second)
    present = values[~np.isnan(values)]
    assert first.count == whole.count == len(present)
    if len(present):
        np.testing.assert_allclose(
            [first.mean, first.std], [present.mean(), present.std()], rtol=1e-9, atol=1e-6
        )
        assert (first.minimum, first.maximum) == (present.min(), present.max())


def _sample(order: np.ndarray, batch: int) -> RowSample:
    values = np.arange(1_000.0)
    sample = RowSample(("x",), size=100)
    for start in range(0, 1_000, batch):
        rows = order[start : start + batch]
        sample.update(mix64(rows.astype(np.uint64)), {"x": values[rows]})
    return sample


@given(st.integers(1, 1_000), st.randoms(use_true_random=False))
def test_a_sample_does_not_depend_on_batches_or_row_order(batch: int, random: object) -> None:
    order = np.arange(1_000)
    random.shuffle(order)  # type: ignore[attr-defined]
    expected = np.sort(_sample(np.arange(1_000), 1_000).values("x"))
    assert len(expected) == 100
    np.testing.assert_array_equal(np.sort(_sample(order, batch).values("x")), expected)


def test_a_sample_of_few_rows_holds_them_all() -> None:
    sample = RowSample(("x",), size=100)
    sample.update(mix64(np.arange(4, dtype=np.uint64)), {"x": np.array([3.0, np.nan, 1.0, 2.0])})
    assert sorted(sample.values("x")) == [1.0, 2.0, 3.0]


def test_samples_merge() -> None:
    left, right = RowSample(("x",), size=50), RowSample(("x",), size=50)
    places = np.arange(200, dtype=np.uint64)
    left.update(mix64(places[:90]), {"x": places[:90].astype(float)})
    right.update(mix64(places[90:]), {"x": places[90:].astype(float)})
    left.merge(right)
    whole = RowSample(("x",), size=50)
    whole.update(mix64(places), {"x": places.astype(float)})
    np.testing.assert_array_equal(np.sort(left.values("x")), np.sort(whole.values("x")))


def test_counts_merge_and_rank_ties_by_name() -> None:
    first, second = ValueCounts(), ValueCounts()
    first.update(pa.array(["b", "a", None]))
    second.update(pa.array(["c", "c", "b", "a"]))
    first.merge(second)
    assert first.ranked() == [("a", 2), ("b", 2), ("c", 2)]
    assert (first.missing, first.total) == (1, 7)


def test_counts_forget_only_the_rarest() -> None:
    counts = ValueCounts(limit=10)
    for number in range(200):
        counts.update(pa.array(["often", "often", f"once{number}"]))
    assert counts.ranked()[0] == ("often", 400)
    assert len(counts.ranked()) <= 10


def test_the_most_frequent_number_of_equals_is_the_smallest() -> None:
    assert find_most_frequent(np.array([2.0, 1.0, 3.0, 2.0, 1.0])) == 1.0
