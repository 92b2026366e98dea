"""Builders of small real things, shared by all tests."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from include.records import RunContext
from include.specs import PipelineSpec
from include.values.frames import to_table

BASE_SPEC: dict[str, Any] = {
    "name": "loans",
    "source": {"kind": "file", "uri": "loans.csv"},
    "target": {"column": "repaid", "task": "classification"},
    "columns": [
        {"name": "loan_id", "kind": "id"},
        {"name": "age", "kind": "integer", "min": 18, "max": 100, "nulls": 0.2},
        {"name": "income", "kind": "number", "min": 0, "nulls": 0.2},
        {"name": "married", "kind": "boolean", "nulls": 0.2},
        {"name": "job", "kind": "category", "nulls": 0.2},
        {"name": "opened", "kind": "datetime", "nulls": 0.2},
        {"name": "repaid", "kind": "category", "values": ["no", "yes"]},
    ],
    "model": {"hidden": [4]},
    "training": {"epochs": 2, "batch_size": 32, "early_stopping": None},
    "promotion": {"require": {"accuracy": ">= 0.5"}},
}


def make_spec(**changes: Any) -> PipelineSpec:
    """Build the spec of a small tabular pipeline; keyword arguments replace top-level keys."""
    return PipelineSpec.model_validate({**BASE_SPEC, **changes})


def make_run(**changes: Any) -> RunContext:
    """Build the context of a run that no Airflow started."""
    values = {"pipeline": "loans", "dag_id": "train__loans", "run_id": "manual__1", **changes}
    return RunContext.model_validate(values)


def read_in(frame: pd.DataFrame, batch: int) -> Callable[[Sequence[str]], Iterator[pa.Table]]:
    """Give a function that reads columns of a frame in batches, as they come from a table."""
    rows = to_table(frame, list(frame.columns))

    def read(columns: Sequence[str]) -> Iterator[pa.Table]:
        for start in range(0, len(rows), batch):
            yield rows.slice(start, batch).select(list(columns))

    return read


def repeat_rows(frame: pd.DataFrame, rows: Sequence[int]) -> pd.DataFrame:
    """Append rows of a frame to it once more, and number all of them anew."""
    joined = pd.concat([frame, frame.iloc[list(rows)]], ignore_index=True)
    return joined.assign(row_id=np.arange(len(joined)))


def make_frame(rows: int = 200, seed: int = 0) -> pd.DataFrame:
    """Build rows as the raw table of `make_spec` holds them; income decides `repaid`."""
    random = np.random.default_rng(seed)
    income = random.lognormal(10, 1, rows)
    frame = pd.DataFrame(
        {
            "loan_id": [f"L{number:06d}" for number in range(rows)],
            "age": pd.array(random.integers(18, 90, rows), dtype="Int64"),
            "income": income,
            "married": pd.array(random.random(rows) < 0.5, dtype="boolean"),
            "job": random.choice(["clerk", "nurse", "smith"], rows),
            "opened": pd.Timestamp("2024-01-01", tz="UTC")
            + pd.to_timedelta(random.integers(0, 700, rows), unit="D"),
            "repaid": np.where(income * random.lognormal(0, 0.3, rows) > np.e**10, "yes", "no"),
            "row_id": np.arange(rows, dtype="int64"),
        }
    )
    frame["opened"] = frame["opened"].astype("datetime64[us, UTC]")
    for column in ("age", "income", "married", "job"):
        frame.loc[random.random(rows) < 0.05, column] = None
    return frame
