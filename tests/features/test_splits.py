from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from include.errors import DataError, LeakageError
from include.features.part_checks import check_keys, check_parts, check_time_order
from include.features.splits import (
    LEFT_OUT,
    TEST,
    TRAIN,
    VALIDATION,
    SplitFacts,
    assign_parts,
    build_strata,
    read_order,
)
from include.specs.features import SplitSpec
from include.values.hashing import hash_values


def hash_keys(values: object) -> np.ndarray:
    return hash_values(pd.Series(values))


@given(st.integers(1, 300), st.integers(0, 300), st.integers(0, 5))
def test_a_hash_split_is_stable_when_rows_are_appended(rows: int, more: int, seed: int) -> None:
    split = SplitSpec(method="hash", seed=seed)
    before = assign_parts(split, SplitFacts(keys=hash_keys(np.arange(rows))))
    after = assign_parts(split, SplitFacts(keys=hash_keys(np.arange(rows + more))))
    np.testing.assert_array_equal(before, after[:rows])


@pytest.mark.parametrize("method", ["hash", "group", "stratified", "given"])
def test_another_seed_places_rows_otherwise(method: Any) -> None:
    rows = 400
    facts = SplitFacts(
        keys=hash_keys(np.arange(rows)),
        strata=np.zeros(rows, dtype=np.int32),
        is_given_test=np.arange(rows) >= 300,
    )
    first, same, other = (
        assign_parts(SplitSpec(method=method, seed=seed), facts) for seed in (0, 0, 1)
    )
    np.testing.assert_array_equal(first, same)
    assert (first != other).mean() > 0.1


def test_a_hash_split_has_its_shares() -> None:
    parts = assign_parts(SplitSpec(), SplitFacts(keys=hash_keys(np.arange(20_000))))
    shares = np.bincount(parts) / 20_000
    np.testing.assert_allclose(shares, [0.7, 0.15, 0.15], atol=0.01)


def test_a_group_stays_together() -> None:
    keys = hash_keys(np.repeat([f"patient {n}" for n in range(100)], 7))
    parts = assign_parts(SplitSpec(method="group"), SplitFacts(keys=keys))
    assert all(len(set(group)) == 1 for group in parts.reshape(100, 7))
    check_keys(parts, keys, by="patient")


def test_a_group_in_two_parts_is_a_leak() -> None:
    keys = hash_keys(["a", "a", "b", "a", "a"])
    parts = np.array([TRAIN, TEST, TEST, TRAIN, TEST], dtype=np.uint8)
    with pytest.raises(LeakageError, match="'patient'.*Received: 1 values in two"):
        check_keys(parts, keys, by="patient")


@given(st.integers(10, 200), st.randoms(use_true_random=False))
def test_a_stratified_split_gives_each_class_its_share(rows: int, random: object) -> None:
    strata = np.array([0] * rows + [1] * 40 + [2], dtype=np.int32)
    random.shuffle(strata)  # type: ignore[attr-defined]
    facts = SplitFacts(keys=hash_keys(np.arange(len(strata))), strata=strata)
    parts = assign_parts(SplitSpec(method="stratified"), facts)
    assert np.bincount(parts[strata == 1]).tolist() == [28, 6, 6]
    assert parts[strata == 2].tolist() == [TRAIN]


@given(st.integers(1, 40), st.integers(1, 6), st.integers(0, 5))
def test_a_stratified_split_keeps_a_key_together(keys: int, rows: int, seed: int) -> None:
    hashes = np.repeat(hash_keys(np.arange(keys)), rows)
    strata = np.random.default_rng(seed).integers(0, 3, keys * rows).astype(np.int32)
    split = SplitSpec(method="stratified", by="patient", seed=seed)
    parts = assign_parts(split, SplitFacts(keys=hashes, strata=strata))
    assert all(len(set(group)) == 1 for group in parts.reshape(keys, rows))


def test_keys_with_a_rare_class_are_spread_by_their_share() -> None:
    strata = np.zeros(4_000, dtype=np.int32)
    strata[:400:4] = 1
    hashes = np.repeat(hash_keys(np.arange(1_000)), 4)
    split = SplitSpec(method="stratified", by="patient")
    parts = assign_parts(split, SplitFacts(keys=hashes, strata=strata))
    assert np.bincount(parts[strata == 1]).tolist() == [70, 15, 15]


def test_appended_rows_move_few_rows_of_a_stratified_split() -> None:
    strata = (np.arange(1_100) % 2).astype(np.int32)
    keys = hash_keys(np.arange(1_100))
    split = SplitSpec(method="stratified")
    before = assign_parts(split, SplitFacts(keys=keys[:1_000], strata=strata[:1_000]))
    after = assign_parts(split, SplitFacts(keys=keys, strata=strata))
    assert (before != after[:1_000]).mean() < 0.03


def test_numbers_are_stratified_by_their_tenth() -> None:
    strata = build_strata(np.arange(100.0))
    assert np.bincount(strata).tolist() == [10] * 10


def test_a_time_split_follows_time_and_leaves_gaps() -> None:
    times = np.random.default_rng(0).permutation(100)
    split = SplitSpec(method="time", fractions=(0.6, 0.2, 0.2), gap=5)
    parts = assign_parts(split, SplitFacts(times=times))
    by_time = parts[np.argsort(times)]
    expected = [TRAIN] * 55 + [LEFT_OUT] * 5 + [VALIDATION] * 15 + [LEFT_OUT] * 5 + [TEST] * 20
    assert by_time.tolist() == expected
    check_time_order(parts, times)


def test_equal_times_stay_in_one_part() -> None:
    times = np.repeat(np.arange(10), 7)
    parts = assign_parts(SplitSpec(method="time"), SplitFacts(times=times))
    assert all(len(set(group)) == 1 for group in parts.reshape(10, 7))
    check_time_order(parts, times)


def test_a_time_split_without_validation_has_one_gap() -> None:
    split = SplitSpec(method="time", fractions=(0.8, 0.0, 0.2), gap=3)
    parts = assign_parts(split, SplitFacts(times=np.arange(100)))
    assert np.bincount(parts, minlength=256)[[TRAIN, VALIDATION, TEST, LEFT_OUT]].tolist() == [
        77,
        0,
        20,
        3,
    ]


def test_rows_out_of_time_are_a_leak() -> None:
    parts = np.array([TRAIN, TRAIN, TEST], dtype=np.uint8)
    with pytest.raises(LeakageError, match="expected the test rows after all earlier parts"):
        check_time_order(parts, np.array([1, 5, 4]))


def test_given_parts_keep_the_test_file_and_divide_the_training_file() -> None:
    is_test = np.arange(1_000) >= 800
    facts = SplitFacts(keys=hash_keys(np.arange(1_000)), is_given_test=is_test)
    whole = assign_parts(SplitSpec(method="given", fractions=(1.0, 0.0, 0.0)), facts)
    assert (whole == np.where(is_test, TEST, TRAIN)).all()
    divided = assign_parts(SplitSpec(method="given", fractions=(0.9, 0.1, 0.0)), facts)
    assert (divided[is_test] == TEST).all()
    assert 50 < (divided == VALIDATION).sum() < 110


def test_given_parts_need_a_source_that_gives_them() -> None:
    with pytest.raises(DataError, match="Name a test_uri in `source`"):
        assign_parts(SplitSpec(method="given"), SplitFacts(keys=hash_keys([1, 2])))


@pytest.mark.parametrize(
    ("parts", "message"),
    [([TRAIN] * 5 + [TEST], "at least min_rows=10"), ([TRAIN] * 20, "expected rows to test")],
    ids=["few train", "no test"],
)
def test_parts_need_rows(parts: list[int], message: str) -> None:
    with pytest.raises(DataError, match=message):
        check_parts(np.array(parts, dtype=np.uint8), min_rows=10)


@pytest.mark.parametrize(
    ("series", "message"),
    [
        (pd.Series([1.0, None]), "1 missing"),
        (pd.Series(["a", "b"]), "orders by a number, integer or datetime"),
    ],
    ids=["missing", "text"],
)
def test_a_column_to_order_by_has_an_order(series: pd.Series, message: str) -> None:
    with pytest.raises(DataError, match=message):
        read_order(series, "at")


def test_times_are_read_exactly() -> None:
    times = pd.to_datetime(pd.Series(["2024-01-01", "1969-12-31"]), utc=True)
    assert read_order(times, "at").tolist() == [1_704_067_200_000_000, -86_400_000_000]
