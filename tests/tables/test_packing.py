from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from include.tables.store import TableStore, iter_batches, parquet_files, read_manifest, read_table


def _make_rows() -> pa.Table:
    images = pa.array([[1, 2, 3], None, [4, 5, 6], [7, 8, 9]], pa.list_(pa.uint8(), 3))
    dense = pa.FixedSizeListArray.from_arrays(pa.array(np.arange(8, dtype=np.float32)), 2)
    return pa.table({"image": images, "dense": dense, "y": [0, 1, None, 1]})


@pytest.mark.parametrize("packs_arrays", [True, False], ids=["packed", "lists"])
def test_packed_arrays_are_read_as_the_lists_they_were(tmp_path: Path, packs_arrays: bool) -> None:
    rows = _make_rows() if packs_arrays else _make_rows().drop_columns("image")
    store = TableStore(str(tmp_path))
    with store.write("features", "demo", None, made_from={}, packs_arrays=packs_arrays) as writer:
        writer.append(rows)
        writer.append(rows.slice(1, 2))
    expected = pa.concat_tables([rows, rows.slice(1, 2)])
    assert read_table(writer.ref).to_pylist() == expected.to_pylist()
    batches = iter_batches(writer.ref, ["dense", "y"], batch_rows=4)
    assert [len(batch) for batch in batches] == [4, 2]
    kind = pq.read_schema(parquet_files(writer.ref)[0]).field("dense").type
    assert pa.types.is_fixed_size_binary(kind) == packs_arrays


def test_packing_changes_neither_types_nor_the_digest_of_a_table(tmp_path: Path) -> None:
    store, told = TableStore(str(tmp_path)), []
    for key, packs_arrays in (("packed" * 3, True), ("listed" * 3, False)):
        with store.write("features", "demo", key, made_from={}, packs_arrays=packs_arrays) as file:
            file.append(_make_rows())
        manifest = read_manifest(file.ref)
        told.append({name: manifest[name] for name in ("content", "schema", "nulls", "rows")})
    assert told[0] == told[1]
