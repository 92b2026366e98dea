"""Test rows of the last prepared features, found by the number or id that a report tells."""

import pandas as pd

from include.errors import ParamError
from include.settings import Settings
from include.specs import PipelineSpec
from include.specs.names import ROW_ID
from include.tables.layout import pipeline_path
from include.tables.store import TableStore, read_frame


def find_test_row(settings: Settings, spec: PipelineSpec, key: str) -> tuple[pd.DataFrame, str]:
    """Find a test row by its `row_id`, or by a column of kind id.

    Args:
        settings: Where tables are.
        spec: The pipeline.
        key: The number, or the id.

    Returns:
        The row as it is stored, and its true target as text.

    Raises:
        ParamError: There is no table of features, or no such row among its test rows.
    """
    store = TableStore(settings.data)
    place = pipeline_path(store.root, "features", spec.name)
    directories = (
        sorted(
            (each for each in place.iterdir() if not each.name.startswith((".", "_"))),
            key=lambda each: float(each.stat().st_mtime),
            reverse=True,
        )
        if place.exists()
        else []
    )
    tables = (store.find("features", spec.name, each.name) for each in directories)
    features = next((table for table in tables if table is not None), None)
    if features is None:
        raise ParamError(
            f"{spec.name} must have been prepared here. Received: no table of features. "
            f"Train it: make run PIPELINE={spec.name}"
        )
    rows = read_frame(features, part="test_rows")
    ids = [column.name for column in spec.stored_columns if column.kind == "id"]
    for name in (ROW_ID, *ids):
        found = rows[rows[name].astype(str) == key] if name in rows else rows[:0]
        if len(found):
            first = found.head(1)
            return first, str(first[spec.target.column].iloc[0])
    raise ParamError(
        f"--key must be the row_id or id of a test row of {spec.name}. Received: {key!r}. "
        "The report names some; explain other rows by --row."
    )
