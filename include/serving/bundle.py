"""The files of a model bundle: what `ScoringModel` loads, and nothing that is code.

A bundle directory holds `bundle.json` (what it is, what it asks for), `preprocessor.json` (the
fitted preprocessor) and `model.keras` (the network).
"""

import hashlib
import shutil
from collections.abc import Iterable
from pathlib import Path
from typing import Final, Literal

from pydantic import Field, ValidationError

from include.errors import IntegrityError
from include.records import FeatureSchema, RawColumn, Record
from include.specs import PipelineSpec
from include.specs.columns import TensorColumn

MANIFEST: Final = "bundle.json"
PREPROCESSOR: Final = "preprocessor.json"
NETWORK: Final = "model.keras"


class Bundle(Record):
    """What a bundle is: the content of `bundle.json`."""

    format: Literal[1] = 1
    name: str = Field(description="Name of the pipeline.")
    spec_digest: str = Field(description="SHA-256 of the spec it was trained by.")
    columns: tuple[RawColumn, ...] = Field(description="What it asks of its callers.")
    features: FeatureSchema = Field(description="What the network takes in and gives out.")


def write_bundle(
    directory: Path,
    *,
    spec: PipelineSpec,
    preprocessor: bytes,
    network: Path,
) -> Bundle:
    """Write a bundle directory.

    Args:
        directory: Where; it is created.
        spec: The pipeline.
        preprocessor: The fitted preprocessor as JSON.
        network: The `.keras` file.
    """
    from include.features.preprocessor import Preprocessor

    fitted = Preprocessor.model_validate_json(preprocessor)
    directory.mkdir(parents=True, exist_ok=True)
    bundle = Bundle(
        name=spec.name,
        spec_digest=hashlib.sha256(spec.model_dump_json().encode()).hexdigest(),
        columns=describe_columns(spec, fitted.columns),
        features=fitted.schema,
    )
    (directory / MANIFEST).write_text(bundle.model_dump_json(indent=1), encoding="utf-8")
    (directory / PREPROCESSOR).write_bytes(preprocessor)
    shutil.copyfile(network, directory / NETWORK)
    return bundle


def read_bundle(directory: Path) -> Bundle:
    """Read what a bundle says of itself.

    Raises:
        IntegrityError: `bundle.json` is missing, or of a format that this version cannot read.
    """
    try:
        return Bundle.model_validate_json((directory / MANIFEST).read_bytes())
    except (OSError, ValidationError) as error:
        raise IntegrityError(
            f"a bundle must hold a {MANIFEST} of format 1. Received: {type(error).__name__}: "
            f"{str(error)[:300]}. Train the model again with this version."
        ) from error


def describe_columns(spec: PipelineSpec, names: Iterable[str]) -> tuple[RawColumn, ...]:
    """Describe the columns that a model asks for; one made by cleaning (a lag) is a number."""
    return tuple(_describe(spec, name) for name in names)


def _describe(spec: PipelineSpec, name: str) -> RawColumn:
    column = spec.column_by_name.get(name)
    if column is None or column.kind == "ignore":
        return RawColumn(name=name, kind="number", is_nullable=True)
    return RawColumn(
        name=name,
        # A hashed value is a text, whatever it was before.
        kind="category" if column.private else column.kind,
        is_nullable=column.nulls > 0,
        is_private=column.private is not None,
        shape=column.shape if isinstance(column, TensorColumn) else (),
    )
