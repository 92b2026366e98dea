"""What a logged model asks for and gives, in MLflow's terms, with rows that show it.

MLflow checks every call against the signature before the model sees it, and some of its checks
harm good rows: a missing boolean in JSON becomes false, a missing text becomes "None", times
with a zone, nullable integers and images of whole numbers are refused. Columns of these sorts
are declared `any`; the model itself reads them by the column contract and says what is wrong.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd

from include.records import FeatureSchema, RawColumn

if TYPE_CHECKING:
    from mlflow.models import ModelSignature
    from mlflow.types import ColSpec

PREDICTION: Final = "prediction"
PROBABILITY: Final = "probability_"
EXAMPLE_ROWS: Final = 5
HIDDEN: Final = "hidden"
TYPES: Final = {
    "integer": "long",
    "boolean": "boolean",
    "category": "string",
    "text": "string",
    "id": "string",
}


def build_signature(columns: Sequence[RawColumn], schema: FeatureSchema) -> "ModelSignature":
    """Build the column signature of a scoring model.

    A column whose values may be missing is optional as a column too.

    Args:
        columns: What the model asks for.
        schema: What it predicts.
    """
    from mlflow.models import ModelSignature
    from mlflow.types import ColSpec, Schema

    names = output_columns(schema)
    kinds = ["string" if schema.task == "classification" else "double", *["double"] * len(names)]
    outputs = [ColSpec(kind, name) for kind, name in zip(kinds, names, strict=False)]
    return ModelSignature(Schema([_input(column) for column in columns]), Schema(outputs))


def output_columns(schema: FeatureSchema) -> tuple[str, ...]:
    """Name the columns of a prediction.

    Example:
        >>> output_columns(FeatureSchema(
        ...     inputs=(), task="classification", target="ok", classes=("no", "yes")
        ... ))
        ('prediction', 'probability_no', 'probability_yes')
    """
    return (PREDICTION, *(f"{PROBABILITY}{name}" for name in schema.classes))


def example_rows(columns: Sequence[RawColumn], frame: pd.DataFrame) -> pd.DataFrame:
    """Write the first rows as a caller would send them; private values are hidden.

    Args:
        columns: What the model asks for.
        frame: Rows as they are stored; more columns than asked for do no harm.
    """
    rows = rows_as_sent(columns, frame.head(EXAMPLE_ROWS))
    return rows.assign(**{column.name: HIDDEN for column in columns if column.is_private})


def rows_as_sent(columns: Sequence[RawColumn], frame: pd.DataFrame) -> pd.DataFrame:
    """Write stored rows as a caller would send them: values that JSON and MLflow accept.

    Args:
        columns: What the model asks for.
        frame: Rows as they are stored; more columns than asked for do no harm.
    """
    return pd.DataFrame({column.name: _as_sent(column, frame[column.name]) for column in columns})


def _input(column: RawColumn) -> "ColSpec":
    from mlflow.types import ColSpec
    from mlflow.types.schema import AnyType

    if column.kind == "number":
        return ColSpec("double", column.name, required=not column.is_nullable)
    if column.is_nullable or column.kind not in TYPES:
        return ColSpec(AnyType(), column.name, required=not column.is_nullable)
    return ColSpec(TYPES[column.kind], column.name)


def _as_sent(column: RawColumn, series: pd.Series) -> pd.Series:
    if column.kind == "tensor":
        rows = [np.asarray(value).reshape(column.shape).tolist() for value in series]
        return pd.Series(rows, dtype=object)
    if column.kind == "number":
        return series.astype("float64").reset_index(drop=True)
    if column.kind in {"integer", "boolean"} and not series.isna().any():
        return series.astype("int64" if column.kind == "integer" else "bool").reset_index(drop=True)
    return pd.Series([_as_json(value) for value in series], dtype=object)


def _as_json(value: Any) -> Any:
    if pd.isna(value):
        return None
    if isinstance(value, pd.Timestamp):
        return value.isoformat()
    return value.item() if isinstance(value, np.generic) else value
