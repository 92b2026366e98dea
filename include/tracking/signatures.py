"""What a logged model asks for and gives, in MLflow's terms, with rows that show it.

MLflow casts every call to the signature before the model sees it, by rules of its own: any text
is a true boolean, a missing text becomes "None", a mark of a missing value is no number, a number
no category, times with a zone and images of whole numbers are refused. So every column is
declared `any`; the model reads it by the column contract, as ingest did, and says what is wrong.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd

from include.records import FeatureSchema
from include.specs import Column
from include.specs.columns import DatetimeColumn, TensorColumn

if TYPE_CHECKING:
    from mlflow.models import ModelSignature

PREDICTION: Final = "prediction"
PROBABILITY: Final = "probability_"
EXAMPLE_ROWS: Final = 5
HIDDEN: Final = "hidden"
WARNING: Final = "warning"


def build_signature(
    columns: Sequence[Column], schema: FeatureSchema, *, may_warn: bool = False
) -> "ModelSignature":
    """Build the column signature of a scoring model.

    A column whose values may be missing is optional as a column too, and so are a time that may
    come in parts and the parts.

    Args:
        columns: The contract of what the model asks for.
        schema: What it predicts.
        may_warn: Whether it gives warnings as well.
    """
    from mlflow.models import ModelSignature
    from mlflow.types import ColSpec, Schema
    from mlflow.types.schema import AnyType

    required = {column.name: not column.nulls for column in columns}
    for column in columns:
        if isinstance(column, DatetimeColumn) and column.from_parts:
            required[column.name] = False
            required = {**dict.fromkeys(column.from_parts, False), **required}
    inputs = [ColSpec(AnyType(), name, required=must) for name, must in required.items()]
    names = output_columns(schema)
    kinds = ["string" if schema.task == "classification" else "double", *["double"] * len(names)]
    outputs = [ColSpec(kind, name) for kind, name in zip(kinds, names, strict=False)]
    warnings = [ColSpec("string", WARNING)] if may_warn else []
    return ModelSignature(Schema(inputs), Schema([*outputs, *warnings]))


def output_columns(schema: FeatureSchema) -> tuple[str, ...]:
    """Name the columns of a prediction.

    Example:
        >>> output_columns(FeatureSchema(
        ...     inputs=(), task="classification", target="ok", classes=("no", "yes")
        ... ))
        ('prediction', 'probability_no', 'probability_yes')
    """
    return (PREDICTION, *(f"{PROBABILITY}{name}" for name in schema.classes))


def example_rows(columns: Sequence[Column], frame: pd.DataFrame) -> pd.DataFrame:
    """Write the first rows as a caller would send them; private values are hidden.

    Args:
        columns: What the model asks for.
        frame: Rows as they are stored; more columns than asked for do no harm.
    """
    rows = rows_as_sent(columns, frame.head(EXAMPLE_ROWS))
    return rows.assign(**{column.name: HIDDEN for column in columns if column.private})


def rows_as_sent(columns: Sequence[Column], frame: pd.DataFrame) -> pd.DataFrame:
    """Write stored rows as a caller would send them: values that JSON and MLflow accept.

    Args:
        columns: What the model asks for.
        frame: Rows as they are stored; more columns than asked for do no harm.
    """
    return pd.DataFrame({column.name: _as_sent(column, frame[column.name]) for column in columns})


def _as_sent(column: Column, series: pd.Series) -> pd.Series:
    if isinstance(column, TensorColumn):
        rows = [np.asarray(value).reshape(column.shape).tolist() for value in series]
        return pd.Series(rows, dtype=object)
    return pd.Series([_as_json(value) for value in series], dtype=object)


def _as_json(value: Any) -> Any:
    if pd.isna(value):
        return None
    if isinstance(value, pd.Timestamp):
        return value.isoformat()
    return value.item() if isinstance(value, np.generic) else value
