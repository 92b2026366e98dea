"""How the rows of a table are laid out in its Parquet files."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from include.tables.part_files import PartWriter

ROWS = 20_000


def write(directory: Path, rows: pa.Table) -> pq.ParquetFile:
    part = PartWriter(directory, "", rows.schema)
    part.write(part.fit(rows))
    part.close()
    return pq.ParquetFile(directory / part.files[0]["name"])


def test_only_columns_that_shrink_are_compressed(tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    noise = random.standard_normal(2 * ROWS, dtype=np.float32)
    rows = pa.table(
        {
            "measured": noise[:ROWS].astype(np.float64),
            "counted": random.integers(0, 100, ROWS),
            "noise": pa.FixedSizeListArray.from_arrays(pa.array(noise), 2),
            "image": pa.FixedSizeListArray.from_arrays(pa.array(np.zeros(2 * ROWS)), 2),
        }
    )
    file = write(tmp_path, rows)
    group = file.metadata.row_group(0)
    columns = [group.column(number) for number in range(group.num_columns)]
    assert {each.path_in_schema: each.compression for each in columns} == {
        "measured": "UNCOMPRESSED",
        "counted": "LZ4",
        "noise.list.element": "UNCOMPRESSED",
        "image.list.element": "LZ4",
    }
    assert file.read().equals(rows)


def test_a_part_without_rows_is_a_file_without_rows(tmp_path: Path) -> None:
    rows = pa.table({"x": pa.array([], pa.float64()), "c": pa.array([], pa.string())})
    assert write(tmp_path, rows).read().equals(rows)
