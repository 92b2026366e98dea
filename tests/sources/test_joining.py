from pathlib import Path
from typing import Any

import pytest

from include.errors import SchemaError, SpecError
from include.tables.store import read_frame
from tests.table_builders import put, snapshot

LEFT = {"kind": "file", "uri": "left.csv"}
RIGHT = {"kind": "file", "uri": "right.csv"}


def join(**changes: Any) -> dict[str, Any]:
    return {"kind": "join", "sources": [LEFT, RIGHT], "on": ["key"], **changes}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    put(tmp_path, "left.csv", "key,n,extra\nb,1,9\na,2,9\nz,3,9\n,4,9\nb,5,9\n")
    put(tmp_path, "right.csv", "c,x,key\none,1.5,a\ntwo,2.5,b\nthree,3.5,q\n")
    return tmp_path


def test_rows_of_the_first_source_stay_in_order(root: Path) -> None:
    record = snapshot(root, join())
    frame = read_frame(record.raw)
    assert frame.columns.tolist() == ["n", "x", "c", "row_id"]
    assert frame["n"].tolist() == [1, 2, 3, 4, 5]
    assert frame["row_id"].tolist() == [0, 1, 2, 3, 4]
    assert frame["x"].fillna(-1).tolist() == [2.5, 1.5, -1, -1, 2.5]
    assert record.notes == (
        "join: right.csv has 3 rows; 3 of 5 rows of left.csv found a partner",
        "join (left) on key: 5 rows before, 5 after",
    )
    assert record.dropped_columns == ("extra",)


def test_an_inner_join_says_how_many_rows_went(root: Path) -> None:
    record = snapshot(root, join(how="inner"))
    assert read_frame(record.raw)["n"].tolist() == [1, 2, 5]
    assert record.notes[-1] == "join (inner) on key: 5 rows before, 3 after"


def test_a_join_that_multiplies_rows_fails(root: Path) -> None:
    put(root, "right.csv", "key,x,c\nb,1,a\nb,2,a\n")
    with pytest.raises(SchemaError, match=r"join multiplies rows.*right.csv|right.csv.*'b'"):
        snapshot(root, join())


def test_copies_without_a_partner_do_no_harm(root: Path) -> None:
    put(root, "right.csv", "key,x,c\nb,1,a\nq,2,a\nq,2,a\n")
    assert snapshot(root, join()).raw.rows == 5


def test_keys_are_compared_by_value_not_by_spelling(root: Path) -> None:
    put(root, "left.csv", "key,n\n1,1\n2,2\n")
    put(root, "right.csv", "key,x,c\n1.0,1,a\n02,2,b\n")
    columns = [
        {"name": "key", "kind": "integer"},
        {"name": "n", "kind": "integer"},
        {"name": "c", "kind": "category"},
    ]
    frame = read_frame(snapshot(root, join(), columns=columns).raw)
    assert frame["c"].tolist() == ["a", "b"]
    assert frame["key"].tolist() == [1, 2]


def test_rows_that_cannot_be_read_are_set_aside(root: Path) -> None:
    put(root, "left.csv", "key,n\nb,one\na,2\n")
    put(root, "right.csv", "c,x,key\none,1.5,a\ntwo,x,b\n")
    record = snapshot(root, join())
    assert record.rejected is not None
    assert read_frame(record.rejected)["file"].tolist() == ["left.csv", "right.csv"]
    assert read_frame(record.raw)["row_id"].tolist() == [1]


def test_private_keys_join_by_their_hash(root: Path) -> None:
    columns = [
        {"name": "key", "kind": "id", "private": "hash"},
        {"name": "n", "kind": "integer"},
        {"name": "c", "kind": "category"},
    ]
    frame = read_frame(snapshot(root, join(), columns=columns, hash_key="k").raw)
    assert frame["c"].fillna("-").tolist() == ["two", "one", "-", "-", "two"]
    put(root, "right.csv", "key,c\nb,1\nb,2\n")
    with pytest.raises(SchemaError, match="keys that are private"):
        snapshot(root, join(), columns=columns, hash_key="k")
    columns[0]["private"] = "mask"
    with pytest.raises(SpecError, match=r"source\.on must name"):
        snapshot(root, join(), columns=columns)


def test_tensors_and_parts_survive_a_join(root: Path) -> None:
    put(root, "left.csv", 'key,t\nb,"[1, 2]"\n')
    put(root, "test.csv", 'key,t\na,"[3, 4]"\n')
    columns = [{"name": "t", "kind": "tensor", "shape": [2]}, {"name": "c", "kind": "category"}]
    source = join(sources=[{**LEFT, "test_uri": "test.csv"}, RIGHT])
    frame = read_frame(snapshot(root, source, columns=columns).raw)
    assert [list(value) for value in frame["t"]] == [[1, 2], [3, 4]]
    assert frame["part"].tolist() == ["train", "test"]


@pytest.mark.parametrize(
    ("right", "message"),
    [("k,x,c\nb,1,a\n", "'key'"), ("key,c\nb,a\n", "Received no 'x'")],
    ids=["key", "column"],
)
def test_missing_columns_are_named(root: Path, right: str, message: str) -> None:
    put(root, "right.csv", right)
    with pytest.raises(SchemaError, match=message):
        snapshot(root, join())


def test_names_that_differ_in_capitals_only_are_two_columns(root: Path) -> None:
    put(root, "left.csv", "key,Age,age,n\nb,1,10,1\na,2,20,2\n")
    put(root, "right.csv", "c,N,key\none,7,a\ntwo,8,b\n")
    columns = [
        {"name": "Age", "kind": "integer"},
        {"name": "age", "kind": "number"},
        {"name": "n", "kind": "integer"},
        {"name": "N", "kind": "text"},
        {"name": "c", "kind": "category"},
    ]
    frame = read_frame(snapshot(root, join(), columns=columns).raw)
    assert frame.columns.tolist() == ["Age", "age", "n", "N", "c", "row_id"]
    assert frame["Age"].tolist() == [1, 2]
    assert frame["age"].tolist() == [10.0, 20.0]
    assert frame["N"].tolist() == ["8", "7"]


def test_a_key_whose_name_is_another_columns_in_capitals_joins(root: Path) -> None:
    put(root, "left.csv", "key,Key,n\nb,1,1\na,2,2\n")
    columns = [
        {"name": "Key", "kind": "integer"},
        {"name": "n", "kind": "integer"},
        {"name": "c", "kind": "category"},
    ]
    frame = read_frame(snapshot(root, join(), columns=columns).raw)
    assert frame["Key"].tolist() == [1, 2]
    assert frame["c"].tolist() == ["two", "one"]


def test_a_column_that_no_joined_line_has_is_missing_where_it_may_be(root: Path) -> None:
    put(root, "right.jsonl", '{"key": "a", "c": "one"}\n{"key": "b", "c": "two"}\n')
    source = join(sources=[LEFT, {"kind": "file", "uri": "right.jsonl"}])
    columns = [
        {"name": "n", "kind": "integer"},
        {"name": "late", "kind": "number", "nulls": 1},
        {"name": "c", "kind": "category"},
    ]
    frame = read_frame(snapshot(root, source, columns=columns).raw)
    assert frame["late"].isna().all()
    columns[1]["nulls"] = 0
    with pytest.raises(SchemaError, match="Received no 'late'"):
        snapshot(root, source, columns=columns, force=True)
