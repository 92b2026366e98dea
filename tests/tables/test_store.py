from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from include.errors import DataError, SchemaError
from include.tables.leftovers import name_temporary
from include.tables.store import (
    TableStore,
    iter_frames,
    parquet_files,
    read_file,
    read_frame,
    read_manifest,
    read_table,
)

KEY = "0123456789abcdef"


@pytest.fixture
def store(tmp_path: Path) -> TableStore:
    return TableStore(str(tmp_path))


@pytest.fixture
def frame() -> pd.DataFrame:
    images = pa.FixedSizeListArray.from_arrays(pa.array(np.arange(12, dtype="uint8")), 4)
    return pd.DataFrame(
        {
            "i": pd.array([1, None, 3], dtype="Int64"),
            "whole": pd.array([1, 2, 3], dtype="int64"),
            "t": pd.Series(["a", None, "c"], dtype="str"),
            "x": [1.0, 2.0, np.nan],
            "d": pd.to_datetime(["2024-01-01"] * 3, utc=True).astype("datetime64[us, UTC]"),
            "b": pd.array([True, None, False], dtype="boolean"),
            "image": pd.array(images, dtype=pd.ArrowDtype(images.type)),
        }
    )


def test_a_frame_comes_back_with_the_same_types(store: TableStore, frame: pd.DataFrame) -> None:
    with store.write("raw", "demo", KEY, made_from={"step": "test"}) as writer:
        writer.append(frame)
    pd.testing.assert_frame_equal(read_frame(writer.ref), frame)
    assert writer.ref.rows == 3
    assert writer.ref.columns == 7
    assert writer.ref.size_bytes > 0
    assert read_manifest(writer.ref)["made_from"] == {"step": "test"}


def test_dtypes_are_the_same_in_every_batch(store: TableStore, frame: pd.DataFrame) -> None:
    with store.write("raw", "demo", KEY, made_from={}) as writer:
        writer.append(frame)
    batches = list(iter_frames(writer.ref, ["i", "b", "whole"], batch_rows=1))
    assert [len(batch) for batch in batches] == [1, 1, 1]
    assert {str(batch["i"].dtype) for batch in batches} == {"Int64"}
    assert {str(batch["b"].dtype) for batch in batches} == {"boolean"}
    assert {str(batch["whole"].dtype) for batch in batches} == {"int64"}


def test_columns_come_in_the_order_asked_for(store: TableStore, frame: pd.DataFrame) -> None:
    with store.write("raw", "demo", KEY, made_from={}) as writer:
        writer.append(frame)
    assert read_table(writer.ref, ["x", "i"]).column_names == ["x", "i"]
    assert list(next(iter_frames(writer.ref, ["x", "i"])).columns) == ["x", "i"]


def test_parts_may_differ_in_columns(store: TableStore) -> None:
    with store.write("features", "demo", KEY, made_from={}) as writer:
        writer.append(pd.DataFrame({"y": [1, 2]}), part="train")
        writer.append(pd.DataFrame({"y": [3], "z": ["a"]}), part="test")
        writer.add_file("schema.json", b"{}")
    assert writer.ref.parts == {"train": 2, "test": 1}
    assert read_frame(writer.ref, part="test")["z"].tolist() == ["a"]
    assert read_file(writer.ref, "schema.json") == b"{}"
    assert len(parquet_files(writer.ref)) == 2
    with pytest.raises(DataError, match=r"one of the parts \['test', 'train'\]"):
        read_table(writer.ref, part="validation")


def test_an_existing_key_is_found_and_marked_as_reused(store: TableStore) -> None:
    assert store.find("raw", "demo", KEY) is None
    with store.write("raw", "demo", KEY, made_from={}) as writer:
        writer.append(pd.DataFrame({"x": [1]}))
    found = store.find("raw", "demo", KEY)
    assert found == writer.ref.model_copy(update={"is_reused": True})


def write_half(store: TableStore) -> None:
    """Fail while a table is being written."""
    with store.write("raw", "demo", KEY, made_from={}) as writer:
        writer.append(pd.DataFrame({"x": [1]}))
        raise ZeroDivisionError("half way")


def test_an_exception_leaves_nothing(store: TableStore, tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError, match="half way"):
        write_half(store)
    assert list((tmp_path / "tables" / "raw" / "demo").iterdir()) == []
    assert store.find("raw", "demo", KEY) is None


def test_without_a_key_the_rows_are_the_key_however_they_are_cut(store: TableStore) -> None:
    frame = pd.DataFrame({"x": np.arange(100.0), "t": [str(n) for n in range(100)]})
    with store.write("raw", "demo", None, made_from={}) as whole:
        whole.append(frame)
    with store.write("raw", "demo", None, made_from={}) as cut:
        for start in range(0, 100, 7):
            cut.append(frame[start : start + 7])
    with store.write("raw", "demo", None, made_from={}) as other:
        other.append(frame[::-1])
    assert whole.ref == cut.ref
    assert other.ref.key != whole.ref.key


def test_the_same_rows_again_leave_the_files_alone(store: TableStore) -> None:
    places = []
    for _ in range(2):
        with store.write("raw", "demo", KEY, made_from={}) as writer:
            writer.append(pd.DataFrame({"x": [1, 2]}))
        places.append(Path(parquet_files(writer.ref)[0]).stat().st_ino)
    assert places[0] == places[1]


def test_other_rows_under_a_key_replace_the_table(store: TableStore, tmp_path: Path) -> None:
    for rows in ([1, 2], [3]):
        with store.write("raw", "demo", KEY, made_from={}) as writer:
            writer.append(pd.DataFrame({"x": rows}))
    assert read_frame(writer.ref)["x"].tolist() == [3]
    assert [path.name for path in (tmp_path / "tables" / "raw" / "demo").iterdir()] == [KEY]


@pytest.mark.parametrize("damage", ["truncate", "remove", "manifest"])
def test_a_damaged_table_is_not_reused_and_is_made_again(store: TableStore, damage: str) -> None:
    with store.write("raw", "demo", KEY, made_from={}) as writer:
        writer.append(pd.DataFrame({"x": [1, 2]}))
    file = Path(parquet_files(writer.ref)[0])
    if damage == "truncate":
        file.write_bytes(file.read_bytes()[:-4])
    elif damage == "remove":
        file.unlink()
    else:
        (file.parent / "_manifest.json").write_text("{half")
    assert store.find("raw", "demo", KEY) is None
    with store.write("raw", "demo", KEY, made_from={}) as again:
        again.append(pd.DataFrame({"x": [1, 2]}))
    assert read_frame(again.ref)["x"].tolist() == [1, 2]


def test_what_dead_writers_left_is_removed_and_living_ones_are_not(
    store: TableStore, tmp_path: Path
) -> None:
    parent = tmp_path / "tables" / "raw" / "demo"
    mine = parent / name_temporary()
    host, _, _, _ = mine.name.removeprefix(".tmp-").rsplit("-", 3)
    dead = parent / f".tmp-{host}-1-1-abcd"  # process 1 was not born at second 1
    foreign = parent / ".tmp-elsewhere-5-5-abcd"
    for directory in (mine, dead, foreign):
        directory.mkdir(parents=True)
        (directory / "rows-00000.parquet").write_bytes(b"half")
    with store.write("raw", "demo", KEY, made_from={}) as writer:
        writer.append(pd.DataFrame({"x": [1]}))
    assert mine.exists()
    assert foreign.exists()
    assert not dead.exists()


def test_an_object_store_shows_the_manifest_last() -> None:
    store = TableStore("memory://gatehouse-test")
    with store.write("features", "demo", KEY, made_from={}) as writer:
        writer.append(pd.DataFrame({"x": [1, 2]}), part="train")
        writer.add_file("schema.json", b"{}")
        assert store.find("features", "demo", KEY) is None
    assert writer.ref.uri.startswith("memory://")
    assert store.find("features", "demo", KEY) is not None
    assert read_frame(writer.ref)["x"].tolist() == [1, 2]
    assert read_file(writer.ref, "schema.json") == b"{}"


@pytest.mark.parametrize(
    ("kind", "pipeline", "key"),
    [("other", "demo", KEY), ("raw", "../demo", KEY), ("raw", "demo", "../../etc")],
    ids=["kind", "pipeline", "key"],
)
def test_ids_cannot_lead_outside(store: TableStore, kind: str, pipeline: str, key: str) -> None:
    with pytest.raises(ValueError, match="Received"):
        store.find(kind, pipeline, key)


def test_rows_of_another_shape_are_refused(store: TableStore) -> None:
    with store.write("raw", "demo", KEY, made_from={}) as writer:
        writer.append(pd.DataFrame({"x": [1]}))
        with pytest.raises(SchemaError, match="need the columns"):
            writer.append(pd.DataFrame({"y": [1]}))


def test_a_table_without_rows_keeps_its_columns(store: TableStore) -> None:
    schema = pa.schema([("x", pa.float64())])
    with store.write("quarantine", "demo", KEY, made_from={}, schema=schema) as writer:
        pass
    assert read_table(writer.ref).schema == schema
