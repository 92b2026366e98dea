"""How good predictions were by labels that came late, or probably were while there are none."""

import logging
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from include.features.typed_values import read_numbers, read_texts
from include.modeling.metrics import compute_metrics
from include.monitoring.estimates import estimate_performance
from include.promotion.bench import bound_metric
from include.promotion.dependence import Dependence
from include.records import Estimate, FeatureSchema, Performance, TableRef
from include.settings import Settings
from include.sources.file_lists import list_source_files
from include.sources.snapshot import take_snapshot
from include.specs import PipelineSpec
from include.specs.names import ROW_ID
from include.specs.sources import FileSource
from include.steps.evaluate.court import Court, find_dependence
from include.steps.ingest import build_reading_plan
from include.steps.monitor.comparing import Watched
from include.tables.store import TableStore, read_frame, read_manifest
from include.tracking.signatures import PREDICTION, PROBABILITY

logger = logging.getLogger(__name__)

# A shown interval is wrong in 1 of 20 cases.
SHOWN_ALPHA: Final = 0.025
# What is known of a classification whose probabilities were not written.
OF_CLASSES: Final = frozenset(
    {
        *("accuracy", "balanced_accuracy", "f1_macro", "f1_weighted"),
        *("precision_macro", "recall_macro"),
    }
)


class Scored(NamedTuple):
    """Rows of one delivery, and what was predicted for them."""

    rows: TableRef
    predictions: Sequence[TableRef]


def read_labels(
    spec: PipelineSpec, settings: Settings, connect: Callable[[str], str]
) -> TableRef | None:
    """Read the labels that have come; None where there are none, or nothing names a row.

    Raises:
        DataError: They cannot be read, or lack a column of the key or the target.
        InfrastructureError: A server does not answer.
    """
    source = spec.monitoring.labels or spec.read_file(f"labels/{spec.name}")
    if not spec.row_names:
        return None
    if isinstance(source, FileSource) and not list_source_files(
        source, settings.sources, must_exist=False
    ):
        return None
    names = {*spec.row_names, spec.target.column}
    asked = spec.replace(columns=tuple(each for each in spec.columns if each.name in names))
    plan = build_reading_plan(asked, settings, connect)
    found = take_snapshot(TableStore(settings.data), spec.name, source, plan)
    if found.rejected_rows:
        logger.warning("%d rows of the labels cannot be read", found.rejected_rows)
    return found.raw


def index_labels(spec: PipelineSpec, labels: TableRef) -> pd.DataFrame:
    """Give key and target of the labels, for each key the one that stands last."""
    key = list(spec.row_names)
    return read_frame(labels, [*key, spec.target.column]).dropna().drop_duplicates(key, keep="last")


def measure_scored(
    spec: PipelineSpec, watched: Watched, scored: Sequence[Scored], labels: pd.DataFrame | None
) -> tuple[tuple[Performance, ...], int]:
    """Measure predictions by labels, as `evaluate` does those of test rows.

    Rows that hold their target themselves need no label. Left out is a row whose key another row
    of the window has, too, or whose label is a class that the model does not know.

    Args:
        spec: The pipeline.
        watched: The model that predicted.
        scored: The deliveries of a window.
        labels: What `index_labels` gave; None to take the rows' own target only.

    Returns:
        The metrics, and the rows that they are of.
    """
    schema = watched.bundle.features
    rows, y = join_labels(spec, schema, scored, labels)
    if not len(y):
        return (), 0
    said, names = read_said(spec, schema, rows)
    dependence = tell_dependence(spec, rows)
    court = Court(schema, y, dependence or Dependence(), names)
    measured = court.measure(said)
    found = {
        name: court.estimate(name, value, measured.influences[name])
        if dependence is not None
        else Estimate(value)
        for name, value in measured.metrics.items()
    }
    return describe(spec, found), len(y)


def join_labels(
    spec: PipelineSpec,
    schema: FeatureSchema,
    scored: Sequence[Scored],
    labels: pd.DataFrame | None,
) -> tuple[pd.DataFrame, npt.NDArray[Any]]:
    """Give the rows whose label is known, with what was predicted for them, and their target.

    Which rows these are does not depend on who predicted them.
    """
    parts = [_join(spec, schema, each, labels) for each in scored]
    rows = pd.concat(parts, ignore_index=True) if parts else pd.DataFrame()
    if rows.empty:
        return rows, np.empty(0)
    y = _encode(schema, rows[spec.target.column])
    is_known = np.isfinite(y) if schema.task == "regression" else y >= 0
    if not is_known.all():
        logger.warning("%d labels are of no class of the model", int((~is_known).sum()))
    return rows[is_known], y[is_known]


def tell_dependence(spec: PipelineSpec, rows: pd.DataFrame) -> Dependence | None:
    """Tell how rows hang together; those of a series whose times are not there, in any way."""
    is_told = spec.split.method != "time" or spec.split.by in rows
    return find_dependence(spec, rows) if is_told else None


def estimate_scored(
    spec: PipelineSpec, watched: Watched, predictions: Sequence[TableRef]
) -> tuple[Performance, ...]:
    """Estimate the metrics of rows whose truth nobody knows; none where nothing says it."""
    schema, reference = watched.bundle.features, watched.reference
    names = [f"{PROBABILITY}{each}" for each in schema.classes]
    tables = [each for each in predictions if set(names) <= set(read_manifest(each)["schema"])]
    if reference is None or reference.calibration is None or not names or not tables:
        return ()
    said = np.concatenate([read_frame(each, names).to_numpy(np.float64) for each in tables])
    if min(len(said), reference.rows) < spec.monitoring.min_rows:
        return ()
    measure = partial(compute_metrics, schema, names=spec.metric_names)
    return describe(spec, estimate_performance(said, reference.calibration, measure))


def describe(spec: PipelineSpec, found: Mapping[str, Estimate]) -> tuple[Performance, ...]:
    """Give metrics with their intervals, and say which bound of the spec one surely breaks."""
    bounds = spec.monitoring.requirements
    alpha = spec.monitoring.alpha / max(len(bounds), 1)
    described = []
    for name, value in found.items():
        shown, lost = bound_metric(name, value, SHOWN_ALPHA), ""
        for each in bounds:
            sure = bound_metric(name, value, alpha) if each.metric == name else None
            if sure and not each.is_met(sure.high if each.is_minimum else sure.low):
                lost = str(each)
        described.append(
            Performance(
                metric=name,
                value=value.value,
                low=shown and shown.low,
                high=shown and shown.high,
                lost=lost,
            )
        )
    return tuple(described)


def read_said(
    spec: PipelineSpec, schema: FeatureSchema, rows: pd.DataFrame
) -> tuple[npt.NDArray[np.float64], tuple[str, ...]]:
    """Read predictions as `predict` gives them, and name the metrics that they allow."""
    if schema.task == "regression":
        return rows[PREDICTION].to_numpy(np.float64), spec.metric_names
    names = [f"{PROBABILITY}{each}" for each in schema.classes]
    if set(names) <= set(rows):
        return rows[names].to_numpy(np.float64), spec.metric_names
    places = _encode(schema, rows[PREDICTION])
    return np.eye(len(schema.classes))[places], tuple(
        each for each in spec.metric_names if each in OF_CLASSES
    )


def _join(
    spec: PipelineSpec, schema: FeatureSchema, scored: Scored, labels: pd.DataFrame | None
) -> pd.DataFrame:
    target, key = spec.target.column, list(spec.row_names)
    there = set(read_manifest(scored.rows)["schema"])
    ids = [each.name for each in spec.stored_columns if each.kind == "id"]
    grouped = (spec.split.by, spec.cleaning.group_by or ROW_ID)
    wanted = dict.fromkeys([ROW_ID, target, *key, *grouped, *ids])
    rows = read_frame(scored.rows, [name for name in wanted if name in there])
    said = [PREDICTION, *(f"{PROBABILITY}{each}" for each in schema.classes)]
    predicted = pd.concat(
        [
            read_frame(each, [ROW_ID, *(name for name in said if name in columns)])
            for each in scored.predictions
            for columns in [read_manifest(each)["schema"]]
        ]
    )
    rows = rows.merge(predicted, on=ROW_ID, validate="one_to_one")
    if target in rows:
        return rows.dropna(subset=[target])
    if labels is None or not key or not set(key) <= set(rows):
        return rows.iloc[:0]
    rows = rows.dropna(subset=key)
    is_twice = rows.duplicated(key, keep=False)
    if is_twice.any():
        logger.warning("%d rows share their key with another: not measured", int(is_twice.sum()))
    return rows[~is_twice].merge(labels, on=key)


def _encode(schema: FeatureSchema, values: "pd.Series[Any]") -> npt.NDArray[Any]:
    """Give class indices, −1 for an unknown class; or numbers."""
    array = pa.array(values, from_pandas=True)
    if schema.task == "regression":
        return read_numbers(array, str(values.name))
    texts = read_texts(array)
    places = pc.index_in(texts, value_set=pa.array(schema.classes, texts.type))
    return np.asarray(pc.fill_null(places, -1).to_numpy(zero_copy_only=False), dtype=np.int64)
