"""Why the candidate says so: gathered after it was measured, kept as a file of the run."""

import logging
import math
import time
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Final, NamedTuple

import keras
import numpy as np
import pandas as pd

from include.explaining.courses import trace_courses
from include.explaining.importance import Budget, cut_patches, measure_importance, sample_rows
from include.explaining.thresholds import Costs, Scored, choose_threshold
from include.features.preprocessor import Preprocessor
from include.features.reference_row import Row, find_reference, list_parts
from include.features.splits import read_order
from include.modeling.metrics import absolute_errors, compute_metrics, losses_of_likelihood
from include.modeling.prediction import predict
from include.modeling.slices import Slice, label_rows
from include.records import FeatureSchema, TableRef
from include.records.explanations import (
    ColumnPart,
    Course,
    ExplainedRow,
    Explanations,
    Importances,
    ReferenceFit,
    ThresholdChoice,
)
from include.records.names import EXPLANATIONS
from include.serving.bundle import describe_columns
from include.serving.explain import RowExplainer
from include.specs import PipelineSpec
from include.specs.metrics import METRICS, find_worst
from include.specs.names import ROW_ID
from include.steps.evaluate.part_metrics import ScoredRows
from include.steps.train.feature_arrays import read_arrays
from include.tables.run_files import RunFiles
from include.values.formats import format_number

logger = logging.getLogger(__name__)

SHOWN_ROWS: Final = 6
REFERENCE_ROWS: Final = 20_000
# Of the time that predicting took, this may have been the network's compilation.
COMPILING_SECONDS: Final = 2.0


def find_reference_row(features: TableRef, preprocessor: Preprocessor) -> Row:
    """Find the row that others are held against, from training rows spread over all of them."""
    rows = features.parts["train"]
    keep = np.zeros(rows, dtype=bool)
    keep[np.linspace(0, rows - 1, min(rows, REFERENCE_ROWS)).astype(int)] = True
    arrays = read_arrays(features, preprocessor.schema, "train", keep=keep)
    return find_reference(preprocessor, arrays.inputs)


class Candidate(NamedTuple):
    """The candidate with what it was measured on."""

    network: keras.Model
    preprocessor: Preprocessor
    reference: Row
    features: TableRef
    test: ScoredRows
    slices: tuple[Slice, ...]

    @property
    def schema(self) -> FeatureSchema:
        """What it takes in and gives out."""
        return self.preprocessor.schema


def start_explaining(spec: PipelineSpec, candidate: Candidate) -> Future[Explanations]:
    """Explain in a thread, beside a step that waits for MLflow most of its time."""
    beside = ThreadPoolExecutor(1, thread_name_prefix="explain")
    explaining = beside.submit(explain_candidate, spec, candidate)
    beside.shutdown(wait=False)
    return explaining


def store_explanations(files: RunFiles, found: Explanations, reference: ReferenceFit) -> str:
    """Store what was explained, with how the reference was fitted, and return its place."""
    whole = found.model_copy(update={"reference": reference})
    return files.write_bytes(EXPLANATIONS, whole.model_dump_json().encode())


def explain_candidate(spec: PipelineSpec, candidate: Candidate) -> Explanations:
    """Tell why the candidate says what it says; what cannot be told is noted and costs nothing.

    Args:
        spec: The pipeline.
        candidate: The candidate and its test rows.
    """
    started, notes = time.monotonic(), []
    explained: dict[str, object] = {}
    if not np.isfinite(candidate.test.predictions).all():
        notes.append("nothing is explained: predictions of the test rows are not finite")
        return Explanations(notes=tuple(notes))
    try:
        explained = explain_rows(spec, candidate)
    except Exception as error:  # of a network of the user's own; no verdict hangs on it
        logger.warning("single rows are not explained", exc_info=True)
        notes.append(f"single rows are not explained: {str(error)[:400]}")
    found = Explanations.model_validate(
        {
            **explained,
            "importances": rank_columns(spec, candidate),
            "threshold": find_threshold(spec, candidate, notes),
            "courses": follow_time(spec, candidate),
            "notes": notes,
            "seconds": time.monotonic() - started,
        }
    )
    logger.info("explained in %.1f s", found.seconds)
    return found


def rank_columns(
    spec: PipelineSpec,
    candidate: Candidate,
    budget: Budget = Budget(),  # noqa: B008 - frozen
) -> Importances | None:
    """Measure what each column is worth; None where the metric is undefined on these rows."""
    schema, test, metric = candidate.schema, candidate.test, spec.compare_metric
    parts, grid = _list_parts(candidate)
    inputs = candidate.schema.inputs
    chosen = sample_rows(
        len(test.y),
        len(parts),
        budget,
        row_bytes=4 * sum(math.prod(each.shape) for each in inputs),
        rows_per_second=len(test.y) / max(test.seconds - COMPILING_SECONDS, 0.001),
    )
    started, sign = time.monotonic(), 1 if METRICS[metric].is_higher_better else -1
    y, frame = test.y[chosen], test.frame.iloc[chosen]

    def measure(rows: np.ndarray, predictions: np.ndarray) -> float | None:
        return compute_metrics(schema, y[rows], predictions, [metric]).get(metric)

    def score(rows: np.ndarray, predictions: np.ndarray) -> float | None:
        value = measure(rows, predictions)
        return None if value is None else sign * value

    everything, plain = np.arange(len(y)), test.predictions[chosen]
    baseline = measure(everything, plain)
    if baseline is None:
        return None
    worst = _find_worst(spec, candidate, chosen)
    is_worst = None if worst is None else worst[1]
    inside = np.flatnonzero(is_worst) if is_worst is not None else everything[:0]
    losses = measure_importance(
        candidate.preprocessor.transform(frame),
        parts,
        predict=lambda inputs: predict(candidate.network, inputs, schema=schema),
        score=score,
        worst=is_worst,
        budget=budget,
    )
    return Importances(
        metric=metric,
        baseline=baseline,
        rows=len(chosen),
        of_rows=len(test.y),
        repeats=losses.repeats,
        planned_repeats=budget.repeats,
        seconds=time.monotonic() - started,
        budget_seconds=budget.seconds,
        slice_name=worst[0] if worst else "",
        slice_rows=len(inside),
        slice_baseline=measure(inside, plain[inside]) if len(inside) else None,
        columns=losses.importances,
        grid=grid,
    )


def explain_rows(spec: PipelineSpec, candidate: Candidate) -> dict[str, object]:
    """Explain a sample of the test rows, and those that it was most wrong about.

    Raises:
        ParamError: The network is of a form that cannot be explained.
    """
    explainer = RowExplainer(
        candidate.preprocessor,
        candidate.network,
        candidate.reference,
        columns=describe_columns(spec, candidate.preprocessor.columns),
        has_private=any(column.private for column in spec.columns),
    )
    test = candidate.test
    is_regression = candidate.schema.task == "regression"
    measure = absolute_errors if is_regression else losses_of_likelihood
    hardest = np.argsort(-measure(test.y, test.predictions), kind="stable")[:SHOWN_ROWS]
    count = min(SHOWN_ROWS, len(test.y))
    sample = np.sort(np.random.default_rng(0).choice(len(test.y), count, replace=False))

    def explain(places: np.ndarray) -> tuple[ExplainedRow, ...]:
        rows = test.frame.iloc[places]
        names = [str(each) for each in rows[ROW_ID]]
        return explainer.explain(rows, names=names, actual=_list_actual(candidate, places))

    return {
        "reference_row": explainer.describe_reference(),
        "explained_as": explainer.explained_as,
        "sample": explain(sample),
        "hardest": explain(hardest),
    }


def find_threshold(
    spec: PipelineSpec, candidate: Candidate, notes: list[str]
) -> ThresholdChoice | None:
    """Choose the threshold that costs least; None where no costs are stated, or nothing is asked.

    Args:
        spec: The pipeline, with the costs.
        candidate: The candidate.
        notes: Takes why there is none.
    """
    costs, schema, test = spec.evaluation.costs, candidate.schema, candidate.test
    if costs is None:
        return None
    if len(schema.classes) != 2:
        notes.append(f"evaluation.costs are of two classes, and there are {len(schema.classes)}")
        return None
    arrays = read_arrays(candidate.features, schema, "validation")
    if not arrays.rows:
        notes.append("no threshold is chosen: there are no validation rows to choose it on")
        return None
    scores = predict(candidate.network, arrays.inputs, schema=schema)[:, 1]
    return choose_threshold(
        Scored(arrays.y, scores),
        Scored(test.y, test.predictions[:, 1]),
        Costs(costs.false_positive, costs.false_negative),
        positive=schema.classes[1],
    )


def follow_time(spec: PipelineSpec, candidate: Candidate) -> tuple[Course, ...]:
    """Trace actual and predicted values over time, of a regression that is split by time."""
    if candidate.schema.task != "regression" or spec.split.method != "time":
        return ()
    test = candidate.test
    column = test.frame[spec.split.by]
    is_time = pd.api.types.is_datetime64_any_dtype(column)
    times = (
        pd.DatetimeIndex(column).tz_localize(None).to_numpy()
        if is_time
        else read_order(column, spec.split.by)
    )
    return trace_courses(times, test.y, test.predictions)


def _list_parts(
    candidate: Candidate,
) -> tuple[tuple[ColumnPart, ...], tuple[int, int] | None]:
    """List the columns, and of the first array its patches, with how many there are either way."""
    shapes = {each.name: each.shape for each in candidate.schema.inputs if each.kind == "tensor"}
    parts: list[ColumnPart] = []
    grid = None
    for part in list_parts(candidate.preprocessor):
        if part.input in shapes and grid is None:
            patches = cut_patches(part, shapes[part.input])
            parts += patches
            down, across = patches[-1].patch or (0, 0)
            grid = (down + 1, across + 1)
        else:
            parts.append(part)
    return tuple(parts), grid


def _find_worst(
    spec: PipelineSpec, candidate: Candidate, chosen: np.ndarray
) -> tuple[str, np.ndarray] | None:
    """Find the slice on which the deciding metric is worst, and which of the chosen rows it has."""
    metric = spec.compare_metric
    known = (each for each in candidate.slices if each.rows >= spec.evaluation.slice_rows)
    worst = find_worst(metric, known, lambda each: each.metrics.get(metric))
    if worst is None:
        return None
    masks = dict(label_rows(candidate.test.frame[worst.column]).masks())
    inside = masks[worst.value][chosen]
    return (f"{worst.column} = {worst.value}", inside) if inside.any() else None


def _list_actual(candidate: Candidate, places: np.ndarray) -> list[str]:
    actual = candidate.test.y[places]
    if candidate.schema.task == "regression":
        return [format_number(float(value)) for value in actual]
    return [candidate.schema.classes[value] for value in actual]
