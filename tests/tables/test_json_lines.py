import json
from pathlib import Path
from typing import Any

import pytest

from include.errors import SourceError
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


@pytest.mark.parametrize("content", [b"", b"\n\n"])
def test_an_empty_file_is_named(root: Path, content: bytes) -> None:
    put(root, "a.jsonl", content)
    with pytest.raises(SourceError, match="empty"):
        snapshot(root, {"kind": "file", "uri": "a.jsonl"})


def test_a_file_without_objects_is_named(root: Path) -> None:
    put(root, "a.jsonl", b"a,b\n1,2\n")
    with pytest.raises(SourceError, match="one JSON object per line"):
        snapshot(root, {"kind": "file", "uri": "a.jsonl"})
