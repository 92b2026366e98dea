from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from include.errors import DataError
from include.features.series import open_series
from include.features.series_plan import SeriesPlan
from include.features.splits import Parts
from include.specs import PipelineSpec
from include.values.frames import to_frame
from tests.builders import make_spec, read_in

COLUMNS = [
    {"name": "at", "kind": "datetime"},
    {"name": "station", "kind": "category"},
    {"name": "heat", "kind": "number", "nulls": 1.0},
    {"name": "wind", "kind": "category", "nulls": 1.0},
]


def make_series_spec(**cleaning: Any) -> PipelineSpec:
    return make_spec(
        target={"column": "heat", "task": "regression"},
        columns=COLUMNS,
        cleaning=cleaning,
        promotion={},
    )


def make_series(rows: int, seed: int = 0) -> pd.DataFrame:
    random = np.random.default_rng(seed)
    heat = random.normal(size=rows)
    heat[random.random(rows) < 0.3] = np.nan
    wind = pd.Series(random.choice(["N", "S"], rows), dtype="str")
    wind[random.random(rows) < 0.3] = None
    return pd.DataFrame(
        {
            "at": pd.date_range("2024-01-01", periods=rows, freq="h", tz="UTC"),
            "station": pd.Series(random.choice(["a", "b", "c"], rows), dtype="str"),
            "heat": heat,
            "wind": wind,
        }
    )


def run_stream(
    spec: PipelineSpec, frame: pd.DataFrame, batch: int, parts: Parts | None = None
) -> pd.DataFrame:
    plan = SeriesPlan(spec)
    read = read_in(frame, batch)
    work = open_series(plan, read, parts=parts)()
    rows = pa.concat_tables(work.apply(part) for part in read(frame.columns))
    return to_frame(rows).assign(at=frame["at"])


def expect_series(frame: pd.DataFrame) -> pd.DataFrame:
    """Say the same in plain pandas."""
    groups = frame.groupby("station", sort=False)
    filled = frame.assign(heat=groups["heat"].ffill(), wind=groups["wind"].ffill())
    heat = filled.groupby("station", sort=False)["heat"]
    return filled.assign(
        heat_lag_1=heat.shift(1),
        heat_lag_3=heat.shift(3),
        heat_mean_2=(heat.shift(1) + heat.shift(2)) / 2,
    )


GROUPED = {
    "order_by": "at",
    "group_by": "station",
    "forward_fill": ["heat", "wind"],
    "lags": [{"column": "heat", "lags": [1, 3], "windows": [2]}],
}


@given(st.integers(1, 60), st.integers(1, 60))
def test_a_stream_in_batches_gives_what_pandas_gives_at_once(rows: int, batch: int) -> None:
    frame = make_series(rows)
    result = run_stream(make_series_spec(**GROUPED), frame, batch)
    pd.testing.assert_frame_equal(result, expect_series(frame))


@given(st.integers(1, 60), st.integers(1, 10))
def test_a_window_may_be_longer_than_the_longest_lag(rows: int, batch: int) -> None:
    frame = make_series(rows)
    lags = [{"column": "heat", "lags": [1], "windows": [5]}]
    for keys in ({"order_by": "at"}, {"order_by": "at", "group_by": "station"}):
        result = run_stream(
            make_series_spec(forward_fill=["heat"], lags=lags, **keys), frame, batch
        )
        groups = frame["station"] if "group_by" in keys else pd.Series(0, frame.index)
        filled = frame.groupby(groups)["heat"].ffill()
        before = [filled.groupby(groups).shift(step) for step in range(1, 6)]
        expected = pd.concat(before, axis=1).mean(axis=1, skipna=False)
        np.testing.assert_allclose(result["heat_mean_5"], expected)


@given(st.integers(1, 60), st.integers(1, 60))
def test_rows_out_of_order_are_worked_on_in_order_and_stay_where_they_are(
    rows: int, batch: int
) -> None:
    frame = make_series(rows)
    order = np.random.default_rng(1).permutation(rows)
    shuffled = frame.iloc[order].reset_index(drop=True)
    result = run_stream(make_series_spec(**GROUPED), shuffled, batch)
    expected = expect_series(frame).iloc[order].reset_index(drop=True)
    pd.testing.assert_frame_equal(result, expected)


def test_backward_fill_takes_the_value_after_within_the_group() -> None:
    frame = make_series(50)
    spec = make_series_spec(group_by="station", backward_fill=["heat"])
    result = run_stream(spec, frame, 7)
    expected = frame.groupby("station")["heat"].bfill()
    pd.testing.assert_series_equal(result["heat"], expected, check_names=False)


def test_a_column_may_ask_for_its_fill_itself() -> None:
    columns = [*COLUMNS[:3], {**COLUMNS[3], "fill": "forward"}]
    spec = make_spec(target={"column": "heat", "task": "regression"}, columns=columns, promotion={})
    frame = make_series(20)
    result = run_stream(spec, frame, 6)
    assert result["wind"].equals(frame["wind"].ffill())


def test_lags_never_show_the_present_or_the_future() -> None:
    frame = make_series(40)
    spec = make_series_spec(**GROUPED)
    changed = frame.copy()
    changed.loc[20:, "heat"] = 99.0
    before, after = (run_stream(spec, each, 9) for each in (frame, changed))
    lagged = ["heat_lag_1", "heat_lag_3", "heat_mean_2"]
    pd.testing.assert_frame_equal(before.loc[:20, lagged], after.loc[:20, lagged])


def test_lags_do_not_show_what_is_filled_backward() -> None:
    frame = make_series(60)
    lags = [{"column": "heat", "lags": [1], "windows": [2]}]
    spec = make_series_spec(backward_fill=["heat"], lags=lags)
    result = run_stream(spec, frame, 9)
    np.testing.assert_array_equal(result["heat_lag_1"], frame["heat"].shift(1))
    expected = (frame["heat"].shift(1) + frame["heat"].shift(2)) / 2
    np.testing.assert_array_equal(result["heat_mean_2"], expected)


@given(st.integers(1, 60), st.integers(1, 60), st.booleans())
def test_a_backward_fill_stays_within_group_and_part(
    rows: int, batch: int, is_shuffled: bool
) -> None:
    frame = make_series(rows)
    if is_shuffled:
        frame = frame.sample(frac=1, random_state=0, ignore_index=True)
    parts = np.random.default_rng(1).integers(0, 3, rows).astype(np.uint8)
    spec = make_series_spec(order_by="at", group_by="station", backward_fill=["heat", "wind"])
    result = run_stream(spec, frame, batch, parts)
    groups = frame.sort_values("at").groupby(["station", parts[frame.sort_values("at").index]])
    for name in ("heat", "wind"):
        expected = groups[name].bfill().sort_index()
        assert result[name].equals(expected)


def test_columns_out_of_order_are_read_one_at_a_time() -> None:
    frame = make_series(40).sample(frac=1, random_state=0, ignore_index=True)
    read = read_in(frame, 40)
    asked: list[tuple[str, ...]] = []

    def read_and_note(columns: Sequence[str]) -> Iterable[pa.Table]:
        asked.append(tuple(columns))
        return read(columns)

    open_series(SeriesPlan(make_series_spec(**GROUPED)), read_and_note)
    assert {len(columns) for columns in asked} == {1}


def test_filled_values_are_counted() -> None:
    frame = pd.DataFrame({"at": [1, 2, 3], "station": "a", "heat": [1.0, None, None], "wind": "N"})
    plan = SeriesPlan(make_series_spec(forward_fill=["heat"]))
    work = open_series(plan, read_in(frame, 2))()
    for part in read_in(frame, 2)(frame.columns):
        work.apply(part)
    assert work.counts == {"values_filled_forward": 2, "values_filled_backward": 0}


def test_rows_without_a_time_cannot_be_ordered() -> None:
    frame = make_series(5)
    frame.loc[2, "at"] = pd.NaT
    with pytest.raises(DataError, match="'at' orders the rows.*1 missing"):
        run_stream(make_series_spec(order_by="at", forward_fill=["heat"]), frame, 2)


def test_a_window_ends_where_the_horizon_begins():
    spec = make_series_spec(horizon=3, lags=[{"column": "heat", "lags": [3], "windows": [2]}])
    frame = make_series(8).assign(heat=np.arange(8.0))
    computed = run_stream(spec, frame, 8)
    assert computed["heat_lag_3"].tolist()[3:] == [0, 1, 2, 3, 4]
    # Of row 4 the rows 0 and 1: what lies three and four rows before.
    assert computed["heat_mean_2"].isna().tolist() == [True] * 4 + [False] * 4
    assert computed["heat_mean_2"].tolist()[4:] == [0.5, 1.5, 2.5, 3.5]
    assert run_stream(spec, frame, batch=2).equals(computed)


def test_a_lag_shorter_than_the_horizon_is_refused():
    with pytest.raises(ValueError, match="shorter than the horizon of 2 rows"):
        make_series_spec(horizon=2, lags=[{"column": "heat", "lags": [1, 2]}])
