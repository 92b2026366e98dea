"""What an evaluation leaves behind: figures, details, the bundle and its golden rows."""

import io
import logging
import math
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from include.features.preprocessor import Preprocessor
from include.modeling.metrics import compute_metrics
from include.modeling.slices import Slice
from include.monitoring.reference import Reference, build_reference, calibrate
from include.records import (
    EvaluateRecord,
    Evidence,
    FeatureSchema,
    ModelMetrics,
    Origin,
    Record,
    TableRef,
)
from include.records.figures import Curves
from include.records.names import (
    DETAILS,
    EVIDENCE,
    GOLDEN,
    ORIGIN,
    PREDICTIONS,
    PREPROCESSOR,
    REFERENCE_DATA,
    TRAINED_ROWS,
    figure_file,
)
from include.reporting.figures import draw_figures
from include.serving.bundle import Bundle, write_bundle
from include.serving.replay import build_golden_rows
from include.specs import PipelineSpec
from include.specs.names import ROW_ID
from include.steps.evaluate.part_metrics import ScoredRows
from include.tables.run_files import RunFiles
from include.tables.store import read_file
from include.tracking.bundles import log_bundle
from include.tracking.names import MetricGroup, deciding_name, in_group
from include.tracking.run_log import RunLog

logger = logging.getLogger(__name__)

MAX_LABEL_LENGTH: Final = 50
# Rows beyond these are left out of the file of predictions; every figure is of all rows.
MAX_KEPT_ROWS: Final = 1_000_000


class EvaluationDetails(Record):
    """What is too long for the record: slices of the test rows, and the figures' points."""

    slices: tuple[Slice, ...]
    curves: Curves
    history: tuple[dict[str, float], ...]


def read_preprocessor(features: TableRef) -> Preprocessor:
    """Read how the candidate reads rows."""
    return Preprocessor.model_validate_json(read_file(features, PREPROCESSOR))


def log_candidate(
    log: RunLog,
    origin: Origin,
    test: ScoredRows,
    *,
    network: Path,
    features: TableRef,
    reference_row: bytes,
) -> tuple[str, bytes]:
    """Log preprocessor, network and reference row as one bundle, and what its test rows were like.

    Args:
        log: The run.
        origin: What it was made from.
        test: The test rows with its predictions.
        network: File of the network.
        features: The table that it was trained on.
        reference_row: What rows are held against when they are explained.

    Returns:
        The bundle's address in MLflow, and golden rows as JSON.
    """
    spec = origin.spec
    with tempfile.TemporaryDirectory() as scratch:
        directory = Path(scratch) / "bundle"
        preprocessor = read_file(features, PREPROCESSOR)
        bundle = write_bundle(
            directory,
            spec=spec,
            preprocessor=preprocessor,
            network=network,
            trained_rows=read_file(features, TRAINED_ROWS),
            reference_row=reference_row,
        )
        golden = build_golden_rows(bundle, test.frame, test.predictions).model_dump_json().encode()
        reference = describe_test_rows(bundle, test, spec.metric_names, features.key)
        (directory / REFERENCE_DATA).write_bytes(reference.model_dump_json().encode())
        (directory / ORIGIN).write_bytes(origin.model_dump_json().encode())
        # With the model, so that it can show again that it answers as it did, wherever it is.
        (directory / GOLDEN).write_bytes(golden)
        uri = log_bundle(
            log,
            directory,
            name=spec.name,
            columns=bundle.columns,
            schema=bundle.features,
            example=test.frame,
            golden=golden,
            may_warn=bundle.may_warn,
        )
    return uri, golden


def describe_test_rows(
    bundle: Bundle, test: ScoredRows, names: Sequence[str], table: str
) -> Reference:
    """Describe the test rows and what the candidate says of them, for whoever watches it later."""
    schema = bundle.features
    kinds = {each.name: each.kind for each in bundle.columns if each.name in test.frame}
    calibration = None
    if schema.task == "regression":
        said = pd.Series(test.predictions.reshape(-1))
    else:
        classes = np.asarray(schema.classes, dtype=object)
        said = pd.Series(classes[test.predictions.argmax(axis=1)], dtype="str")
        calibration = calibrate(test.predictions, test.y.reshape(-1))
    return build_reference(
        test.frame,
        kinds,
        said,
        calibration=calibration,
        metrics=compute_metrics(schema, test.y, test.predictions, names),
        table=table,
    )


def store_figures(
    files: RunFiles, log: RunLog, details: EvaluationDetails, *, spec: PipelineSpec, best_epoch: int
) -> tuple[str, ...]:
    """Draw the figures, store and log them; return their names in the run's directory."""
    column = spec.target_column
    is_short = 0 < len(column.description) <= MAX_LABEL_LENGTH
    figures = draw_figures(
        details.curves,
        details.history,
        target=column.description if is_short else column.name,
        best_epoch=best_epoch,
    )
    names = []
    for stem, content in figures.items():
        name = figure_file(stem)
        files.write_bytes(name, content)
        log.log_bytes(content, name)
        names.append(name)
    return tuple(names)


def store_details(files: RunFiles, log: RunLog, details: EvaluationDetails) -> None:
    """Store and log the details as JSON."""
    content = details.model_dump_json().encode()
    files.write_bytes(DETAILS, content)
    log.log_bytes(content, DETAILS)


def store_evidence(files: RunFiles, evidence: Evidence) -> str:
    """Store what the verdict rests on, and return its place."""
    return files.write_bytes(EVIDENCE, evidence.model_dump_json().encode())


def store_predictions(
    files: RunFiles,
    schema: FeatureSchema,
    test: ScoredRows,
    champion: npt.NDArray[np.float64] | None,
) -> None:
    """Keep what candidate and champion predict for each test row, as Parquet.

    Of a classification these are the predicted class and the probability of the true one.
    """
    rows = slice(0, MAX_KEPT_ROWS)
    if len(test.y) > MAX_KEPT_ROWS:
        logger.info("%s holds the first %d test rows", PREDICTIONS, MAX_KEPT_ROWS)
    y, classes = test.y[rows], pa.array(schema.classes, type=pa.string())
    columns = {ROW_ID: pa.array(test.frame[ROW_ID].to_numpy(dtype=np.int64)[rows])}
    is_regression = schema.task == "regression"
    columns["actual"] = pa.array(y) if is_regression else classes.take(pa.array(y))
    for name, predictions in (("candidate", test.predictions), ("champion", champion)):
        if predictions is None:
            continue
        kept = predictions[rows]
        if is_regression:
            columns[name] = pa.array(kept)
        else:
            columns[name] = classes.take(pa.array(kept.argmax(axis=1)))
            likelihood = kept[np.arange(len(y)), y].astype(np.float32)
            columns[f"{name}_probability_of_actual"] = pa.array(likelihood)
    buffer = io.BytesIO()
    pq.write_table(pa.table(columns), buffer, compression="zstd")
    files.write_bytes(PREDICTIONS, buffer.getvalue())


def name_metrics(evaluated: EvaluateRecord, deciding: str) -> dict[str, float]:
    """Name all metrics as MLflow shows them, the deciding one first.

    Args:
        evaluated: What was measured.
        deciding: The metric that decides.
    """
    models: dict[MetricGroup, ModelMetrics | None] = {
        "test": evaluated.test,
        "validation": evaluated.validation,
        "baseline": evaluated.baseline,
        "persistence": evaluated.persistence,
        "reference": evaluated.reference,
        "champion": evaluated.champion,
    }
    value = evaluated.test.metrics.get(deciding)
    named = {} if value is None else {deciding_name(deciding): value}
    for group, model in models.items():
        named |= in_group(group, model.metrics) if model is not None else {}
    found = evaluated.comparison
    if found is not None:
        bounds = {"difference": found.difference, "low": found.low, "high": found.high}
        known = {name: v for name, v in bounds.items() if v is not None and math.isfinite(v)}
        named |= in_group("comparison", known)
    return named
