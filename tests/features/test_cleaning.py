from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from include.errors import DataError, LeakageError
from include.features.cleaning import plan_rows
from include.features.duplicates import RowHashes, check_overlap
from include.features.outliers import drop_outlier_rows
from include.features.row_plan import RowPlan
from include.features.splits import LEFT_OUT, TEST, TRAIN, VALIDATION
from include.specs import PipelineSpec
from include.values.frames import to_frame
from tests.builders import BASE_SPEC, make_frame, make_spec, read_in, repeat_rows


def plan(spec: PipelineSpec, frame: pd.DataFrame, batch: int = 64) -> RowPlan:
    return plan_rows(spec, read_in(frame, batch), has_parts="part" in frame.columns)


def read_rows(made: RowPlan, *columns: str, part: int | None = None) -> pd.DataFrame:
    batches = made.stream(columns, part=part)
    return to_frame(pa.concat_tables(batch.rows for batch in batches))


def change_column(name: str, **changes: Any) -> list[dict[str, Any]]:
    return [
        {**column, **changes} if column["name"] == name else column
        for column in BASE_SPEC["columns"]
    ]


def make_customers(rows: int) -> pd.DataFrame:
    """Build customers that are alike in all but their name."""
    random = np.random.default_rng(0)
    columns = {
        "customer": [f"C{n}" for n in range(rows)],
        "plan": random.choice(list("abcdef"), rows),
        "region": random.choice(list("nesw"), rows),
        "leaves": np.where(random.random(rows) < 0.05, "yes", "no"),
    }
    frame = pd.DataFrame({name: pd.Series(each, dtype="str") for name, each in columns.items()})
    return frame.assign(row_id=np.arange(rows))


def make_customer_spec(*, has_id: bool = True, is_unique: bool = True, **changes: Any) -> Any:
    customer = {"name": "customer", "kind": "id", "unique": is_unique}
    features = [{"name": name, "kind": "category"} for name in ("plan", "region", "leaves")]
    return make_spec(
        target={"column": "leaves", "task": "classification"},
        columns=[customer, *features] if has_id else features,
        promotion={},
        **changes,
    )


@given(st.lists(st.integers(0, 199), max_size=20), st.integers(1, 250))
def test_of_equal_rows_the_first_stays(rows: list[int], batch: int) -> None:
    frame = repeat_rows(make_frame(200), rows)
    made = plan(make_spec(cleaning={"duplicates": "drop"}), frame, batch)
    assert made.counts["duplicates_dropped"] == len(rows)
    assert (made.parts[200:] == LEFT_OUT).all()
    assert (made.parts[:200] != LEFT_OUT).all()


@pytest.mark.parametrize("method", ["hash", "stratified"])
def test_kept_rows_that_are_equal_stand_in_one_part(method: str) -> None:
    frame = repeat_rows(make_frame(200), range(100))
    made = plan(make_spec(split={"method": method}), frame)
    assert (made.counts["duplicates_dropped"], made.counts["duplicates_kept"]) == (0, 100)
    assert (made.parts[200:] == made.parts[:100]).all()
    assert set(made.parts) == {TRAIN, VALIDATION, TEST}
    assert made.warnings == []


def test_kept_training_rows_that_a_given_test_file_has_too_are_warned_of() -> None:
    frame = repeat_rows(make_frame(200), range(50))
    part = pd.Series(np.where(np.arange(250) >= 200, "test", "train"), dtype="str")
    spec = make_spec(split={"method": "given", "fractions": [1, 0, 0]})
    made = plan(spec, frame.assign(part=part))
    assert "50 of 50 validation and test rows also stand in training" in made.warnings[0]


def test_duplicates_fail_if_asked_to() -> None:
    with pytest.raises(DataError, match=r"Received: 2 rows equal to another, e.g. rows \[50, 51\]"):
        plan(make_spec(cleaning={"duplicates": "fail"}), repeat_rows(make_frame(50), [3, 4]))


@pytest.mark.parametrize("part", [VALIDATION, TEST], ids=["validation", "test"])
def test_a_row_in_training_and_another_part_is_a_leak(part: int) -> None:
    hashes = RowHashes(*[np.array([1, 2, 1, 3], dtype=np.uint64)] * 2)
    parts = np.array([TRAIN, TRAIN, part, part], dtype=np.uint8)
    with pytest.raises(LeakageError, match="1 of 2 validation and test rows"):
        check_overlap(hashes, parts, is_allowed=False)


def test_rows_left_out_are_in_no_part_that_could_leak() -> None:
    hashes = RowHashes(*[np.array([1, 2, 1, 3], dtype=np.uint64)] * 2)
    parts = np.array([TRAIN, TRAIN, LEFT_OUT, TEST], dtype=np.uint8)
    assert check_overlap(hashes, parts, is_allowed=False) == []


def test_rows_that_only_their_id_tells_apart_are_different_things() -> None:
    frame = make_customers(2_000)
    made = plan(make_customer_spec(split={"method": "stratified"}), frame)
    assert made.counts["duplicates_dropped"] == 0
    assert (made.parts != LEFT_OUT).all()
    train = frame["leaves"][made.parts == TRAIN]
    assert abs((train == "yes").mean() - (frame["leaves"] == "yes").mean()) < 0.001
    assert len(made.warnings) == 1
    assert "equal a training row in every column but ids" in made.warnings[0]


def test_rows_equal_in_all_columns_are_dropped_though_they_have_an_id() -> None:
    frame = make_customers(2_000)
    twice = pd.concat([frame, frame.iloc[:40]], ignore_index=True)
    made = plan(
        make_customer_spec(cleaning={"duplicates": "drop"}), twice.assign(row_id=np.arange(2_040))
    )
    assert made.counts["duplicates_dropped"] == 40
    assert (made.parts[2_000:] == LEFT_OUT).all()


def test_a_large_loss_of_duplicates_is_warned_of() -> None:
    made = plan(
        make_customer_spec(has_id=False, min_rows=5, cleaning={"duplicates": "drop"}),
        make_customers(2_000),
    )
    assert made.counts["duplicates_dropped"] > 1_900
    assert any("of 2000 rows (98%) are dropped" in warning for warning in made.warnings)
    assert any("`kind: id`" in warning for warning in made.warnings)


def test_too_few_rows_name_the_loss() -> None:
    with pytest.raises(DataError, match=r"Received: .* of 2000 rows \(19\d\d duplicates dropped\)"):
        plan(
            make_customer_spec(has_id=False, min_rows=200, cleaning={"duplicates": "drop"}),
            make_customers(2_000),
        )


@pytest.mark.parametrize("method", ["hash", "group", "stratified"])
def test_a_key_to_split_by_stays_in_one_part(method: str) -> None:
    frame = make_customers(1_200).assign(
        customer=pd.Series([f"C{n // 4}" for n in range(1_200)], dtype="str")
    )
    spec = make_customer_spec(is_unique=False, split={"method": method, "by": "customer"})
    made = plan(spec, frame)
    parts = pd.Series(made.parts)[made.parts != LEFT_OUT].groupby(frame["customer"])
    assert (parts.min() == parts.max()).all()


def test_a_key_in_both_given_files_is_a_leak() -> None:
    frame = make_customers(400).assign(
        customer=pd.Series([f"C{n // 4}" for n in range(400)], dtype="str"),
        part=pd.Series(np.where(np.arange(400) < 302, "train", "test"), dtype="str"),
    )
    split = {"method": "given", "fractions": [1, 0, 0]}
    by_customer = make_customer_spec(is_unique=False, split={**split, "by": "customer"})
    with pytest.raises(LeakageError, match=r"'customer'.*Received: 1 values in two"):
        plan(by_customer, frame)
    warnings = plan(make_customer_spec(is_unique=False, split=split), frame).warnings
    assert "1 values of the id 'customer' stand in two parts" in warnings[0]


def test_keys_nobody_knows_are_not_one_key() -> None:
    frame = make_customers(400).assign(
        part=pd.Series(np.where(np.arange(400) < 300, "train", "test"), dtype="str")
    )
    frame.loc[[5, 350], "customer"] = None
    split = {"method": "given", "by": "customer", "fractions": [1, 0, 0]}
    assert (plan(make_customer_spec(split=split), frame).parts[:300] == TRAIN).all()


def test_a_given_test_file_stays_whole_and_its_rows_leave_training() -> None:
    # Rows 200 to 209 repeat training rows inside the training file, 210 to 219 in the test file.
    frame = repeat_rows(make_frame(200), [*range(10), *range(20, 30), 20])
    part = np.where(np.arange(len(frame)) >= 210, "test", "train")
    spec = make_spec(
        split={"method": "given", "fractions": [1, 0, 0]}, cleaning={"duplicates": "drop"}
    )
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
    streamed = read_rows(made, "row_id", "income")
    assert streamed["row_id"].tolist() == list(range(300))
    expected = frame["income"].shift(1)
    np.testing.assert_array_equal(streamed["income_lag_1"], expected)
    tests = read_rows(made, "row_id", part=TEST)
    assert tests["row_id"].tolist() == np.flatnonzero(made.parts == TEST).tolist()


@settings(max_examples=30)
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


HOURS = pd.date_range("2024-01-01", periods=200, freq="h", tz="UTC").as_unit("us")


def make_hours() -> pd.DataFrame:
    """Build a series with a gap across the end of training, before an absurd value."""
    heat = np.arange(200.0)
    heat[130:145] = np.nan
    heat[145] = 1e6
    load = np.random.default_rng(0).normal(size=200)
    return pd.DataFrame({"at": HOURS, "heat": heat, "load": load, "row_id": np.arange(200)})


def make_hours_spec(*, target: str = "load", **changes: Any) -> PipelineSpec:
    return make_spec(
        target={"column": target, "task": "regression"},
        columns=[
            {"name": "at", "kind": "datetime"},
            {"name": "heat", "kind": "number", "nulls": 1},
            {"name": "load", "kind": "number"},
        ],
        promotion={},
        **{"split": {"method": "time", "by": "at"}, **changes},
    )


def read_heat(made: RowPlan, part: int | None = None) -> pd.Series:
    return read_rows(made, "row_id", "heat", part=part).set_index("row_id")["heat"]


@pytest.mark.parametrize("order", [slice(None), slice(None, None, -1)], ids=["old", "new"])
def test_a_backward_fill_brings_nothing_from_a_later_part(order: slice) -> None:
    frame = make_hours().iloc[order].reset_index(drop=True)
    made = plan(make_hours_spec(cleaning={"backward_fill": ["heat"]}), frame)
    heat = read_heat(made)
    assert heat.loc[130:139].isna().all()
    assert (heat.loc[140:145] == 1e6).all()
    assert made.counts["values_filled_backward"] == 5


@pytest.mark.parametrize("method", ["hash", "stratified"])
def test_a_backward_fill_stays_within_a_part_of_any_split(method: str) -> None:
    frame = make_hours()
    frame.loc[np.arange(200) % 3 == 0, "heat"] = np.nan
    cleaning = {"order_by": "at", "backward_fill": ["heat"]}
    made = plan(make_hours_spec(cleaning=cleaning, split={"method": method}), frame)
    for part in (TRAIN, VALIDATION, TEST):
        expected = frame["heat"][made.parts == part].bfill()
        np.testing.assert_array_equal(read_heat(made, part), expected)


def test_rows_that_only_another_part_could_complete_are_left_out() -> None:
    made = plan(make_hours_spec(target="heat", cleaning={"backward_fill": ["heat"]}), make_hours())
    assert (made.parts[130:140] == LEFT_OUT).all()
    assert (made.parts[140:146] == VALIDATION).all()
    assert made.counts["unfilled_rows_left_out"] == 10
    assert any("10 rows are left out" in warning for warning in made.warnings)
    assert read_heat(made, TRAIN).max() == 129


@pytest.mark.parametrize("rows", [slice(None), slice(None, None, -1)], ids=["old", "new"])
def test_a_forward_fill_goes_in_the_order_of_a_time_split(rows: slice) -> None:
    frame = make_hours().iloc[rows].reset_index(drop=True)
    made = plan(make_hours_spec(cleaning={"forward_fill": ["heat"]}), frame)
    assert (read_heat(made).loc[130:144] == 129).all()


def test_an_order_against_the_time_split_is_a_leak() -> None:
    frame = make_hours().iloc[::-1].reset_index(drop=True)
    cleaning = {"order_by": "row_id", "forward_fill": ["heat"]}
    with pytest.raises(LeakageError, match="order_by='row_id' and split.by='at'"):
        plan(make_hours_spec(cleaning=cleaning), frame)
    in_order = plan(make_hours_spec(cleaning=cleaning), make_hours())
    assert (read_heat(in_order).loc[130:144] == 129).all()


def test_an_empty_table_has_nothing_to_prepare() -> None:
    with pytest.raises(DataError, match="Received: an empty table"):
        plan(make_spec(), make_frame(10).iloc[:0])
