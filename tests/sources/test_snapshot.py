import gzip
import io
import json
import logging
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from include.errors import DataError, GatehouseError, SchemaError, SourceError
from include.sources import snapshot as snapshot_module
from include.tables.store import read_frame, read_manifest
from tests.table_builders import put, snapshot

CSV = {"kind": "file", "uri": "a.csv"}
PRIVATE = [
    {"name": "n", "kind": "integer", "private": "hash"},
    {"name": "x", "kind": "number"},
    {"name": "c", "kind": "category"},
]


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path


@pytest.fixture
def frame() -> pd.DataFrame:
    random = np.random.default_rng(0)
    return pd.DataFrame(
        {
            "n": pd.array([*range(98), None, 99], dtype="Int64"),
            "x": random.standard_normal(100).astype("float32"),
            "c": random.choice(["a", "b"], 100),
        }
    )


def test_formats_of_the_same_rows_give_one_table(root: Path, frame: pd.DataFrame) -> None:
    text = frame.to_csv(index=False)
    put(root, "a.csv", text)
    put(root, "b.csv.gz", gzip.compress(text.encode()))
    put(root, "c.tsv", frame[["c", "x", "n"]].to_csv(index=False, sep="\t"))
    as_read = pd.read_csv(io.StringIO(text)).to_dict(orient="records")
    put(root, "d.jsonl", "".join(json.dumps(row) + "\n" for row in as_read))
    for number in range(50):
        path = put(root, f"e/part-{number:02d}.parquet", b"")
        frame[number * 2 : number * 2 + 2].to_parquet(path)
    put(root, "f.csv", b"\xef\xbb\xbf" + text.replace("\n", "\r\n").encode())
    names = ["a.csv", "b.csv.gz", "c.tsv", "d.jsonl", "e", "e/*.parquet", "f.csv"]
    keys = {snapshot(root, {"kind": "file", "uri": name}).raw.key for name in names}
    assert len(keys) == 1


def test_an_unchanged_source_is_reused_without_reading(
    root: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(root, "a.csv", "n,x,c\n1,2,a\n1,2,3,4\n")
    first = snapshot(root, CSV)
    monkeypatch.setattr(snapshot_module, "_read", None)
    caplog.set_level(logging.INFO)
    again = snapshot(root, CSV)
    assert again.raw.is_reused
    assert again.rejected is not None
    assert again.rejected.is_reused
    assert again.raw.key == first.raw.key
    assert f"reused table raw/demo/{first.raw.key[:12]}…: source unchanged" in caplog.text
    assert first.source_digest[:12] in caplog.text


def test_force_reads_again(root: Path) -> None:
    put(root, "a.csv", "n,x,c\n1,2,a\n")
    first, again = snapshot(root, CSV), snapshot(root, CSV, force=True)
    assert not again.raw.is_reused
    assert again.raw == first.raw


@pytest.mark.parametrize(
    "change",
    [
        {"row_limit": 1},
        {"columns": PRIVATE, "hash_key": "k"},
        {"source": {**CSV, "missing": ["2"]}},
    ],
    ids=["row limit", "column", "option"],
)
def test_what_decides_the_rows_is_never_reused(root: Path, change: dict[str, Any]) -> None:
    put(root, "a.csv", "n,x,c\n1,2,a\n2,3,b\n")
    first = snapshot(root, CSV)
    other = snapshot(root, **{"source": CSV, **change})
    assert not other.raw.is_reused
    assert other.raw.key != first.raw.key


def test_another_hash_key_makes_another_table(root: Path) -> None:
    put(root, "a.csv", "n,x,c\n1,2,a\n")
    records = [snapshot(root, CSV, columns=PRIVATE, hash_key=key) for key in ("one", "two")]
    assert records[0].raw.key != records[1].raw.key


def test_a_lost_table_is_read_again(root: Path) -> None:
    put(root, "a.csv", "n,x,c\n1,2,a\n")
    first = snapshot(root, CSV)
    next(Path(first.raw.uri).glob("*.parquet")).unlink()
    again = snapshot(root, CSV)
    assert not again.raw.is_reused
    assert read_frame(again.raw)["c"].tolist() == ["a"]


def test_every_misfit_is_set_aside_with_line_and_reason(root: Path) -> None:
    put(root, "a.csv", 'n,x,c\n1,1.5,a\n2,"12,5",b\nx,y,c\n3,4,5,6\n7,8,z\n')
    record = snapshot(root, CSV)
    raw = read_frame(record.raw)
    assert raw["row_id"].tolist() == [0, 4]
    assert raw["n"].tolist() == [1, 7]
    assert record.rejected is not None
    assert record.rejected_rows == 3
    rejected = read_frame(record.rejected)
    assert rejected["line"].tolist() == [3, 4, 4, 5]
    assert rejected["row_id"].tolist() == [1, 2, 2, 3]
    assert rejected["column"].tolist() == ["x", "n", "x", ""]
    assert rejected["reason"][0] == "expected a number, received '12,5'"
    assert rejected["row"][0] == '2,"12,5",b'
    assert rejected["file"].tolist() == ["a.csv"] * 4


def test_a_row_goes_whichever_of_its_columns_is_bad(root: Path) -> None:
    put(root, "a.csv", "n,x,c\nq,1,a\n2,y,b\n3,3,c\nq,y,d\n5,5,e\n")
    record = snapshot(root, CSV)
    assert read_frame(record.raw)["c"].tolist() == ["c", "e"]
    assert record.rejected is not None
    rejected = read_frame(record.rejected)
    assert rejected["row_id"].tolist() == [0, 1, 3, 3]
    assert rejected["column"].tolist() == ["n", "x", "n", "x"]


def test_long_rows_are_cut(root: Path) -> None:
    put(root, "a.csv", f"n,x,c\n1,2,a\n{'y' * 2000}\n")
    rejected = snapshot(root, CSV).rejected
    assert rejected is not None
    assert read_frame(rejected)["row"].str.len().tolist() == [500]


@pytest.mark.parametrize(
    ("content", "error", "message"),
    [
        ("", SourceError, "empty"),
        ("n,x,c\n", SourceError, "no data rows"),
        ("n,x\n1,2\n", SchemaError, r"Received no 'c' \(nearest: none\)"),
        ("N,X,income_class\n1,2,3\n", SchemaError, "Received none of them, but: 'N'"),
        ("n;x;c\n1;2;a\n", SchemaError, "a semicolon: is that the separator"),
        ("n,x,c,c\n1,2,a,b\n", SchemaError, "more than once: 'c'"),
        ("n,x,c\n1;2;a\n3;4;b\n", SourceError, "none of 2 rows could; first, line 2"),
        ("n,x,c\n1,a,a\n2,b,b\n", SchemaError, "'x': expected a number.*'a', 'b'; not one of 2"),
    ],
    ids=["empty", "header", "missing", "none", "semicolon", "double", "all bad", "misfit"],
)
def test_sources_that_cannot_be_used(
    root: Path, content: str, error: type[DataError], message: str
) -> None:
    put(root, "a.csv", content)
    with pytest.raises(error, match=message):
        snapshot(root, CSV)
    assert not list(root.glob("tables/*/demo/*"))


@pytest.mark.parametrize("kind", ["parquet", "second file", "query"])
def test_a_name_that_stands_twice_is_refused_wherever_it_comes_from(root: Path, kind: str) -> None:
    source: dict[str, Any] = {"kind": "file", "uri": "a"}
    if kind == "parquet":
        written = io.BytesIO()
        pq.write_table(pa.table([[1], [2.0], ["a"], ["b"]], names=["n", "x", "c", "c"]), written)
        put(root, "a/1.parquet", written.getvalue())
    elif kind == "second file":
        put(root, "a/1.csv", "n,x,c\n1,2,a\n")
        put(root, "a/2.csv", "n,x,c,c\n1,2,a,b\n")
    else:
        query = "SELECT 1 AS n, 2 AS x, 'a' AS c, 'b' AS c"
        source = {"kind": "sql", "connection": "s", "query": query}
    with pytest.raises(SchemaError, match="more than once: 'c'"):
        snapshot(root, source, connect=lambda _: "sqlite://")
    assert not list(root.glob("tables/*/demo/*"))


def test_the_nearest_name_is_offered(root: Path) -> None:
    put(root, "a.csv", "n,x,Category\n1,2,a\n")
    columns = [{"name": "n", "kind": "integer"}, {"name": "category", "kind": "category"}]
    target = {"column": "category", "task": "classification"}
    with pytest.raises(SchemaError, match=r"'category' \(nearest: 'Category'\)"):
        snapshot(root, CSV, columns=columns, target=target)


def test_column_order_and_extra_columns_do_not_matter(root: Path) -> None:
    put(root, "a.csv", "n,x,c\n1,2,a\n")
    put(root, "b.csv", "extra,c,x,n\n9,a,2,1\n")
    one, other = snapshot(root, CSV), snapshot(root, {"kind": "file", "uri": "b.csv"})
    assert one.raw.key == other.raw.key
    assert other.dropped_columns == ("extra",)


@pytest.mark.parametrize(
    "name", ["<img src=x onerror=alert(1)>", "=cmd|' /C calc'!A0", "y" * 10_000, ""]
)
def test_hostile_column_names_are_dropped_or_quoted(root: Path, name: str) -> None:
    put(root, "a.csv", f"n,x,c,{name},{name}2\n1,2,a,b,c\n")
    dropped = snapshot(root, CSV).dropped_columns
    assert len(dropped) == 2
    assert all(0 < len(one) < 120 for one in dropped)
    put(root, "b.csv", f"{name},n\n1,2\n")
    with pytest.raises(SchemaError) as caught:
        snapshot(root, {"kind": "file", "uri": "b.csv"})
    assert len(str(caught.value)) < 700


def test_a_hostile_name_of_the_contract_is_stored(root: Path) -> None:
    name = '<img src="x">'
    quoted = name.replace('"', '""')
    put(root, "a.csv", f'n,"{quoted}",c\n1,2,a\n')
    columns = [{"name": "n", "kind": "integer"}, {"name": name, "kind": "number"}, PRIVATE[2]]
    assert read_frame(snapshot(root, CSV, columns=columns).raw)[name].tolist() == [2.0]


def test_files_of_a_directory_come_in_name_order_with_partition_columns(root: Path) -> None:
    put(root, "t/c=b/1.csv", "n,x\n3,0\n")
    put(root, "t/c=a/2.csv", "x,n\n0,2\n")
    put(root, "t/c=a/1.csv", "n,x\n1,0\n")
    put(root, "t/_SUCCESS", "")
    put(root, "t/.hidden.csv", "n,x\n9,9\n")
    frame = read_frame(snapshot(root, {"kind": "file", "uri": "t"}).raw)
    assert frame["n"].tolist() == [1, 2, 3]
    assert frame["c"].tolist() == ["a", "a", "b"]
    assert frame["row_id"].tolist() == [0, 1, 2]


def test_a_file_that_lacks_a_column_is_named(root: Path) -> None:
    put(root, "t/1.csv", "n,x,c\n1,0,a\n")
    put(root, "t/2.csv", "n,x\n1,0\n")
    with pytest.raises(SchemaError, match=r"'2.csv' without \[\"'c'\"\]"):
        snapshot(root, {"kind": "file", "uri": "t"})


def test_given_test_rows_are_a_part(root: Path) -> None:
    put(root, "t/train.csv", "1, 2.5, a\n2,3,b\n\n")
    put(root, "t/test.csv", "3,4,a.\n")
    source = {
        "kind": "file",
        "uri": "t/train.csv",
        "test_uri": "test.csv",
        "header": False,
        "strip_suffix": ".",
    }
    frame = read_frame(snapshot(root, source).raw)
    assert frame["part"].tolist() == ["train", "train", "test"]
    assert frame["row_id"].tolist() == [0, 1, 2]
    assert frame["c"].tolist() == ["a", "b", "a"]


def test_a_row_limit_stops_and_leaves_some_test_rows(root: Path) -> None:
    rows = "".join(f"{number},0,a\n" for number in range(100))
    put(root, "a.csv", "n,x,c\n" + rows)
    assert snapshot(root, CSV, row_limit=7).raw.rows == 7
    source = {**CSV, "test_uri": "a.csv"}
    parts = read_frame(snapshot(root, source, row_limit=10).raw)["part"].tolist()
    assert parts == ["train"] * 8 + ["test"] * 2


def test_private_values_are_nowhere(root: Path) -> None:
    columns = [
        {"name": "mail", "kind": "text", "private": "mask"},
        {"name": "n", "kind": "integer", "private": "hash"},
        {"name": "gone", "kind": "text", "private": "drop"},
        {"name": "x", "kind": "number"},
        {"name": "c", "kind": "category"},
    ]
    put(
        root,
        "a.csv",
        "mail,n,gone,x,c\nCanary7@x.org,1,Canary,1,a\nCanary8@x.org,Canary,Canary,y,b\nCanary,5\n",
    )
    record = snapshot(root, CSV, columns=columns, hash_key="secret")
    frame = read_frame(record.raw)
    assert frame["mail"].tolist() == ["xxxxxx0@x.xxx"]
    assert frame["n"].str.fullmatch("[0-9a-f]{32}").all()
    assert "gone" not in frame
    assert record.rejected is not None
    rejected = read_frame(record.rejected)
    assert rejected["row"].tolist() == ["", "", ""]
    assert "expected a number, received a text of 1 character" in rejected["reason"].tolist()
    stored = b"".join(path.read_bytes() for path in root.glob("tables/**/*") if path.is_file())
    text = frame.to_csv() + rejected.to_csv() + str(read_manifest(record.raw))
    assert b"Canary" not in stored
    assert "Canary" not in text


def test_a_private_column_that_never_casts_shows_nothing(root: Path) -> None:
    put(root, "a.csv", "n,x,c\nCanary,2,a\n")
    with pytest.raises(SchemaError, match="values that are private") as caught:
        snapshot(root, CSV, columns=PRIVATE, hash_key="secret")
    assert "Canary" not in str(caught.value)


def test_hashing_needs_a_key(root: Path) -> None:
    put(root, "a.csv", "n,x,c\n1,2,a\n")
    with pytest.raises(GatehouseError, match="GATEHOUSE_HASH_KEY"):
        snapshot(root, CSV, columns=PRIVATE)


def test_the_same_value_hashes_alike_from_every_source(root: Path) -> None:
    put(root, "a.csv", "n,x,c\n7.0,2,a\n")
    buffer = io.BytesIO()
    pd.DataFrame({"n": [7], "x": [2.0], "c": ["a"]}).to_parquet(buffer)
    put(root, "b.parquet", buffer.getvalue())
    keys = {
        snapshot(root, {"kind": "file", "uri": uri}, columns=PRIVATE, hash_key="k").raw.key
        for uri in ("a.csv", "b.parquet")
    }
    assert len(keys) == 1


def test_a_union_stacks_and_counts(root: Path) -> None:
    put(root, "a.csv", "n,x,c\n1,2,a\n2,2,b\n")
    put(root, "b.csv", "c,n,x\nz,3,4\n")
    source = {"kind": "union", "sources": [CSV, {"kind": "file", "uri": "b.csv"}]}
    record = snapshot(root, source)
    assert read_frame(record.raw)["n"].tolist() == [1, 2, 3]
    assert record.notes == ("union: a.csv (2 rows) + b.csv (1 rows) = 3 rows",)
    assert snapshot(root, source).notes == record.notes
    assert snapshot(root, source, row_limit=2).raw.rows == 2


@pytest.mark.parametrize("uri", ["missing.csv", "*.nothing", "a.xlsx"])
def test_a_source_that_is_not_there_is_named(root: Path, uri: str) -> None:
    put(root, "b.csv", "n,x,c\n1,2,a\n")
    put(root, "a.xlsx", "x")
    with pytest.raises(SourceError, match="Received"):
        snapshot(root, {"kind": "file", "uri": uri})


def test_a_remote_root_works(frame: pd.DataFrame) -> None:
    import fsspec

    memory = fsspec.filesystem("memory")
    memory.pipe("/gatehouse-root/sources/a.csv", frame.to_csv(index=False).encode())
    record = snapshot("memory://gatehouse-root", CSV)  # type: ignore[arg-type]
    assert record.raw.uri.startswith("memory://")
    assert record.raw.rows == 100
    assert snapshot("memory://gatehouse-root", CSV).raw.is_reused  # type: ignore[arg-type]
