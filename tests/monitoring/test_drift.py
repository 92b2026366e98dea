"""Drift statistics: as scipy has them, quiet while nothing moves, loud when something does."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from include.monitoring.distances import chi_square, kolmogorov_smirnov, wasserstein
from include.monitoring.drift import compare_column, compare_counts, judge_window
from include.monitoring.reference import describe_column, view_column


def make_table(random: np.random.Generator, rows: int, *, shift: float = 0.0) -> pd.DataFrame:
    return pd.DataFrame(
        {
            **{f"x{n}": random.normal(shift if n == 0 else 0, 1, rows) for n in range(5)},
            "job": random.choice(["clerk", "nurse", "smith"], rows, p=[0.5, 0.3, 0.2]),
            "age": np.where(random.random(rows) < 0.1, np.nan, random.integers(18, 90, rows)),
        }
    )


def look_at(reference: pd.DataFrame, window: pd.DataFrame, alpha: float = 0.05):
    columns = [describe_column(str(name), reference[name]) for name in reference]
    found = [compare_column(each, each.name, window[each.name], min_rows=30) for each in columns]
    return judge_window(found, alpha=alpha, min_shift=0.0)


def test_the_tests_are_those_of_scipy_where_all_values_are_kept():
    random = np.random.default_rng(0)
    before, now = random.normal(size=800), random.normal(0.2, 1, 500)
    reference = describe_column("x", pd.Series(before))
    distance, p_value = kolmogorov_smirnov(reference, np.sort(now))
    expected = stats.ks_2samp(before, now)
    assert distance == pytest.approx(expected.statistic)
    assert p_value == pytest.approx(expected.pvalue, rel=0.15)
    far = stats.wasserstein_distance(before, now) / before.std()
    assert wasserstein(reference, now) == pytest.approx(far)
    counts = np.array([[500.0, 300, 200], [90, 70, 40]])
    expected = stats.chi2_contingency(counts, correction=False).pvalue
    assert chi_square(counts[0], counts[1]) == pytest.approx(expected)


def test_a_text_is_watched_by_its_length_and_by_its_words():
    random = np.random.default_rng(3)

    def write(words: list[str], rows: int) -> "pd.Series[str]":
        picked = random.choice(words, (rows, 5))
        return pd.Series([f"{' '.join(row)}!" for row in picked], dtype="str")

    said = {"before": write(["good", "fine", "poor"], 900)}
    said |= {"same": write(["good", "fine", "poor"], 300), "other": write(["bien", "mals"], 300)}
    views = {name: view_column("review", "text", texts) for name, texts in said.items()}
    assert list(views["before"]) == ["review", "review (words)"]
    for name, drifted in {"same": [], "other": ["review (words)"]}.items():
        found = look_at(pd.DataFrame(views["before"]), pd.DataFrame(views[name]), alpha=0.001)
        assert [each.name for each in found if each.state == "drift"] == drifted
        assert found[1].unknown == (1.0 if drifted else 0.0)


def test_quantiles_stand_for_any_number_of_rows():
    random = np.random.default_rng(1)
    before, now = random.normal(size=100_000), random.normal(0.05, 1, 20_000)
    distance, _ = kolmogorov_smirnov(describe_column("x", pd.Series(before)), np.sort(now))
    assert distance == pytest.approx(stats.ks_2samp(before, now).statistic, abs=0.0015)


def test_stable_windows_raise_false_alarms_no_more_often_than_stated():
    random = np.random.default_rng(2)
    alarms = 0
    for _ in range(200):
        reference, window = make_table(random, 1_500), make_table(random, 300)
        alarms += any(each.state == "drift" for each in look_at(reference, window))
    # 0.05 of 200 windows; four binomial deviations more is a wrong level.
    assert alarms <= 10 + 4 * np.sqrt(200 * 0.05 * 0.95)


def test_a_shift_is_found_and_its_column_named():
    random = np.random.default_rng(3)
    judged = look_at(make_table(random, 1_500), make_table(random, 600, shift=0.5), alpha=0.01)
    assert [each.name for each in judged if each.state == "drift"] == ["x0"]


def test_new_categories_and_more_missing_values_are_drift():
    random = np.random.default_rng(4)
    reference, window = make_table(random, 1_500), make_table(random, 600)
    window.loc[:300, "job"] = "pilot"
    window.loc[:400, "age"] = np.nan
    judged = {each.name: each for each in look_at(reference, window)}
    assert judged["job"].state == judged["age"].state == "drift"
    assert judged["job"].unknown == pytest.approx(0.5, abs=0.05)


def test_few_rows_and_no_reference_are_said_and_never_called_stable():
    values = pd.Series([1.0, 2.0, 3.0])
    assert compare_column(None, "x", values, min_rows=30).state == "no baseline"
    reference = describe_column("x", pd.Series(np.arange(100.0)))
    assert compare_column(reference, "x", values, min_rows=30).state == "too little data"


@pytest.mark.parametrize("rows", [10, 600])
def test_counts_of_categories_say_what_their_rows_say(rows):
    values = pd.Series(["nurse"] * (rows - 5) + ["pilot"] * 5)
    reference = describe_column("job", pd.Series(["nurse", "clerk"] * 500))
    counted = compare_counts(reference, "job", dict(values.value_counts()), min_rows=30)
    assert counted == compare_column(reference, "job", values, min_rows=30)
    assert compare_counts(None, "job", {"nurse": rows}, min_rows=30).state == "no baseline"


def test_billions_of_counted_rows_are_compared_at_once():
    reference = describe_column("job", pd.Series(["nurse", "clerk"] * 500))
    counts = {"nurse": 5_000_000_000, "clerk": 5_000_000_000}
    found = compare_counts(reference, "job", counts, min_rows=30)
    assert (found.rows, found.psi) == (10_000_000_000, 0.0)


def test_what_is_too_small_to_matter_is_no_drift_however_certain():
    random = np.random.default_rng(5)
    reference = describe_column("x", pd.Series(random.normal(size=200_000)))
    window = pd.Series(random.normal(0.03, 1, 200_000))
    [judged] = judge_window(
        [compare_column(reference, "x", window, min_rows=30)], alpha=0.01, min_shift=0.1
    )
    assert judged.p_value < 0.01
    assert judged.state == "stable"


VALUES = st.one_of(
    st.lists(st.floats(-1e6, 1e6), max_size=60),
    st.lists(st.sampled_from([0.0, 1.0, np.nan]), max_size=60),
    st.lists(st.sampled_from(["clerk", "nurse", "smith", None]), max_size=60),
)


@given(before=VALUES, now=VALUES)
@settings(max_examples=150, deadline=None)
def test_whatever_is_missing_tiny_or_constant_has_a_defined_answer_and_raises_no_alarm(before, now):
    reference, window = (pd.Series(values, dtype=object) for values in (before, now))
    texts = any(isinstance(each, str) for each in (*before, *now))
    if texts:
        reference, window = (each.map(str, na_action="ignore") for each in (reference, window))
    kind = "str" if texts else "float64"
    reference, window = reference.astype(kind), window.astype(kind)
    known = describe_column("x", reference)
    few = compare_column(known, "x", window, min_rows=61)
    [judged] = judge_window([few], alpha=0.5, min_shift=0.0)
    assert judged.state in {"too little data", "no baseline"}
    found = compare_column(known, "x", window, min_rows=1)
    [judged] = judge_window([found], alpha=0.05, min_shift=0.1)
    assert judged.state in {"stable", "drift", "too little data", "no baseline"}
    figures = [judged.psi, judged.jensen_shannon, judged.distance, judged.wasserstein]
    assert np.isfinite([*figures, judged.missing, judged.unknown, judged.p_value]).all()
    if judged.state == "drift":
        assert judged.p_value <= 0.05
