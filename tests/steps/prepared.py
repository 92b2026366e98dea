"""Features as `prepare` leaves them, of the small rows that all tests share."""

import pandas as pd

from include.records import PrepareRecord, RunContext, ValidateRecord
from include.settings import load_settings
from include.specs import PipelineSpec
from include.steps.prepare import prepare
from include.tables.store import TableStore
from tests.builders import make_frame


def prepare_rows(
    spec: PipelineSpec, run: RunContext, frame: pd.DataFrame | None = None
) -> PrepareRecord:
    """Store rows as a checked table and prepare them."""
    store = TableStore(load_settings().data)
    with store.write("checked", spec.name, None, made_from={}) as writer:
        writer.append(make_frame(300) if frame is None else frame)
    checked = ValidateRecord(checked=writer.ref, report_uri="", rules=0, warnings=0, quarantined=0)
    return prepare(spec, run, checked)
