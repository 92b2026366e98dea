"""What a user would write instead: `python -m benchmarks.data_plane_scripts SCRIPT SOURCE TARGET`.

The same work as `ingest` and `prepare` on the generated table, in memory, without a contract: read
the files, digest the rows, store them; drop duplicates, split by a hash of the id, fit on the
training rows, scale, one-hot, store. The CSV scripts turn one file into Parquet. Each prints its
seconds, without imports, and its peak megabytes as JSON.
"""

import hashlib
import json
import resource
import sys
import time
from collections.abc import Callable
from pathlib import Path

import duckdb
import numpy as np
import pandas as pd
from sklearn.compose import ColumnTransformer
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from benchmarks.generated_table import FLOATS

SHARES = {"train": (0.0, 0.7), "validation": (0.7, 0.85), "test": (0.85, 1.0)}


def prepare_in_pandas(source: Path, target: Path) -> None:
    """Prepare the table with pandas and scikit-learn."""
    frame = pd.read_parquet(source)
    hashes = pd.util.hash_pandas_object(frame, index=False).to_numpy()
    (target / "digest").write_text(hashlib.sha256(hashes.tobytes()).hexdigest())
    frame.to_parquet(target / "raw.parquet", index=False)
    frame = frame.drop_duplicates()
    place = pd.util.hash_pandas_object(frame["id"], index=False) / 2.0**64
    transformer = ColumnTransformer(
        [
            ("numbers", StandardScaler(), FLOATS),
            ("letters", OneHotEncoder(sparse_output=False), ["letter"]),
        ]
    )
    transformer.fit(frame[place < SHARES["train"][1]])
    for part, (low, high) in SHARES.items():
        rows = frame[(place >= low) & (place < high)]
        names = transformer.get_feature_names_out()
        features = pd.DataFrame(transformer.transform(rows).astype(np.float32), columns=names)
        features["y"] = rows["flag"].to_numpy()
        features.to_parquet(target / f"{part}.parquet", index=False)


def prepare_in_duckdb(source: Path, target: Path) -> None:
    """Prepare the table with DuckDB."""
    columns = [*FLOATS, "letter", "flag", "id"]
    with duckdb.connect() as duck:
        duck.execute(f"CREATE TABLE raw AS FROM read_parquet('{source}/*.parquet')")
        ((digest,),) = duck.execute(f"SELECT sum(hash({', '.join(columns)})) FROM raw").fetchall()
        (target / "digest").write_text(str(digest))
        duck.execute(f"COPY raw TO '{target}/raw.parquet' (COMPRESSION zstd)")
        duck.execute("CREATE TABLE rows AS SELECT DISTINCT *, hash(id) / 2.0**64 AS place FROM raw")
        duck.execute(f"CREATE VIEW train AS FROM rows WHERE place < {SHARES['train'][1]}")
        moments = ", ".join(f"avg({name}), stddev_pop({name})" for name in FLOATS)
        (fitted,) = duck.execute(f"SELECT {moments} FROM train").fetchall()
        letters = duck.execute("SELECT DISTINCT letter FROM train ORDER BY 1").fetchall()
        numbers = ", ".join(
            f"(({name} - {fitted[2 * n]}) / {fitted[2 * n + 1]})::FLOAT AS {name}"
            for n, name in enumerate(FLOATS)
        )
        one_hot = ", ".join(f"(letter = '{one}')::INT::FLOAT AS letter_{one}" for (one,) in letters)
        for part, (low, high) in SHARES.items():
            duck.execute(
                f"COPY (SELECT {numbers}, {one_hot}, flag AS y FROM rows WHERE place >= {low} "
                f"AND place < {high}) TO '{target}/{part}.parquet' (COMPRESSION zstd)"
            )


def convert_in_pandas(source: Path, target: Path) -> None:
    """Turn one CSV file into Parquet with pandas."""
    pd.read_csv(source).to_parquet(target / "raw.parquet", index=False)


def convert_in_duckdb(source: Path, target: Path) -> None:
    """Turn one CSV file into Parquet with DuckDB."""
    with duckdb.connect() as duck:
        duck.execute(
            f"COPY (FROM read_csv('{source}')) TO '{target}/raw.parquet' (COMPRESSION zstd)"
        )


SCRIPTS: dict[str, Callable[[Path, Path], None]] = {
    "pandas": prepare_in_pandas,
    "duckdb": prepare_in_duckdb,
    "csv_pandas": convert_in_pandas,
    "csv_duckdb": convert_in_duckdb,
}


def main(script: str, source: str, target: str) -> None:
    """Run one script and print its figures."""
    Path(target).mkdir(parents=True, exist_ok=True)
    started, cpu = time.perf_counter(), time.process_time()
    SCRIPTS[script](Path(source), Path(target))
    seconds, cpu_seconds = time.perf_counter() - started, time.process_time() - cpu
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    figures = [seconds, peak, cpu_seconds]
    sys.stdout.write("\n" + json.dumps(figures) + "\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
