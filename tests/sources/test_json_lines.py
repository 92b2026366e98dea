import json
from pathlib import Path
from typing import Any

import pytest

from include.errors import SchemaError, SourceError
from include.tables.store import read_frame
from tests.table_builders import put, snapshot


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path


def lines(*rows: Any) -> bytes:
    return b"".join(
        row if isinstance(row, bytes) else json.dumps(row).encode() + b"\n" for row in rows
    )


def test_rows_keep_their_line_and_bad_ones_are_set_aside(root: Path) -> None:
    good = {"n": 1, "x": 1.5, "c": "a"}
    content = lines(good, b"{half\n", b"\n", [1], good, b'{"c": "\xe9"}\n', b"null\n")
    put(root, "a.jsonl", content)
    record = snapshot(root, {"kind": "file", "uri": "a.jsonl"})
    assert record.rejected is not None
    rejected = read_frame(record.rejected)
    assert rejected["line"].tolist() == [2, 4, 6, 7]
    assert rejected["rule"].tolist() == ["bad_json", "bad_json", "bad_encoding", "bad_json"]
    assert read_frame(record.raw)["row_id"].tolist() == [0, 3]


def test_a_key_that_stands_twice_costs_its_row(root: Path) -> None:
    put(root, "a.jsonl", b'{"n": 1, "x": 1, "c": "a"}\n{"n": 1, "n": 2, "c": "b"}\n')
    record = snapshot(root, {"kind": "file", "uri": "a.jsonl"})
    assert record.rejected is not None
    assert read_frame(record.rejected)[["line", "rule"]].values.tolist() == [[2, "repeated_key"]]
    assert read_frame(record.raw)["c"].tolist() == ["a"]


def test_values_of_mixed_types_and_absent_keys(root: Path) -> None:
    put(root, "a.jsonl", lines({"n": 1, "x": "2.5", "c": 3.0}, {"n": "2", "c": "b"}, {"c": True}))
    frame = read_frame(snapshot(root, {"kind": "file", "uri": "a.jsonl"}).raw)
    assert frame["c"].tolist() == ["3", "b", "true"]
    assert frame["n"].astype("float").fillna(-1).tolist() == [1, 2, -1]
    assert frame["x"].fillna(-1).tolist() == [2.5, -1, -1]


def test_lists_are_tensors_of_one_type(root: Path) -> None:
    put(
        root,
        "a.jsonl",
        lines({"t": [[1, 2], [3, 4]], "c": "a"}, {"t": [[1.5, 2], [3, 4]], "c": "b"}),
    )
    columns = [
        {"name": "t", "kind": "tensor", "shape": [2, 2]},
        {"name": "c", "kind": "category"},
    ]
    frame = read_frame(snapshot(root, {"kind": "file", "uri": "a.jsonl"}, columns=columns).raw)
    assert [list(value) for value in frame["t"]] == [[1, 2, 3, 4], [1.5, 2, 3, 4]]


def test_a_row_without_its_array_goes_to_quarantine(root: Path) -> None:
    put(root, "a.jsonl", lines({"t": [1, 2], "c": "a"}, {"t": None, "c": "b"}))
    columns = [{"name": "t", "kind": "tensor", "shape": [2]}, {"name": "c", "kind": "category"}]
    record = snapshot(root, {"kind": "file", "uri": "a.jsonl"}, columns=columns)
    assert read_frame(record.raw)["c"].tolist() == ["a"]
    assert record.rejected is not None
    rejected = read_frame(record.rejected)
    assert rejected["line"].tolist() == [2]
    assert rejected["reason"].tolist() == ["expected an array of shape [2], received nothing"]


@pytest.mark.parametrize("content", [b"", b"\n\n"])
def test_an_empty_file_is_named(root: Path, content: bytes) -> None:
    put(root, "a.jsonl", content)
    with pytest.raises(SourceError, match="empty"):
        snapshot(root, {"kind": "file", "uri": "a.jsonl"})


def test_a_file_without_objects_is_named(root: Path) -> None:
    put(root, "a.jsonl", b"a,b\n1,2\n")
    with pytest.raises(SourceError, match="one JSON object per line"):
        snapshot(root, {"kind": "file", "uri": "a.jsonl"})


JSON = {"kind": "file", "uri": "a.jsonl"}
LATE = [
    {"name": "n", "kind": "integer"},
    {"name": "late", "kind": "number", "nulls": 1},
    {"name": "c", "kind": "category"},
]


@pytest.mark.parametrize("key", ["late", 'sp"ät\\', "é"], ids=ascii)
@pytest.mark.parametrize("is_ascii", [True, False], ids=["escaped", "as it is"])
def test_a_column_may_appear_late(root: Path, key: str, is_ascii: bool) -> None:
    rows = [{"n": number, "c": "a"} for number in range(2_500)]
    rows[2_400][key] = 1.5
    text = "".join(f"{json.dumps(row, ensure_ascii=is_ascii)}\n" for row in rows)
    put(root, "a.jsonl", text)
    for nulls in (1, 0):
        columns = [LATE[0], {**LATE[1], "name": key, "nulls": nulls}, LATE[2]]
        frame = read_frame(snapshot(root, JSON, columns=columns).raw)
        assert frame[key].dropna().to_dict() == {2_400: 1.5}


def test_a_column_may_appear_in_a_later_file(root: Path) -> None:
    put(root, "t/a.jsonl", lines({"n": 1, "c": "a"}))
    put(root, "t/b.jsonl", lines({"n": 2, "c": "a", "late": 2.5}))
    put(root, "t/c.jsonl", lines({"n": 3, "c": "a"}))
    frame = read_frame(snapshot(root, {"kind": "file", "uri": "t"}, columns=LATE).raw)
    assert frame["late"].fillna(-1).tolist() == [-1, 2.5, -1]


def test_a_column_in_no_line_is_missing_where_it_may_be(root: Path) -> None:
    put(root, "a.jsonl", lines({"n": 1, "c": "a"}, {"n": 2, "c": "late"}))
    record = snapshot(root, JSON, columns=LATE)
    frame = read_frame(record.raw)
    assert record.notes == ("a.jsonl: no row has 'late', taken as missing",)
    assert frame["late"].isna().all()
    assert frame["late"].dtype == "float64"
    columns = [LATE[0], {**LATE[1], "nulls": 0}, LATE[2]]
    with pytest.raises(SchemaError, match="Received no 'late'"):
        snapshot(root, JSON, columns=columns, force=True)


def test_a_file_of_other_objects_is_refused_even_if_all_may_be_missing(root: Path) -> None:
    put(root, "a.jsonl", lines({"q": 1}))
    columns = [{**column, "nulls": 1} for column in LATE]
    with pytest.raises(SchemaError, match="Received none of them"):
        snapshot(root, JSON, columns=columns)


def test_a_partition_of_json_lines_gives_a_column(root: Path) -> None:
    put(root, "t/late=2/a.jsonl", lines({"n": 1, "c": "a"}))
    put(root, "t/late=3/a.jsonl", lines({"n": 2, "c": "a"}))
    frame = read_frame(snapshot(root, {"kind": "file", "uri": "t"}, columns=LATE).raw)
    assert frame["late"].tolist() == [2.0, 3.0]


def test_an_empty_file_among_others_is_named(root: Path) -> None:
    put(root, "t/a.jsonl", lines({"n": 1, "c": "a", "late": 1}))
    put(root, "t/b.jsonl", b"")
    with pytest.raises(SourceError, match=r"'b\.jsonl', which is empty"):
        snapshot(root, {"kind": "file", "uri": "t"}, columns=LATE)
