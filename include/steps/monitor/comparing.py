"""Columns of tables against a model's reference, one column in memory at a time."""

from collections.abc import Iterator, Sequence

import numpy as np
import pandas as pd

from include.monitoring.drift import compare_column, judge_window
from include.monitoring.estimates import estimate_accuracy
from include.monitoring.reference import Reference, view_column
from include.records import ColumnDrift, TableRef
from include.records.names import REFERENCE_DATA
from include.serving.bundle import Bundle, read_bundle
from include.settings import Settings
from include.specs import PipelineSpec
from include.tables.store import read_frame, read_manifest
from include.tracking.bundles import DATA
from include.tracking.registry import fetch_version
from include.tracking.signatures import PREDICTION, PROBABILITY


def read_reference(settings: Settings, name: str, version: str) -> tuple[Bundle, Reference | None]:
    """Read a version's contract and reference; bundles of earlier releases have no reference.

    Raises:
        IntegrityError: Its files are not those that were sealed.
    """
    directory = fetch_version(settings, name, version) / DATA
    place = directory / REFERENCE_DATA
    found = Reference.model_validate_json(place.read_bytes()) if place.is_file() else None
    return read_bundle(directory), found


def compare_tables(
    spec: PipelineSpec,
    bundle: Bundle,
    reference: Reference | None,
    tables: Sequence[TableRef],
    predictions: Sequence[TableRef] = (),
) -> tuple[ColumnDrift, ...]:
    """Compare all columns that the model asks for, then its predictions, with the reference.

    Args:
        spec: The pipeline; its `monitoring` says how sure and how large a shift must be.
        bundle: The model's contract.
        reference: What its test rows looked like.
        tables: The rows of the window.
        predictions: What was predicted for them.
    """
    rules, rows, said_rows = spec.monitoring, _list_columns(tables), _list_columns(predictions)
    known = {} if reference is None else {each.name: each for each in reference.columns}
    found = [
        compare_column(known.get(column.name), column.name, values, min_rows=rules.min_rows)
        for column in bundle.columns
        if column.name not in rules.ignore
        for values in _read_column(rows, column.name, column.kind)
    ]
    for values in _read_column(said_rows, PREDICTION, ""):
        said = None if reference is None else reference.prediction
        found.append(compare_column(said, PREDICTION, values, min_rows=rules.min_rows))
    return judge_window(found, alpha=rules.alpha, min_shift=rules.min_shift)


def estimate_window(
    reference: Reference | None, bundle: Bundle, predictions: Sequence[TableRef], min_rows: int
) -> tuple[float, float, float] | None:
    """Estimate the accuracy on rows whose truth nobody knows; None where nothing says it."""
    names = [f"{PROBABILITY}{each}" for each in bundle.features.classes]
    tables = [table for table in predictions if set(names) <= set(read_manifest(table)["schema"])]
    if reference is None or reference.calibration is None or not names or not tables:
        return None
    sureness = np.concatenate(
        [read_frame(table, names).to_numpy(np.float64).max(axis=1) for table in tables]
    )
    if len(sureness) < min_rows:
        return None
    return estimate_accuracy(sureness, reference.calibration)


def _list_columns(tables: Sequence[TableRef]) -> list[tuple[TableRef, frozenset[str]]]:
    return [(table, frozenset(read_manifest(table)["schema"])) for table in tables]


def _read_column(
    tables: Sequence[tuple[TableRef, frozenset[str]]], name: str, kind: str
) -> "Iterator[pd.Series]":
    having = [table for table, columns in tables if name in columns]
    if having:
        values = [view_column(kind, read_frame(table, [name])[name]) for table in having]
        yield pd.concat(values, ignore_index=True)
