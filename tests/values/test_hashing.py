import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from include.values.hashing import hash_rows, hash_values, to_unit_interval


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (pa.array(["clerk", ""]), [16210635562970151256, 16294208416658607535]),
        (pa.array([7, -1], type=pa.int64()), [7191089600892374487, 16490336266968443936]),
    ],
    ids=["texts", "integers"],
)
def test_hashes_do_not_change_between_versions(values: pa.Array, expected: list[int]) -> None:
    # A split must put a row where it stood last year: these numbers are part of the format.
    assert hash_values(values).tolist() == expected


@given(st.lists(st.one_of(st.none(), st.text(max_size=8)), max_size=30))
def test_texts_hash_by_value_wherever_they_stand(texts: list[str | None]) -> None:
    hashes = hash_values(pa.array(texts, type=pa.string()))
    alone = [int(hash_values(pa.array([text], type=pa.string()))[0]) for text in texts]
    assert hashes.tolist() == alone
    assert len(set(alone)) == len(set(texts))


def test_a_sliced_array_hashes_as_its_own_values() -> None:
    images = pa.FixedSizeListArray.from_arrays(pa.array(np.arange(30, dtype=np.uint8)), 5)
    for array in (images, pa.array(["a", "bb", "ccc", "d", "e", "f"])):
        np.testing.assert_array_equal(hash_values(array.slice(2, 3)), hash_values(array)[2:5])


def test_equal_numbers_have_equal_hashes() -> None:
    zero, minus_zero, other = hash_values(pd.Series([0.0, -0.0, 1.0]))
    assert zero == minus_zero != other


def test_the_order_of_columns_does_not_matter_but_their_names_do() -> None:
    frame = pd.DataFrame({"a": [1, 2], "b": [2, 1]})
    swapped = frame.rename(columns={"a": "b", "b": "a"})
    hashes = hash_rows(frame, ("a", "b"))
    np.testing.assert_array_equal(hashes, hash_rows(frame, ("b", "a")))
    assert (hashes != hash_rows(swapped, ("a", "b"))).all()


def test_missing_values_differ_from_empty_and_zero() -> None:
    texts = hash_values(pa.array(["", None]))
    numbers = hash_values(pa.array([0, None], type=pa.int64()))
    assert texts[0] != texts[1]
    assert numbers[0] != numbers[1]


def test_unit_numbers_are_even_and_differ_by_seed() -> None:
    hashes = hash_values(pd.Series(np.arange(50_000)))
    first, second = (to_unit_interval(hashes, seed=seed) for seed in (0, 1))
    counts, _ = np.histogram(first, bins=10, range=(0, 1))
    assert counts.min() > 4_700
    assert counts.max() < 5_300
    assert abs(np.corrcoef(first, second)[0, 1]) < 0.02
