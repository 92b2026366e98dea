"""The story fills in the order and within the groups in which `prepare` does."""

from collections.abc import Iterator

import numpy as np
import pandas as pd
import pytest

from include.analysis.analyze import analyze_table
from include.analysis.ordering import order_batches
from include.analysis.scan import Scan, scan_table
from include.features.series import SeriesPlan, open_series
from include.specs import PipelineSpec
from include.values.frames import to_frame
from tests.analysis.test_scan import in_batches
from tests.builders import BASE_SPEC, make_frame, make_spec, read_in


def shuffled(rows: int = 120) -> pd.DataFrame:
    """Build rows out of order; several share a day, and some have no group."""
    frame = make_frame(rows)
    days = np.random.default_rng(1).permutation(rows) // 2
    frame["opened"] = pd.Timestamp("2024-01-01", tz="UTC") + pd.to_timedelta(days, unit="D")
    frame["opened"] = frame["opened"].astype("datetime64[us, UTC]")
    frame.loc[::3, "income"] = np.nan
    frame.loc[::5, "age"] = pd.NA
    return frame


def scan_in_order(spec: PipelineSpec, frame: pd.DataFrame) -> Scan:
    return scan_table(spec, order_batches(spec, in_batches(frame, 17)), len(frame))


@pytest.mark.parametrize("group", [None, "job", "loan_id", "married"])
def test_an_unsorted_table_is_filled_as_prepare_fills_it(group: str | None) -> None:
    cleaning = {
        "order_by": "opened",
        "group_by": group,
        "forward_fill": ["income", "age"],
        "duplicates": "keep",
    }
    spec, frame = make_spec(cleaning=cleaning), shuffled()
    frame["loan_id"] = [f"L{number % 7}" for number in range(len(frame))]
    read = read_in(frame, len(frame))
    (rows,) = read(list(frame.columns))
    work = open_series(SeriesPlan(spec), read)()
    prepared = to_frame(work.apply(rows)).sort_values("opened", kind="stable")
    scan = scan_in_order(spec, frame)
    for name in ("income", "age"):
        wanted = prepared[name].to_numpy(dtype=float, na_value=np.nan)
        np.testing.assert_array_equal(scan.sample[name].to_numpy(), wanted)
        filled = int(frame[name].isna().sum() - np.isnan(wanted).sum())
        assert scan.counts[name].filled_forward == filled


def test_a_column_that_is_filled_by_its_own_key_is_filled_here_too() -> None:
    columns = [
        {**column, "fill": "forward"} if column["name"] == "income" else column
        for column in BASE_SPEC["columns"]
    ]
    frame = shuffled()
    spec = make_spec(columns=columns, cleaning={"order_by": "opened"})
    found = analyze_table(spec, in_batches(frame, 50), len(frame))
    assert found.filled_columns == ("income",)


def test_a_table_in_order_is_read_as_it_is() -> None:
    batches = in_batches(shuffled().sort_values("opened", kind="stable"), 50)
    assert order_batches(make_spec(cleaning={"order_by": "opened"}), batches) is batches
    assert order_batches(make_spec(), batches) is batches


def test_sorting_changes_neither_types_nor_values() -> None:
    frame = shuffled()
    frame["job"] = frame["job"].astype(pd.StringDtype("pyarrow", na_value=np.nan))
    frame.loc[0, "age"] = 2**53 + 1
    frame.loc[[4, 9], "opened"] = pd.NaT
    spec = make_spec(cleaning={"order_by": "opened"})
    found = pd.concat(list(order_batches(spec, in_batches(frame, 31))()), ignore_index=True)
    wanted = frame.sort_values("opened", kind="stable", na_position="last", ignore_index=True)
    pd.testing.assert_frame_equal(found, wanted)


def test_an_empty_table_is_in_order() -> None:
    def batches() -> Iterator[pd.DataFrame]:
        return iter(())

    assert order_batches(make_spec(cleaning={"order_by": "opened"}), batches) is batches
