"""One pass gives exact counts, however the rows fall into batches."""

from collections.abc import Callable, Iterator

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from include.analysis.scan import ColumnCounts, scan_table
from include.specs import PipelineSpec
from tests.builders import make_frame, make_spec


def in_batches(frame: pd.DataFrame, size: int) -> Callable[[], Iterator[pd.DataFrame]]:
    def batches() -> Iterator[pd.DataFrame]:
        for start in range(0, len(frame), size):
            yield frame.iloc[start : start + size]

    return batches


def gaps(text: str) -> np.ndarray:
    return np.array([letter == "." for letter in text])


@settings(max_examples=60, deadline=None)
@given(st.lists(st.booleans(), max_size=40), st.integers(1, 7))
def test_the_longest_gap_does_not_depend_on_the_batches(flags: list[bool], size: int) -> None:
    counts = ColumnCounts()
    for start in range(0, len(flags), size):
        counts.add_gaps(np.array(flags[start : start + size]))
    runs = "".join("." if flag else "x" for flag in flags).split("x")
    assert counts.longest_gap == max(map(len, runs))
    assert counts.missing == sum(flags)


def test_means_and_spreads_merge_exactly() -> None:
    values = np.random.default_rng(0).lognormal(size=1_000)
    counts = ColumnCounts()
    for piece in np.array_split(values, 7):
        counts.add_values(np.append(piece, [np.nan, np.inf]))
    assert counts.mean == pytest.approx(values.mean())
    assert counts.std == pytest.approx(values.std(ddof=1))
    assert (counts.minimum, counts.maximum) == (values.min(), values.max())


@pytest.mark.parametrize("size", [7, 64, 1_000])
def test_batches_of_any_size_give_the_same_scan(size: int) -> None:
    frame = make_frame(200)
    spec = make_spec(cleaning={"forward_fill": ["income", "job"]})
    whole, scan = (scan_table(spec, in_batches(frame, n), 200) for n in (200, size))
    pd.testing.assert_frame_equal(scan.sample, whole.sample)
    assert scan.counts["income"].filled_forward == whole.counts["income"].filled_forward
    np.testing.assert_array_equal(scan.stretches, whole.stretches)


def test_forward_fill_takes_the_value_before_and_leaves_the_start() -> None:
    frame = make_frame(6)
    frame["income"] = [np.nan, 1.0, np.nan, np.nan, 2.0, np.nan]
    spec = make_spec(cleaning={"forward_fill": ["income"]})
    scan = scan_table(spec, in_batches(frame, 2), 6)
    assert scan.sample["income"].fillna(-1).tolist() == [-1, 1, 1, 1, 2, 2]
    assert (scan.counts["income"].missing, scan.counts["income"].filled_forward) == (4, 3)


def test_forward_fill_stays_within_its_group() -> None:
    frame = make_frame(6)
    frame["income"] = [1.0, 5.0, np.nan, np.nan, np.nan, np.nan]
    frame["job"] = ["a", "b", "a", "b", "c", "a"]
    spec = make_spec(cleaning={"forward_fill": ["income"], "group_by": "job"})
    scan = scan_table(spec, in_batches(frame, 2), 6)
    assert scan.sample["income"].fillna(-1).tolist() == [1, 5, 1, 5, -1, 1]


def test_duplicates_are_counted_over_all_columns_ids_too() -> None:
    frame = make_frame(100)
    twice = pd.concat([frame, frame.iloc[:9]], ignore_index=True)
    others = twice.assign(loan_id=[f"N{number}" for number in range(109)])
    assert scan_table(make_spec(), in_batches(others, 50), 109).duplicates == 0
    twice["row_id"] = np.arange(109)
    dropped = scan_table(make_spec(cleaning={"duplicates": "drop"}), in_batches(twice, 50), 109)
    assert (dropped.duplicates, len(dropped.sample)) == (9, 100)
    kept = scan_table(make_spec(cleaning={"duplicates": "keep"}), in_batches(twice, 50), 109)
    assert (kept.duplicates, len(kept.sample)) == (9, 109)


def test_a_training_row_of_the_test_file_repeats_it() -> None:
    frame = make_frame(20)
    both = pd.concat([frame.assign(part="train"), frame.assign(part="test")], ignore_index=True)
    spec = make_spec(split={"method": "given"}, cleaning={"duplicates": "drop"})
    scan = scan_table(spec, in_batches(both, 7), 40)
    assert scan.duplicates == 20
    assert len(scan.sample) == 20


def test_a_large_table_is_sampled_the_same_way_every_time_and_counted_whole() -> None:
    frame = make_frame(3_000)
    scans = [
        scan_table(make_spec(), in_batches(frame, size), 3_000, sample_rows=500)
        for size in (3_000, 170)
    ]
    assert 400 < len(scans[0].sample) < 600
    pd.testing.assert_frame_equal(scans[0].sample, scans[1].sample)
    assert scans[0].rows == 3_000
    assert scans[0].counts["income"].missing == int(frame["income"].isna().sum())


def image_spec() -> PipelineSpec:
    return make_spec(
        columns=[
            {"name": "image", "kind": "tensor", "shape": [2, 2]},
            {"name": "repaid", "kind": "category"},
        ]
    )


def test_equal_images_are_duplicates_and_stand_in_by_their_mean() -> None:
    pixels = np.arange(40, dtype=np.uint8).reshape(10, 4)
    pixels[7] = pixels[2]
    lists = pa.FixedSizeListArray.from_arrays(pa.array(pixels.ravel()), 4)
    frame = pd.DataFrame(
        {
            "image": pd.Series(lists, dtype=pd.ArrowDtype(pa.list_(pa.uint8(), 4))),
            "repaid": ["no"] * 10,
            "row_id": np.arange(10),
        }
    )
    scan = scan_table(image_spec(), in_batches(frame, 4), 10)
    assert scan.duplicates == 1
    assert scan.sample["image"].iloc[0] == 1.5
