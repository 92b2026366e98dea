"""The first rows of a file as they are written: what a caller of the model would send."""

from pathlib import Path

import pandas as pd
import pyarrow as pa

from include.errors import SchemaError
from include.settings import Settings
from include.sources.composed_times import names_in_source
from include.sources.opening import find_source, open_source
from include.specs import PipelineSpec
from include.steps.ingest import build_reading_plan, connection_from_environment
from include.values.frames import to_frame


def read_raw_file(
    spec: PipelineSpec, settings: Settings, file: Path, *, max_rows: int
) -> pd.DataFrame:
    """Read the first rows of a file by the options of the pipeline's own; every cell stays.

    Args:
        spec: The pipeline; how its own file is read holds for this one, too.
        settings: Where things are.
        file: A local file.
        max_rows: Most rows; those beyond are not read.

    Raises:
        SourceError: It is missing, empty or unreadable.
        SchemaError: A line among them is no row.
    """
    plan = build_reading_plan(spec, settings, connection_from_environment)
    opened = open_source(
        find_source(spec.read_file(str(file.resolve())), plan.places),
        names_in_source(plan.contract),
        places=plan.places,
        row_limit=max_rows,
        has_private=plan.has_private,
    )
    batches = list(opened.read(opened.columns))
    for reject in (one for batch in batches for one in batch.rejects):
        raise SchemaError(
            f"expected rows in {file.name}. Received: line {reject.line}: {reject.reason}. "
            "Correct or remove it."
        )
    return to_frame(pa.concat_tables([one.rows for one in batches], promote_options="permissive"))
