"""Tables as MLflow's data sets: what a run read, by our own digest.

MLflow's built-in digest looks at the first rows only; ours names the whole content.
"""

import json
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from include.records import TableRef

if TYPE_CHECKING:
    from mlflow.entities import DatasetInput

MAX_DIGEST: Final = 36


def describe_table(ref: TableRef, name: str, context: str) -> "DatasetInput":
    """Describe a table as an input of a run.

    Args:
        ref: The table; its key is the digest.
        name: What it is called in MLflow.
        context: What it was used for, e.g. `training`.
    """
    from mlflow.entities import Dataset, DatasetInput, InputTag

    scheme = urlsplit(ref.uri).scheme
    profile = {
        "num_rows": ref.rows,
        "num_columns": ref.columns,
        "size_bytes": ref.size_bytes,
        **{f"rows_{part}": rows for part, rows in ref.parts.items()},
    }
    dataset = Dataset(
        name=name,
        digest=ref.key[:MAX_DIGEST],
        source_type="local" if scheme in {"", "file"} else scheme,
        source=json.dumps({"uri": ref.uri}),
        profile=json.dumps(profile),
    )
    return DatasetInput(dataset=dataset, tags=[InputTag("mlflow.data.context", context)])
