"""The analysis finds what was planted, and says it in words."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from include.analysis.analyze import analyze_table
from include.analysis.profiles import build_histogram
from include.features.duplicates import hash_batch
from include.records.analysis import Analysis
from include.specs import PipelineSpec
from include.specs.loader import load_pipeline_spec
from include.values.duplicates import find_duplicates
from tests.builders import BASE_SPEC, make_frame, make_spec

POLLUTION = Path(__file__).parents[3] / "shared" / "data" / "pollution.csv"
PIPELINES = Path(__file__).parents[2] / "include" / "pipelines"


def analyze(spec: PipelineSpec, frame: pd.DataFrame, **options: int) -> Analysis:
    def batches() -> Iterator[pd.DataFrame]:
        yield frame

    return analyze_table(spec, batches, len(frame), **options)


def series_spec() -> PipelineSpec:
    return make_spec(
        name="series",
        columns=[
            {"name": "time", "kind": "datetime"},
            {"name": "level", "kind": "number", "nulls": 0.2},
            {"name": "twin", "kind": "number"},
            {"name": "square", "kind": "number"},
            {"name": "tail", "kind": "number"},
            {"name": "flat", "kind": "number"},
            {"name": "leak", "kind": "number"},
        ],
        target={"column": "level", "task": "regression"},
        promotion={},
    )


def make_series(rows: int = 24 * 60) -> pd.DataFrame:
    """Build an hourly series with a daily cycle, a twin, a curve, a tail and a leak."""
    random = np.random.default_rng(0)
    time = pd.date_range("2024-01-01", periods=rows, freq="h", tz="UTC").as_unit("us")
    level = 50 + 20 * np.sin(2 * np.pi * time.hour.to_numpy() / 24) + random.normal(size=rows)
    base = random.normal(size=rows)
    frame = pd.DataFrame(
        {
            "time": time,
            "level": level,
            "twin": base,
            "square": base + random.normal(size=rows) * 0.01,
            "tail": random.lognormal(sigma=2, size=rows),
            "flat": 1.0,
            "leak": level * 2,
            "row_id": np.arange(rows),
        }
    )
    frame.loc[100:129, "level"] = np.nan
    return frame


def test_what_was_planted_is_told() -> None:
    found = analyze(series_spec(), make_series())
    told = {remark.topic: f"{remark.text} {remark.advice}" for remark in found.story}
    assert "one row every hour, without a hole" in told["The table"]
    assert "split.method: time" in told["The table"]
    assert "level misses 30 values" in told["Missing values"]
    assert "gaps of up to 30 rows" in told["Missing values"]
    assert "leak all but gives level away" in told["Perhaps a leak"]
    assert "twin and square" in told["Nearly the same column"]
    assert "tail" in told["Long tails"]
    assert "flat" in told["Constant columns"]
    assert "highest at 6 o'clock" in told["Cycles"]
    assert "cleaning.lags" in told["Memory"]
    assert found.left_out == ("flat (constant)",)


def test_nothing_is_told_of_what_is_negligible() -> None:
    random = np.random.default_rng(3)
    frame = make_series(400)
    for name in ("level", "twin", "square", "tail", "leak"):
        frame[name] = random.normal(size=400)
    found = analyze(series_spec(), frame)
    told = {remark.topic: remark.text for remark in found.story}
    assert told["What goes with the target"] == "No column by itself goes with level noticeably."
    assert told["Correlated features"] == "No two features go together noticeably."
    assert not any("\N{MINUS SIGN}0.00" in text or "rises" in text for text in told.values())


def test_whole_numbers_with_a_few_broken_ones_are_counted_evenly() -> None:
    values = np.append(np.tile(np.arange(56.0), 40), [3.5, 7.25, 54.75])
    counts = build_histogram(values).counts
    assert sum(counts) == len(values)
    assert max(counts[:-1]) - min(counts[:-1]) <= 2


def test_the_missing_map_shows_where() -> None:
    found = analyze(series_spec(), make_series())
    assert found.missing.columns == ("level",)
    shares = np.array(found.missing.shares[0])
    width = found.missing.rows_per_stretch
    assert shares.sum() * width == pytest.approx(30, abs=0.1)
    assert set(np.flatnonzero(shares)) == set(range(100 // width, 129 // width + 1))


def test_relations_follow_the_kinds() -> None:
    found = analyze(make_spec(), make_frame(500))
    shapes = {relation.feature: relation.shape for relation in found.relations}
    assert shapes["income"] == "curve"
    assert shapes["job"] == "bars"
    income = next(relation for relation in found.relations if relation.feature == "income")
    assert found.relations[0] == income
    shares = [point.value for point in income.points]
    # The class that is shown may be either one; income decides it all the same.
    assert abs(shares[-1] - shares[0]) > 0.8


def test_a_sample_is_said_to_be_one() -> None:
    found = analyze(make_spec(), make_frame(2_000), sample_rows=300)
    assert found.is_sampled
    assert found.rows == 2_000
    assert not analyze(make_spec(), make_frame(300)).is_sampled


def test_the_same_table_gives_the_same_findings() -> None:
    frame = make_frame(300)
    assert analyze(make_spec(), frame) == analyze(make_spec(), frame.copy())


@pytest.mark.parametrize("rows", [0, 1, 2, 12])
def test_a_tiny_table_is_analysed_without_a_word_too_many(rows: int) -> None:
    found = analyze(make_spec(), make_frame(rows))
    assert found.rows == rows
    assert found.story


def test_all_null_and_infinite_values_do_no_harm() -> None:
    frame = make_frame(50)
    frame["age"] = pd.array([None] * 50, dtype="Int64")
    frame.loc[3, "income"] = np.inf
    found = analyze(make_spec(), frame)
    assert "age (empty)" in found.left_out
    income = next(profile for profile in found.profiles if profile.name == "income")
    assert income.number is not None
    assert np.isfinite(income.number.maximum)


@pytest.mark.skipif(not POLLUTION.exists(), reason="shared/data/pollution.csv is not here")
def test_the_pollution_table_tells_its_known_story() -> None:
    spec = load_pipeline_spec(PIPELINES / "pollution.yaml")
    frame = pd.read_csv(POLLUTION)
    parts = frame[["year", "month", "day", "hour"]]
    frame["time"] = pd.to_datetime(parts, utc=True).astype("datetime64[us, UTC]")
    frame = frame.assign(row_id=np.arange(len(frame)), No=frame["No"].astype("str"))
    found = analyze(spec, frame)
    strongest = [(pair.left, pair.right, round(pair.value, 2)) for pair in found.associations[:3]]
    assert strongest == [
        ("TEMP", "PRES", -0.83),
        ("DEWP", "TEMP", 0.82),
        ("DEWP", "PRES", -0.78),
    ]
    target = next(profile for profile in found.profiles if profile.is_target)
    assert (target.missing, target.filled_forward, target.longest_gap) == (2_067, 2_043, 155)
    assert found.duplicates == 0
    assert found.time is not None
    assert found.time.memory is not None
    by_lag = dict(zip(found.time.memory.lags, found.time.memory.values, strict=True))
    assert by_lag[1] == pytest.approx(0.965, abs=0.002)


def test_several_rows_at_each_moment_are_told_and_so_are_lacking_ones() -> None:
    frame = make_series(24 * 30)
    frame["time"] = frame["time"].dt.floor("D")
    told = {remark.topic: remark.text for remark in analyze(series_spec(), frame).story}
    assert "usually 24 rows every day, without a hole" in told["The table"]
    thinned = frame.drop(index=[30, 31, 100]).reset_index(drop=True)
    told = {remark.topic: remark.text for remark in analyze(series_spec(), thinned).story}
    assert "usually 24 rows every day" in told["The table"]
    assert "without a hole" not in told["The table"]
    assert "2 times with fewer rows" in told["The table"]


def test_a_sample_tells_no_holes() -> None:
    found = analyze(series_spec(), make_series(), sample_rows=700)
    told = {remark.topic: remark.text for remark in found.story}
    assert "hole" not in told["The table"]


def test_nothing_is_filled_forward_in_a_table_without_time() -> None:
    columns = [column for column in BASE_SPEC["columns"] if column["kind"] != "datetime"]
    spec = make_spec(columns=columns)
    found = analyze(spec, make_frame(200).drop(columns="opened"))
    assert all(profile.filled_forward == 0 for profile in found.profiles)
    text = next(remark.text for remark in found.story if remark.topic == "Missing values")
    assert "forward" not in text
    assert "gaps" not in text


@pytest.mark.parametrize("policy", ["drop", "keep"])
def test_duplicates_are_those_that_prepare_finds(policy: str) -> None:
    frame = pd.concat([make_frame(20), make_frame(20).iloc[:4]], ignore_index=True)
    frame["row_id"] = np.arange(24)
    # Two rows repeat within the training file; two of the training file stand in the test file.
    frame["part"] = ["train"] * 22 + ["test"] * 2
    spec = make_spec(split={"method": "given"}, cleaning={"duplicates": policy})
    is_test = (frame["part"] == "test").to_numpy()
    wanted = find_duplicates(hash_batch(spec, frame).whole, is_test)
    found = analyze(spec, frame)
    assert found.duplicates == wanted.repeated.sum() + wanted.shared_with_test.sum() == 4
    assert found.sampled_rows == (20 if policy == "drop" else 24)
