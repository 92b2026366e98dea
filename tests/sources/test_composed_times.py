"""A time that a source spreads over columns becomes one column, and bad ones are rejected."""

from pathlib import Path

import pyarrow as pa
import pytest

from include.sources.composed_times import join_parts
from include.sources.downloads import Downloads
from include.sources.opening import SourcePlaces
from include.sources.snapshot import take_snapshot
from include.sources.stacking import ReadingPlan
from include.specs import PipelineSpec
from include.tables.readers import read_frame, read_table
from include.tables.store import TableStore
from include.values.reading import Reading
from tests.builders import make_spec

ROWS = "2010,1,31,9,5\n2010,2,30,9,6\nNA,1,1,0,7\n2011,12,1,23,8\n"


def spec_of(*, header: bool = True) -> PipelineSpec:
    return make_spec(
        source={"kind": "file", "uri": "hours.csv", "header": header},
        columns=[
            {"name": "time", "kind": "datetime", "from_parts": ["year", "month", "day", "hour"]},
            {"name": "year", "kind": "integer", "nulls": 0.5},
            {"name": "month", "kind": "ignore"},
            {"name": "day", "kind": "ignore"},
            {"name": "hour", "kind": "ignore"},
            {"name": "level", "kind": "number"},
        ],
        target={"column": "level", "task": "regression"},
        promotion={},
    )


@pytest.mark.parametrize("header", [True, False], ids=["with a header", "without one"])
def test_parts_become_a_time_and_impossible_days_are_rejected(
    data_root: Path, header: bool
) -> None:
    text = ("year,month,day,hour,level\n" if header else "") + ROWS
    (data_root / "sources" / "hours.csv").write_text(text)
    spec = spec_of(header=header)
    places = SourcePlaces(
        sources=str(data_root / "sources"),
        downloads=Downloads(str(data_root / "downloads"), is_private=False),
        connect=str,
    )
    plan = ReadingPlan(contract=spec.columns, columns=spec.stored_columns, places=places)

    record = take_snapshot(TableStore(str(data_root)), spec.name, spec.source, plan)

    frame = read_frame(record.raw)
    assert frame["time"].astype("str").tolist()[0].startswith("2010-01-31 09:00:00")
    assert frame["time"].isna().tolist() == [False, True, False]
    assert frame["year"].dropna().tolist() == [2010, 2011]
    assert record.rejected is not None
    rejected = read_table(record.rejected).to_pylist()
    assert [row["column"] for row in rejected] == ["time"]
    assert "2010-02-30 09:00:00" in rejected[0]["reason"]


@pytest.mark.parametrize("type_", [pa.int64(), pa.int8(), pa.float64(), pa.string()], ids=str)
def test_parts_of_any_type_are_read(type_: pa.DataType) -> None:
    year = pa.chunked_array([pa.array([2024], pa.int64())])
    rest = [pa.chunked_array([pa.array([n]).cast(type_)]) for n in (2, 9)]
    assert join_parts([year, *rest], Reading()).to_pylist() == ["2024-02-09 00:00:00"]


@pytest.mark.parametrize("parts", [["year", "month"], ["year", "month", "month"]])
def test_parts_that_make_no_day_are_refused(parts: list[str]) -> None:
    columns = [{"name": "time", "kind": "datetime", "from_parts": parts}]
    with pytest.raises(ValueError, match="from_parts must name three to six different columns"):
        make_spec(columns=columns)
