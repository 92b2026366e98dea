"""The files of a model bundle: what `ScoringModel` loads, and nothing that is code.

A bundle directory holds `bundle.json` (what it is, what it asks for), `preprocessor.json` (the
fitted preprocessor) and `model.keras` (the network). `trained_rows.bin` tells which rows it learned
from, so that it is never measured on them; `reference_row.npz` holds the row that others are held
against when they are explained.
"""

import json
import shutil
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final, Literal

from pydantic import Field

from include.errors import IntegrityError
from include.features.contract import list_lag_columns
from include.records import FeatureSchema, Record
from include.records.names import REFERENCE_ROW, TRAINED_ROWS
from include.specs import Column, PipelineSpec
from include.specs.columns import IdColumn, NumberColumn
from include.specs.data import ServingSpec
from include.values.reading import Reading, reading_of

MANIFEST: Final = "bundle.json"
PREPROCESSOR: Final = "preprocessor.json"
NETWORK: Final = "model.keras"
FORMAT: Final = 2


class Bundle(Record):
    """What a bundle is: the content of `bundle.json`."""

    format: Literal[2] = FORMAT
    name: str = Field(description="Name of the pipeline.")
    spec_digest: str = Field(description="SHA-256 of the spec it was trained by.")
    columns: tuple[Column, ...] = Field(description="The contract of what it asks of its callers.")
    reading: Reading = Field(description="How texts become values, as they did at ingest.")
    serving: ServingSpec = Field(description="What becomes of rows that break the contract.")
    has_private: bool = Field(description="Whether any column of the spec is personal data.")
    features: FeatureSchema = Field(description="What the network takes in and gives out.")

    @property
    def may_warn(self) -> bool:
        """Whether answers have a column of warnings."""
        return self.serving.broken_rows == "warn" or not all(map(is_strict, self.columns))


def write_bundle(
    directory: Path,
    *,
    spec: PipelineSpec,
    preprocessor: bytes,
    network: Path,
    trained_rows: bytes | None = None,
    reference_row: bytes | None = None,
) -> Bundle:
    """Write a bundle directory.

    Args:
        directory: Where; it is created.
        spec: The pipeline.
        preprocessor: The fitted preprocessor as JSON.
        network: The `.keras` file.
        trained_rows: The filter of the rows that it learned from.
        reference_row: What rows are held against when they are explained.
    """
    from include.features.preprocessor import Preprocessor

    fitted = Preprocessor.model_validate_json(preprocessor)
    directory.mkdir(parents=True, exist_ok=True)
    bundle = Bundle(
        name=spec.name,
        spec_digest=spec.digest,
        columns=describe_columns(spec, fitted.columns),
        reading=reading_of(spec.source),
        serving=spec.serving,
        has_private=any(column.private for column in spec.columns),
        features=fitted.schema,
    )
    (directory / MANIFEST).write_text(bundle.model_dump_json(indent=1), encoding="utf-8")
    (directory / PREPROCESSOR).write_bytes(preprocessor)
    shutil.copyfile(network, directory / NETWORK)
    for name, content in ((TRAINED_ROWS, trained_rows), (REFERENCE_ROW, reference_row)):
        if content is not None:
            (directory / name).write_bytes(content)
    return bundle


def read_bundle(directory: Path) -> Bundle:
    """Read what a bundle says of itself; one of format 1 has the reading of no source.

    Raises:
        IntegrityError: `bundle.json` is missing, or of a format that this version cannot read.
    """
    try:
        content = json.loads((directory / MANIFEST).read_bytes())
        return Bundle.model_validate(_upgrade(content) if content.get("format") == 1 else content)
    except (OSError, ValueError, AttributeError, KeyError, TypeError) as error:
        raise IntegrityError(
            f"a bundle must hold a {MANIFEST} of format {FORMAT}, or 1. Received: "
            f"{type(error).__name__}: {str(error)[:300]}. Train the model again with this version."
        ) from error


def describe_columns(spec: PipelineSpec, names: Iterable[str]) -> tuple[Column, ...]:
    """Give the contract of the columns that a model asks for; one made by cleaning is a number.

    A private column is asked for as it is stored: as the text of its hash.
    """
    lags = set(list_lag_columns(spec))
    return tuple(
        NumberColumn(name=name, kind="number", nulls=1.0)
        if name in lags
        else _as_stored(spec.column_by_name[name])
        for name in names
    )


def is_strict(column: Column) -> bool:
    """Tell whether ingest and gate keep rows out that break this column's contract."""
    return column.severity == "critical" or column.quarantine


def _as_stored(column: Column) -> Column:
    if column.private is None:
        return column
    shared = column.model_dump(include={"name", "nulls", "severity", "quarantine", "private"})
    return IdColumn(kind="id", **shared)


def _upgrade(content: dict[str, Any]) -> dict[str, Any]:
    """Turn the content of format 1, which knew names, kinds and shapes only, into this one."""
    columns = [
        {
            "name": column["name"],
            "kind": "id" if column.get("is_private") else column["kind"],
            "nulls": float(column.get("is_nullable", False)),
            **({"private": "hash"} if column.get("is_private") else {}),
            **({"shape": column["shape"]} if column.get("shape") else {}),
        }
        for column in content["columns"]
    ]
    return {
        **content,
        "format": FORMAT,
        "columns": columns,
        "reading": Reading(),
        "serving": {},
        "has_private": any(column.get("is_private") for column in content["columns"]),
    }
