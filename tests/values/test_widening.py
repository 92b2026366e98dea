"""32-bit numbers are read as the texts that name them."""

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from include.values.widening import widen


def by_text(values: pa.Array) -> np.ndarray:
    return bits(values.cast(pa.string()).cast(pa.float64()))


def bits(values: pa.Array) -> np.ndarray:
    numbers = values.fill_null(7.0).to_numpy(zero_copy_only=False)
    return np.where(np.isnan(numbers), 0, numbers.view(np.int64))


@given(st.lists(st.floats(width=32) | st.none(), max_size=50))
def test_any_number_is_what_reading_its_text_gives(numbers: list[float | None]) -> None:
    values = pa.array(numbers, pa.float32())
    assert bits(widen(values)).tolist() == by_text(values).tolist()
    assert widen(values).is_null().to_pylist() == values.is_null().to_pylist()


@pytest.mark.parametrize(
    "numbers",
    [
        np.random.default_rng(0).integers(0, 2**32, 50_000, dtype=np.uint32).view(np.float32),
        np.random.default_rng(1).standard_normal(50_000),
        np.round(np.random.default_rng(2).uniform(-1000, 1000, 50_000), 2),
        # Exact halves and quarters: where a decimal lies between two others.
        np.ldexp(np.random.default_rng(3).integers(1, 2**24, 50_000).astype(float), -20),
        np.ldexp(np.random.default_rng(4).integers(1, 2**6, 50_000).astype(float), -12),
        2.0**23 + np.arange(-50, 50),
    ],
    ids=["any bits", "normal", "prices", "fine fractions", "fractions", "large"],
)
def test_many_numbers_are_what_reading_their_texts_gives(numbers: np.ndarray) -> None:
    values = pa.array(numbers.astype(np.float32))
    np.testing.assert_array_equal(bits(widen(values)), by_text(values))


def test_a_slice_is_read_from_its_own_place() -> None:
    values = pa.array([1.5, None, 0.1, 0.2], pa.float32()).slice(1, 2)
    assert widen(values).to_pylist() == [None, 0.1]
