from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from include.errors import DataError, LeakageError
from include.features.cleaning import RowPlan, plan_rows
from include.features.duplicates import check_overlap
from include.features.outliers import drop_outlier_rows
from include.features.splits import LEFT_OUT, TEST, TRAIN, VALIDATION
from include.specs import PipelineSpec
from tests.builders import BASE_SPEC, make_frame, make_spec


def plan(spec: PipelineSpec, frame: pd.DataFrame, batch: int = 64) -> RowPlan:
    def read(columns: Sequence[str]) -> Iterable[pd.DataFrame]:
        for start in range(0, len(frame), batch):
            yield frame.iloc[start : start + batch][list(columns)].reset_index(drop=True)

    return plan_rows(spec, read, has_parts="part" in frame.columns)


def change_column(name: str, **changes: Any) -> list[dict[str, Any]]:
    return [
        {**column, **changes} if column["name"] == name else column
        for column in BASE_SPEC["columns"]
    ]


def repeat_rows(frame: pd.DataFrame, rows: Sequence[int]) -> pd.DataFrame:
    joined = pd.concat([frame, frame.iloc[list(rows)]], ignore_index=True)
    return joined.assign(
        row_id=np.arange(len(joined)), loan_id=[f"L{n}" for n in range(len(joined))]
    )


@given(st.lists(st.integers(0, 199), max_size=20), st.integers(1, 250))
def test_of_equal_rows_the_first_stays(rows: list[int], batch: int) -> None:
    frame = repeat_rows(make_frame(200), rows)
    made = plan(make_spec(), frame, batch)
    assert made.counts["duplicates_dropped"] == len(rows)
    assert (made.parts[200:] == LEFT_OUT).all()
    assert (made.parts[:200] != LEFT_OUT).all()


def test_kept_duplicates_across_parts_are_counted_and_warned_of() -> None:
    frame = repeat_rows(make_frame(200), range(100))
    made = plan(make_spec(cleaning={"duplicates": "keep"}), frame)
    assert made.counts["duplicates_dropped"] == 0
    assert "validation and test rows also stand in training" in made.warnings[0]


def test_duplicates_fail_if_asked_to() -> None:
    with pytest.raises(DataError, match=r"Received: 2 rows equal to another, e.g. rows \[50, 51\]"):
        plan(make_spec(cleaning={"duplicates": "fail"}), repeat_rows(make_frame(50), [3, 4]))


def test_a_row_in_two_parts_is_a_leak() -> None:
    hashes = np.array([1, 2, 1], dtype=np.uint64)
    parts = np.array([TRAIN, TRAIN, TEST], dtype=np.uint8)
    with pytest.raises(LeakageError, match="1 of 1 validation and test rows"):
        check_overlap(hashes, parts, is_allowed=False)


def test_a_given_test_file_stays_whole_and_its_rows_leave_training() -> None:
    # Rows 200 to 209 repeat training rows inside the training file, 210 to 219 in the test file.
    frame = repeat_rows(make_frame(200), [*range(10), *range(20, 30), 20])
    part = np.where(np.arange(len(frame)) >= 210, "test", "train")
    spec = make_spec(split={"method": "given", "fractions": [1, 0, 0]})
    made = plan(spec, frame.assign(part=pd.Series(part, dtype="str")))
    assert (made.parts[210:] == TEST).all()
    assert made.counts["duplicates_dropped"] == 10
    assert made.counts["duplicates_of_test_dropped"] == 10
    assert (made.parts[20:30] == LEFT_OUT).all()
    assert not (made.parts == VALIDATION).any()


def test_a_missing_target_fails_or_is_dropped() -> None:
    frame = make_frame(100)
    frame.loc[[3, 7], "repaid"] = None
    with pytest.raises(DataError, match="target 'repaid'.*2 missing.*missing_target: drop"):
        plan(make_spec(), frame)
    made = plan(make_spec(cleaning={"missing_target": "drop"}), frame)
    assert made.counts["missing_target_dropped"] == 2
    assert (made.parts[[3, 7]] == LEFT_OUT).all()


def test_rows_with_a_gap_that_must_not_be_are_dropped() -> None:
    frame = make_frame(200)
    made = plan(make_spec(columns=change_column("age", fill="drop_row")), frame)
    gaps = frame["age"].isna().to_numpy()
    assert made.counts["missing_value_rows_dropped"] == gaps.sum() > 0
    assert ((made.parts == LEFT_OUT) == gaps).all()


def test_outlier_rows_leave_training_only() -> None:
    frame = make_frame(400)
    changes = {"outliers": "drop_row", "outlier_quantiles": [0.05, 0.95]}
    spec = make_spec(columns=change_column("income", **changes))
    made = plan(spec, frame)
    before = made.parts.copy()
    drop_outlier_rows(spec, made)
    dropped = before != made.parts
    assert made.counts["outlier_rows_dropped"] == dropped.sum()
    assert 20 <= dropped.sum() <= 32
    assert (before[dropped] == TRAIN).all()


def test_an_isolation_forest_sets_rows_apart_that_are_odd_together() -> None:
    frame = make_frame(400)
    ranks = frame["income"].rank().fillna(200)
    frame["age"] = pd.array((ranks / 8 + 30).astype("int64"), dtype="Int64")
    first = frame["income"].idxmin()
    frame.loc[first, "age"] = 80
    changed = {"age": {"outliers": "isolation"}, "income": {"outliers": "isolation"}}
    columns = [{**each, **changed.get(each["name"], {})} for each in BASE_SPEC["columns"]]
    made = plan(make_spec(columns=columns, cleaning={"isolation_share": 0.05}), frame)
    before = made.parts.copy()
    drop_outlier_rows(make_spec(columns=columns, cleaning={"isolation_share": 0.05}), made)
    dropped = before != made.parts
    assert (before[dropped] == TRAIN).all()
    assert 0.02 <= dropped.sum() / (before == TRAIN).sum() <= 0.08
    assert before[first] != TRAIN or dropped[first]


def test_the_stream_gives_rows_in_table_order_with_lag_features() -> None:
    frame = make_frame(300)
    cleaning = {"lags": [{"column": "income", "lags": [1]}], "duplicates": "keep"}
    made = plan(make_spec(cleaning=cleaning), frame)
    streamed = pd.concat([batch.frame for batch in made.stream(("row_id", "income"))])
    assert streamed["row_id"].tolist() == list(range(300))
    expected = frame["income"].shift(1)
    np.testing.assert_array_equal(streamed["income_lag_1"], expected)
    tests = pd.concat([batch.frame for batch in made.stream(("row_id",), part=TEST)])
    assert tests["row_id"].tolist() == np.flatnonzero(made.parts == TEST).tolist()


@given(st.integers(60, 200), st.integers(0, 100), st.integers(1, 300))
def test_a_plan_is_stable_when_rows_are_appended(rows: int, more: int, batch: int) -> None:
    frame = make_frame(300)
    spec = make_spec(cleaning={"leakage": "warn"})
    before, after = (plan(spec, frame.iloc[:n], batch) for n in (rows, rows + more))
    np.testing.assert_array_equal(before.parts, after.parts[:rows])


def test_a_class_that_only_the_test_rows_have_is_named() -> None:
    columns = change_column("repaid", values=None)
    frame = make_frame(100).sort_values("opened", ignore_index=True)
    frame.loc[99, "repaid"] = "later"
    spec = make_spec(columns=columns, split={"method": "time", "by": "opened"})
    with pytest.raises(DataError, match=r"\['later'\] in test only.*stratified"):
        plan(spec, frame)


def test_an_empty_table_has_nothing_to_prepare() -> None:
    with pytest.raises(DataError, match="Received: an empty table"):
        plan(make_spec(), make_frame(10).iloc[:0])
