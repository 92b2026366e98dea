"""The table of the data plane's benchmark: 15 normal floats, a letter, a flag, an id."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq

PART_ROWS = 250_000
FLOATS = [f"x{number}" for number in range(15)]


def write_table(folder: Path, rows: int) -> None:
    """Write the table as Parquet parts."""
    folder.mkdir(parents=True)
    for part, start in enumerate(range(0, rows, PART_ROWS)):
        count = min(PART_ROWS, rows - start)
        random = np.random.default_rng(part)
        columns = {name: random.standard_normal(count, dtype=np.float32) for name in FLOATS}
        noise = random.standard_normal(count, dtype=np.float32)
        table = pa.table(
            {
                **columns,
                "letter": random.choice(list("abcdefgh"), count),
                "flag": (columns["x0"] + noise > 0).astype("int64"),
                "id": np.arange(start, start + count),
            }
        )
        pq.write_table(table, folder / f"part-{part:05d}.parquet")


def write_csv(folder: Path, file: Path) -> None:
    """Write the table of a folder as one CSV file, quoted where it must be."""
    options = pa_csv.WriteOptions(quoting_style="needed")
    pa_csv.write_csv(pq.read_table(folder), file, options)
