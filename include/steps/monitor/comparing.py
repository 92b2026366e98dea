"""Columns of tables against a model's reference, one column in memory at a time."""

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import pandas as pd

from include.features.preparation import TEST_ROWS
from include.monitoring.drift import compare_column, judge_window
from include.monitoring.reference import Reference, view_column
from include.monitoring.together import choose_rows, compare_together
from include.records import ColumnDrift, TableRef
from include.records.names import REFERENCE_DATA
from include.serving.bundle import Bundle, read_bundle
from include.settings import Settings
from include.specs import PipelineSpec
from include.tables.store import TableStore, read_frame, read_manifest
from include.tracking.bundles import DATA
from include.tracking.registry import fetch_version
from include.tracking.signatures import PREDICTION


class Watched(NamedTuple):
    """A version's contract, and what its test rows looked like, as far as that is kept."""

    version: str
    bundle: Bundle
    reference: Reference | None = None
    rows: TableRef | None = None


def read_watched(settings: Settings, name: str, version: str) -> Watched:
    """Read a version's contract and reference; bundles of earlier releases have no reference.

    A reference holds no rows. The test rows themselves lie in the features table of the run, which
    `maintain` keeps as long as an alias names the version.

    Raises:
        IntegrityError: Its files are not those that were sealed.
    """
    directory = fetch_version(settings, name, version) / DATA
    bundle, place = read_bundle(directory), directory / REFERENCE_DATA
    if not place.is_file():
        return Watched(version, bundle)
    found = Reference.model_validate_json(place.read_bytes())
    rows = TableStore(settings.data).find("features", name, found.table) if found.table else None
    return Watched(version, bundle, found, rows)


def compare_tables(
    spec: PipelineSpec,
    watched: Watched,
    tables: Sequence[TableRef],
    predictions: Sequence[TableRef] = (),
) -> tuple[ColumnDrift, ...]:
    """Compare all columns that the model asks for, its predictions, and all columns together.

    Args:
        spec: The pipeline; its `monitoring` says how sure and how large a shift must be.
        watched: The model, and what its test rows looked like.
        tables: The rows of the window.
        predictions: What was predicted for them.
    """
    rules, reference = spec.monitoring, watched.reference
    known = {} if reference is None else {each.name: each for each in reference.columns}
    found, before, now = [], {}, {}
    for column in watched.bundle.columns:
        name, kind = column.name, column.kind
        for seen, values in () if name in rules.ignore else _read_column(tables, name, kind):
            found.append(compare_column(known.get(seen), seen, values, min_rows=rules.min_rows))
            now[seen] = _sample(values)
            if watched.rows is not None and seen in known:
                own = read_frame(watched.rows, [name], TEST_ROWS)[name]
                before[seen] = _sample(view_column(name, kind, own)[seen])
    for _, values in _read_column(predictions, PREDICTION, ""):
        said = None if reference is None else reference.prediction
        found.append(compare_column(said, PREDICTION, values, min_rows=rules.min_rows))
    shared = [name for name in now if name in before]
    found.append(
        compare_together(
            pd.DataFrame({name: before[name] for name in shared}) if shared else None,
            pd.DataFrame({name: now[name] for name in shared or now}),
            min_rows=rules.min_rows,
        )
    )
    return judge_window(found, alpha=rules.alpha, min_shift=rules.min_shift)


def _sample(values: "pd.Series[Any]") -> "pd.Series[Any]":
    return values.iloc[choose_rows(len(values))].reset_index(drop=True)


def _read_column(
    tables: Sequence[TableRef], name: str, kind: str
) -> "Iterator[tuple[str, pd.Series[Any]]]":
    having = [table for table in tables if name in read_manifest(table)["schema"]]
    views = [view_column(name, kind, read_frame(table, [name])[name]) for table in having]
    for seen in views[0] if views else ():
        yield seen, pd.concat([each[seen] for each in views], ignore_index=True)
