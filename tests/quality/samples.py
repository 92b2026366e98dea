"""Dirty tables, and what both engines say of them."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from include.quality.checker import TableChecker
from include.quality.pandas_engine import check_frame
from include.quality.results import RuleResult
from include.quality.rules import Rule, derived_columns
from include.quality.sql_engine import open_sql_engine
from include.specs import PipelineSpec
from tests.builders import make_frame

SCHEMA = pa.schema(
    [
        ("loan_id", pa.string()),
        ("age", pa.int64()),
        ("income", pa.float64()),
        ("married", pa.bool_()),
        ("job", pa.string()),
        ("opened", pa.timestamp("us", "UTC")),
        ("repaid", pa.string()),
        ("row_id", pa.int64()),
    ]
)


def to_table(frame: pd.DataFrame) -> pa.Table:
    """Convert a frame of `make_frame` to the types at rest."""
    plain = frame.assign(opened=frame["opened"].dt.tz_convert(None))
    columns = {name: pa.array(plain[name], from_pandas=True) for name in plain}
    return pa.table(
        {
            field.name: columns[field.name].cast(
                pa.timestamp("us") if field.name == "opened" else field.type
            )
            for field in SCHEMA
            if field.name in columns
        }
    ).cast(pa.schema([field for field in SCHEMA if field.name in columns]))


def write_files(directory: Path, table: pa.Table, *, count: int = 2) -> list[str]:
    """Write a table as Parquet files."""
    size = max(1, -(-len(table) // count))
    places = [directory / f"rows-{number:05d}.parquet" for number in range(count)]
    for number, place in enumerate(places):
        pq.write_table(table.slice(number * size, size), place)
    return [str(place) for place in places]


def spoil(*changes: tuple[str, Sequence[int], Any], rows: int = 120) -> pd.DataFrame:
    """Build sound rows, then write a value, or a list of them, into rows of a column."""
    frame = make_frame(rows)
    for column, places, value in changes:
        frame.loc[list(places), column] = value
    return frame


def check_in_both(
    spec: PipelineSpec, rules: list[Rule], table: pa.Table, directory: Path
) -> tuple[list[RuleResult], list[RuleResult]]:
    """Check rules on a table in SQL and in pandas."""
    files = write_files(directory, table)
    with open_sql_engine() as sql:
        checker = TableChecker(sql, files, table.schema, derived_columns(spec))
        names = [name for name in checker.columns if not name.startswith("gate")]
        frame = checker.read_frame(names)
        return sql.check(rules), check_frame(frame, rules)


ALL = range(120)
DIRTY: dict[str, pd.DataFrame] = {
    "sound": make_frame(120),
    "out of range": spoil(("age", range(3, 9), 7)),
    "infinite": spoil(("income", [1, 5], [np.inf, -np.inf])),
    "repeated ids": spoil(("loan_id", range(10, 12), "L000000")),
    "missing ids": spoil(("loan_id", range(10, 12), None)),
    "unknown class": spoil(("repaid", [4], "perhaps")),
    "missing target": spoil(("repaid", [4, 5], None)),
    "one class": spoil(("repaid", ALL, "no")),
    "all missing": spoil(("job", ALL, None), ("income", ALL, None), ("age", ALL, None)),
    "constant": spoil(("income", ALL, 1.5), ("job", ALL, "nurse")),
    "one row": make_frame(1),
    "empty": make_frame(3).iloc[:0],
    "odd texts": spoil(("job", range(4), ["", " nurse", "NURSE", "\u65e5\n'\"%:"])),
    "old times": spoil(("opened", range(4), pd.Timestamp("1890-01-01", tz="UTC"))),
}
