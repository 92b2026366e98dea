"""Associations agree with scipy and with values known from hand or literature."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from include.analysis.associations import associate, code_levels, correlation_ratio, cramers_v


def expand(table: list[list[int]]) -> tuple[np.ndarray, np.ndarray]:
    """Write a table of counts as one pair of codes per row."""
    counts = np.array(table)
    left, right = np.indices(counts.shape).reshape(2, -1)
    return np.repeat(left, counts.ravel()), np.repeat(right, counts.ravel())


@pytest.mark.parametrize(
    "table",
    [[[10, 20, 30], [6, 9, 17]], [[12, 5], [3, 20]], [[1, 2, 3, 4], [4, 3, 2, 1], [9, 0, 0, 9]]],
)
def test_cramers_v_without_correction_is_that_of_scipy(table: list[list[int]]) -> None:
    ours = cramers_v(*expand(table), is_corrected=False)
    assert ours == pytest.approx(stats.contingency.association(np.array(table), method="cramer"))


def test_cramers_v_with_correction_follows_bergsma() -> None:
    table = np.array([[10, 20, 30], [6, 9, 17]])
    n = table.sum()
    phi2 = stats.chi2_contingency(table, correction=False).statistic / n
    rest = max(0, phi2 - (1 * 2) / (n - 1))
    rows, columns = 2 - 1 / (n - 1), 3 - 4 / (n - 1)
    expected = np.sqrt(rest / min(rows - 1, columns - 1))
    assert cramers_v(*expand(table.tolist())) == pytest.approx(expected)


def test_cramers_v_of_a_complete_association_is_one() -> None:
    codes = np.repeat(np.arange(4), 25)
    assert cramers_v(codes, codes) == pytest.approx(1.0)


def test_cramers_v_needs_two_levels_on_either_side() -> None:
    assert np.isnan(cramers_v(np.zeros(20, dtype=int), np.arange(20) % 2))


# Scores in algebra, geometry and statistics: eta squared is 6780 / 9640.
SCORES = np.array([45, 70, 29, 15, 21, 40, 20, 30, 42, 65, 95, 80, 70, 85, 73.0])
SUBJECT = np.array([0] * 5 + [1] * 4 + [2] * 6)


def test_the_correlation_ratio_of_the_textbook_is_found() -> None:
    ratio = correlation_ratio(SUBJECT, SCORES, is_corrected=False)
    assert ratio == pytest.approx(np.sqrt(6780 / 9640), abs=1e-4)


def test_the_corrected_ratio_is_that_of_the_hand_and_of_the_f_statistic() -> None:
    by_hand = np.sqrt(1 - (2860 / 9640) * (14 / 12))
    f = stats.f_oneway(*(SCORES[one == SUBJECT] for one in range(3))).statistic
    by_f = np.sqrt(2 * (f - 1) / (2 * f + 12))
    assert correlation_ratio(SUBJECT, SCORES) == pytest.approx(by_hand, abs=1e-4)
    assert correlation_ratio(SUBJECT, SCORES) == pytest.approx(by_f)


def test_a_number_that_the_category_decides_has_a_corrected_ratio_of_one() -> None:
    codes = np.repeat(np.arange(4), 5)
    assert correlation_ratio(codes, codes.astype(float)) == pytest.approx(1.0)


def test_a_category_that_names_every_row_explains_nothing_that_can_be_measured() -> None:
    assert np.isnan(correlation_ratio(np.arange(20), np.arange(20.0)))


def test_many_levels_of_noise_are_no_association() -> None:
    taken = []
    for seed in range(40):
        random = np.random.default_rng(seed)
        frame = pd.DataFrame(
            {"x": random.normal(size=100), "c": random.integers(0, 45, 100).astype("str")}
        )
        taken += associate(frame)
    assert np.mean([pair.value**2 for pair in taken]) < 0.07
    assert sum(pair.is_negligible for pair in taken) >= 36


def test_a_known_effect_keeps_its_size_however_many_levels_there_are() -> None:
    random = np.random.default_rng(0)
    codes = random.integers(0, 40, 4_000)
    effects = random.normal(size=40)
    values = effects[codes] + random.normal(size=4_000) * effects.std()
    assert correlation_ratio(codes, values) == pytest.approx(np.sqrt(0.5), abs=0.02)


def test_pearson_and_spearman_are_those_of_scipy_on_common_rows() -> None:
    random = np.random.default_rng(0)
    a = random.normal(size=300)
    b = np.exp(a) + random.normal(size=300) / 5
    b[:40] = np.nan
    (pair,) = associate(pd.DataFrame({"a": a, "b": b}))
    assert pair.value == pytest.approx(stats.pearsonr(a[40:], b[40:]).statistic, abs=1e-6)
    assert pair.spearman == pytest.approx(stats.spearmanr(a[40:], b[40:]).statistic, abs=1e-6)
    assert (pair.rows, pair.measure) == (260, "pearson")


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), numbers=st.integers(0, 4), categories=st.integers(0, 4))
def test_each_pair_stands_once_by_falling_absolute_value(
    seed: int, numbers: int, categories: int
) -> None:
    random = np.random.default_rng(seed)
    frame = pd.DataFrame(
        {f"n{i}": random.normal(size=60) for i in range(numbers)}
        | {f"c{i}": random.choice(["x", "y", "z"], 60) for i in range(categories)}
    )
    pairs = associate(frame)
    names = [frozenset((pair.left, pair.right)) for pair in pairs]
    width = numbers + categories
    assert len(names) == len(set(names)) == width * (width - 1) // 2
    assert all(pair.left != pair.right for pair in pairs)
    strengths = [abs(pair.value) for pair in pairs]
    assert strengths == sorted(strengths, reverse=True)


def test_columns_in_another_order_have_the_same_associations() -> None:
    random = np.random.default_rng(1)
    frame = pd.DataFrame({"a": random.normal(size=80), "b": random.choice(["x", "y"], 80)}).assign(
        c=lambda rows: rows["a"] ** 2
    )
    there = {frozenset((p.left, p.right)): p.value for p in associate(frame)}
    back = {frozenset((p.left, p.right)): p.value for p in associate(frame[["c", "b", "a"]])}
    assert there == back


def test_constant_empty_and_tiny_columns_are_left_out() -> None:
    frame = pd.DataFrame(
        {
            "a": np.arange(30.0),
            "constant": np.ones(30),
            "empty": np.full(30, np.nan),
            "rare": [1.0, 2.0, 3.0] + [np.nan] * 27,
            "one": ["x"] * 30,
        }
    )
    assert associate(frame) == ()


def test_rare_levels_share_one_code_and_missing_has_none() -> None:
    column = pd.Series([f"v{i % 120}" for i in range(600)] + [None], dtype="str")
    codes = code_levels(column)
    assert codes[-1] == -1
    assert codes.max() == 50
