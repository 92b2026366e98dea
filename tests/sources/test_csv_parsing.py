"""Numbers that CSV gives as such are those that the cast makes of the same texts."""

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from upath import UPath

from include.sources import text_blocks
from include.sources.csv_files import read_csv_batches
from include.sources.csv_parsing import list_number_types
from include.specs.columns import DatetimeColumn, IntegerColumn, NumberColumn
from include.specs.sources import FileSource
from include.values.casts import cast_column
from include.values.reading import Reading

NUMBER = NumberColumn(name="n", kind="number")
INTEGER = IntegerColumn(name="n", kind="integer")
SPELLINGS = (
    *("1", "-1", "+1", "01", "1.0", "1.", ".5", "1e3", "1E-3", "0x1F", "1_000", "1,5", "1 000"),
    *("nan", "-nan", "nan(1)", "NaN", "inf", "-inf", "Infinity", "1e999", "1e-999", "NA", "?"),
    *("", " ", " 1", "1 ", "\t1", "1\u00a0", "true", "9223372036854775808", "9007199254740993"),
    *("0.1", "1.7976931348623157e308", "4.9e-324", "0.30000000000000004", "1f", "\u0661", "-0"),
)
CELLS = (
    st.sampled_from(SPELLINGS)
    | st.floats(allow_nan=False).map(repr)
    | st.integers(-(2**70), 2**70).map(str)
    | st.text(alphabet=st.sampled_from("0123456789+-.eE xnaif"), max_size=8)
)


def cast_both_ways(
    path: Path, cells: list[str], column: Any, **changes: Any
) -> tuple[pa.Array, pa.Array, np.ndarray, np.ndarray]:
    """Read and cast the cells with numbers as such, and with texts only."""
    lines = [f'{number},"{cell}"' for number, cell in enumerate(cells)]
    path.write_text("\n".join(["i,n", *lines]) + "\n", "utf-8")
    source = FileSource.model_validate({"kind": "file", "uri": "x", **changes})
    reading = Reading(source.missing, source.trim, source.strip_suffix)
    values: list[pa.Array] = []
    bad: list[np.ndarray] = []
    for types in (list_number_types([column]), {}):
        batches = list(read_csv_batches(UPath(path), source, (), ("n",), types))
        casts = [cast_column(column, batch.rows.column("n").chunk(0), reading) for batch in batches]
        values.append(pa.concat_arrays([cast.values for cast in casts]))
        masks = [np.zeros(len(c.values), bool) if c.bad is None else c.bad for c in casts]
        bad.append(np.concatenate(masks))
    return values[0], values[1], bad[0], bad[1]


def bits(values: pa.Array) -> list[int | None]:
    raw = values.fill_null(0).to_numpy(zero_copy_only=False).view(np.int64)
    return [int(one) if valid else None for one, valid in zip(raw, values.is_valid(), strict=True)]


@pytest.mark.parametrize("column", [NUMBER, INTEGER], ids=["number", "integer"])
@given(
    cells=st.lists(CELLS, min_size=1, max_size=6),
    trim=st.booleans(),
    missing=st.sampled_from([("", "NA", "?"), ("NA", "nan"), (), ("1",), ("", "-1", "01")]),
)
@settings(max_examples=150, deadline=None)
@example(cells=["1", "nan(1)"], trim=True, missing=())
@example(cells=["1", "0x1F", " 2"], trim=False, missing=("",))
@example(cells=[" 1", "2"], trim=False, missing=("1",))
def test_any_cell_is_what_the_cast_makes_of_its_text(
    tmp_path_factory: pytest.TempPathFactory,
    column: Any,
    cells: list[str],
    trim: bool,
    missing: tuple[str, ...],
) -> None:
    path = tmp_path_factory.getbasetemp() / "cells.csv"
    direct, by_text, bad, bad_by_text = cast_both_ways(
        path, cells, column, trim=trim, missing=missing
    )
    assert bits(direct) == bits(by_text)
    assert bad.tolist() == bad_by_text.tolist()


@pytest.mark.parametrize("column", [NUMBER, INTEGER], ids=["number", "integer"])
@pytest.mark.parametrize("cell", SPELLINGS)
def test_every_spelling_alone_is_what_the_cast_makes_of_it(
    tmp_path: Path, column: Any, cell: str
) -> None:
    direct, by_text, bad, bad_by_text = cast_both_ways(tmp_path / "x.csv", [cell], column)
    assert bits(direct) == bits(by_text)
    assert bad.tolist() == bad_by_text.tolist()


def test_a_column_comes_as_text_from_the_block_with_the_first_unusual_cell(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(text_blocks, "BLOCK_BYTES", 1_000)
    cells = [["1.5", "2"]] * 5_000 + [["?", "2"]] + [["2.5", "2"]] * 5_000
    path = tmp_path / "data.csv"
    path.write_text("a,b\n" + "\n".join(",".join(row) for row in cells) + "\n")
    source = FileSource.model_validate({"kind": "file", "uri": "x"})
    types = {"a": pa.float64(), "b": pa.int64()}
    batches = list(read_csv_batches(UPath(path), source, (), ("b", "a"), types))
    kinds = [str(batch.rows.schema.field("a").type) for batch in batches]
    assert kinds == sorted(kinds)
    assert set(kinds) == {"double", "string"}
    assert {str(batch.rows.schema.field("b").type) for batch in batches} == {"int64"}
    assert sum(batch.rows.num_rows for batch in batches) == len(cells)


def test_parts_of_a_time_stay_as_they_are_written() -> None:
    time = DatetimeColumn(name="t", kind="datetime", from_parts=("n", "month", "day"))
    assert list_number_types([INTEGER, time]) == {}
    assert list_number_types([INTEGER]) == {"n": pa.int64()}
