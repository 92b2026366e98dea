"""The rows in the order in which the pipeline fills and looks back.

A table that lies in order is read as it is. One that does not is sorted by DuckDB, which spills
what does not fit, so memory stays bounded; rows of the same moment keep the order of the table,
and those without one come last.
"""

from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from include.analysis.scan import Batches
from include.specs import PipelineSpec
from include.specs.names import ROW_ID
from include.values.duck import open_duckdb, parquet_scan, quote_name

BATCH_ROWS: Final = 65_536
MEMORY_MB: Final = 512


def order_batches(spec: PipelineSpec, batches: Batches) -> Batches:
    """Give a table's frames in the order of `cleaning.order_by`, if it names one.

    Args:
        spec: Names the column that orders the rows.
        batches: Gives the table's frames from the start, in its order.
    """
    column = spec.cleaning.order_by
    if column is None or column == ROW_ID or _is_in_order(batches, column):
        return batches
    return lambda: _sort(batches, column)


def _is_in_order(batches: Batches, column: str) -> bool:
    last = None
    for frame in batches():
        values = frame[column]
        if values.empty:
            continue
        is_before = last is not None and bool(values.iloc[0] < last)
        if values.isna().any() or is_before or not values.is_monotonic_increasing:
            return False
        last = values.iloc[-1]
    return True


def _sort(batches: Batches, column: str) -> Iterator[pd.DataFrame]:
    with TemporaryDirectory(prefix="gatehouse-order-") as directory:
        place = Path(directory) / "rows.parquet"
        frames = iter(batches())
        first = next(frames)
        schema = _to_rows(first).schema
        with pq.ParquetWriter(place, schema) as writer:
            for frame in chain([first], frames):
                writer.write_table(_to_rows(frame).cast(schema))
        for rows in _read_sorted(place, column):
            # The schema remembers pandas' types, which DuckDB does not.
            yield _to_frame(rows.cast(schema), first)


def _to_rows(frame: pd.DataFrame) -> pa.Table:
    """Convert a frame; times lose their zone, which Arrow reads in a deprecated way."""
    plain = {name: frame[name].dt.tz_convert(None) for name in _zoned(frame)}
    return pa.Table.from_pandas(frame.assign(**plain), preserve_index=False)


def _to_frame(rows: pa.Table, like: pd.DataFrame) -> pd.DataFrame:
    frame: pd.DataFrame = rows.to_pandas()
    times = {name: frame[name].dt.tz_localize("UTC") for name in _zoned(like)}
    return frame.assign(**times).astype(like.dtypes.to_dict())


def _zoned(frame: pd.DataFrame) -> list[str]:
    return [str(name) for name in frame if isinstance(frame[name].dtype, pd.DatetimeTZDtype)]


def _read_sorted(place: Path, column: str) -> Iterator[pa.Table]:
    with open_duckdb(memory_mb=MEMORY_MB) as duck:
        rows = duck.sql(
            f"SELECT * FROM {parquet_scan([str(place)])} "
            f"ORDER BY {quote_name(column)} NULLS LAST, {ROW_ID}"
        )
        for batch in rows.to_arrow_reader(BATCH_ROWS):
            yield pa.Table.from_batches([batch])
