"""Walk over the past: how good the champion would have been by several policies of retraining.

Every training learns from the rows before its day, divided as the pipeline divides them, and a
candidate replaces the champion if it does better on its own test rows. Rows of a day that a model
could not know are all that its quality is measured on (prequential evaluation; Gama et al. 2013).
"""

import logging
import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from tempfile import TemporaryDirectory
from typing import Any, Final, NamedTuple

import keras
import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
from upath import UPath

from include.errors import GatehouseError, ParamError, QualityError
from include.features.preprocessor import Preprocessor
from include.features.series import add_series_columns
from include.features.series_plan import SeriesPlan
from include.modeling.metrics import compute_metrics
from include.modeling.prediction import predict
from include.monitoring.drift import compare_column, judge_window
from include.monitoring.reference import Reference, build_reference, view_column
from include.quality.failure_table import render_failures
from include.records import FeatureSchema, PolicyCourse, Simulation, TableRef, Window
from include.serving.bundle import describe_columns
from include.settings import Settings
from include.sources.snapshot import take_snapshot
from include.specs import Column, PipelineSpec
from include.specs.metrics import METRICS
from include.steps.evaluate.files import read_preprocessor
from include.steps.evaluate.part_metrics import score_test_rows
from include.steps.fit_share import fit_features
from include.steps.ingest import build_reading_plan, connection_from_environment
from include.steps.monitor import decide
from include.steps.prepare import write_features
from include.steps.train.feature_arrays import read_schema
from include.steps.validate.checked_tables import check_table
from include.tables.store import TableStore, read_table
from include.tracking.signatures import PREDICTION

logger = logging.getLogger(__name__)

NEVER: Final = "never"
POLICIES: Final = ("weekly", "monthly", "on-drift")
WEEK: Final = np.timedelta64(7, "D")
Times = npt.NDArray[np.datetime64]


class Model(NamedTuple):
    """A network with how it reads rows, and what its test rows were like."""

    network: keras.Model
    preprocessor: Preprocessor
    schema: FeatureSchema
    columns: tuple[Column, ...]
    reference: Reference
    test: pd.DataFrame
    seconds: float

    def predict(self, rows: pa.Table | pd.DataFrame) -> npt.NDArray[np.float64]:
        """Predict rows as they are stored, lags and fills computed."""
        return predict(self.network, self.preprocessor.transform(rows), schema=self.schema)

    def measure(self, rows: pa.Table | pd.DataFrame, metric: str) -> float | None:
        """Measure it on rows; None where they do not say."""
        y = self.preprocessor.transform_target(rows)
        return compute_metrics(self.schema, y, self.predict(rows), [metric]).get(metric)


class Course:
    """A policy under way."""

    def __init__(self, policy: str, champion: Model) -> None:
        """Begin with the model that all begin with."""
        self.policy, self.champion = policy, champion
        self.scores: list[float | None] = []
        self.trained: list[int] = []
        self.replaced: list[int] = []
        self.windows: list[Window] = []
        self.seconds = 0.0

    def is_due(self, place: int, starts: Times) -> bool:
        """Tell whether it trains before a window."""
        if not place or self.policy == NEVER:
            return False
        if self.policy == "monthly":
            return bool(np.diff(starts[place - 1 : place + 1].astype("datetime64[M]"))[0])
        return self.policy == "weekly" or self.windows[-1].started_at is not None


def simulate(
    spec: PipelineSpec,
    settings: Settings,
    *,
    policies: Sequence[str] = POLICIES,
    epochs: int | None = None,
    share: float = 0.5,
    most: int = 200,
    tell: Callable[[str], None] = logger.info,
) -> Simulation:
    """Walk over the past of a pipeline whose rows are split by time; nothing is kept.

    Args:
        spec: The pipeline.
        settings: Where sources are.
        policies: weekly, monthly, on-drift; each is held against never training again.
        epochs: Most epochs of a training; those of the spec unless given.
        share: Of the rows, those before the first window.
        most: Most windows, so most trainings; a window is a week.
        tell: Told what goes on.

    Raises:
        ParamError: A policy is unknown, the rows are not split by time, or there are too many
            windows.
        DataError: The rows cannot be read, break the contract, or do not train.
    """
    if unknown := sorted(set(policies) - set(POLICIES)):
        raise ParamError(f"policies are {', '.join(POLICIES)}. Received: {', '.join(unknown)}.")
    if spec.split.method != "time":
        raise ParamError(
            "expected a pipeline whose rows are split by time, so that there is a past to walk "
            f"over. Received: split.method {spec.split.method}. Name its time: "
            "split: {method: time, by: COLUMN}."
        )
    training = spec.training.model_copy(update={"epochs": epochs or spec.training.epochs})
    watching = spec.monitoring.model_copy(update={"on_drift": "retrain"})
    spec = spec.replace(training=training, monitoring=watching)
    with TemporaryDirectory(prefix="gatehouse-simulate-") as scratch:
        past = Past(spec, settings, TableStore(scratch), share)
        if len(past.starts) > most:
            raise ParamError(
                f"expected at most {most} weeks to walk over. Received: {len(past.starts)}. Begin "
                "later with --share, or allow more with --most."
            )
        return _walk(past, policies, tell)


class Past:
    """The rows of a pipeline in the order of their time, and models trained on those before."""

    def __init__(
        self, spec: PipelineSpec, settings: Settings, store: TableStore, share: float
    ) -> None:
        """Read and check the rows."""
        self.spec, self.store = spec, store
        self._models: dict[int, Model | None] = {}
        rows = read_table(self._check(settings))
        times = rows.column(spec.split.by).to_numpy().astype("datetime64[us]")
        order = np.argsort(times, kind="stable")
        order = order[~np.isnat(times[order])]
        self.rows, self.times = rows.take(pa.array(order)), times[order]
        # As if scored week by week: nothing here looks at what comes after a row.
        self.whole = add_series_columns(self.rows, SeriesPlan(spec))
        first = self.times[int(share * len(order))]
        self.starts = np.arange(first, self.times[-1], WEEK)

    def _check(self, settings: Settings) -> TableRef:
        plan = build_reading_plan(self.spec, settings, connection_from_environment)
        ingested = take_snapshot(self.store, self.spec.name, self.spec.source, plan)
        checked = check_table(self.spec, self.store, ingested.raw.key, ingested)
        if checked.table is None:
            raise QualityError(
                f"expected rows that keep the contract. Received: {render_failures(checked.report)}"
            )
        return checked.table

    def window(self, place: int) -> pa.Table:
        """Give the rows of a window whose target is known."""
        start, stop = (
            int(np.searchsorted(self.times, at))
            for at in (self.starts[place], self.starts[place] + WEEK)
        )
        rows = self.whole.slice(start, stop - start)
        return rows.filter(rows.column(self.spec.target.column).is_valid())

    def count_before(self, place: int) -> int:
        """Count the rows before a window."""
        return int(np.searchsorted(self.times, self.starts[place]))

    def train(self, place: int) -> Model | None:
        """Train on the rows before a window, once; None where they do not train."""
        if place not in self._models:
            try:
                self._models[place] = self._train(place)
            except GatehouseError as error:
                if not place:
                    raise
                logger.warning("no candidate at %s: %s", self.starts[place], error)
                self._models[place] = None
        return self._models[place]

    def _train(self, place: int) -> Model:
        started = time.monotonic()
        spec, write = self.spec, partial(self.store.write, made_from={})
        with write("checked", spec.name, f"simulated{place:08}") as checked:
            checked.append(self.rows.slice(0, self.count_before(place)))
        with write("features", spec.name, f"simulated{place:08}") as features:
            write_features(spec, checked.ref, features)
        network = fit_features(spec, features.ref).network
        schema, preprocessor = read_schema(features.ref), read_preprocessor(features.ref)
        test = score_test_rows(network, features.ref, schema)
        columns = describe_columns(spec, preprocessor.columns)
        kinds = {each.name: each.kind for each in columns if each.name in test.frame}
        for table in (checked.ref, features.ref):  # a hundred of them would fill a disk
            UPath(table.uri).fs.rm(UPath(table.uri).path, recursive=True)
        return Model(
            *(network, preprocessor, schema, columns),
            reference=build_reference(test.frame, kinds, name_said(schema, test.predictions)),
            test=test.frame,
            seconds=time.monotonic() - started,
        )


def name_said(schema: FeatureSchema, predictions: npt.NDArray[np.float64]) -> "pd.Series[Any]":
    """Write predictions as they are told: numbers, or classes."""
    if schema.task == "regression":
        return pd.Series(predictions.reshape(-1))
    best = predictions.argmax(axis=1)
    return pd.Series(np.asarray(schema.classes, dtype=object)[best], dtype="str")


def _walk(past: Past, policies: Sequence[str], tell: Callable[[str], None]) -> Simulation:
    spec, metric = past.spec, past.spec.compare_metric
    first = past.train(0)
    assert first is not None  # noqa: S101 - it raises instead
    tell(f"{past.count_before(0):,} rows before the first window, trained in {first.seconds:.0f} s")
    courses = [Course(each, first) for each in (NEVER, *policies)]
    rows = []
    for place in range(len(past.starts)):
        window = past.window(place)
        rows.append(window.num_rows)
        for course in courses:
            if course.is_due(place, past.starts):
                _train(past, course, place, tell)
            value = course.champion.measure(window, metric) if window.num_rows else None
            course.scores.append(value)
            if course.policy == "on-drift":
                course.windows.append(_watch(past, course, place, window))
        told = ", ".join(
            f"{each.policy} {value:.4g}" if (value := each.scores[-1]) is not None else each.policy
            for each in courses
        )
        tell(f"week {place + 1} of {len(past.starts)}, {past.starts[place]!s:.10}: {told}")
    return Simulation(
        metric=metric,
        is_higher_better=METRICS[metric].is_higher_better,
        starts=tuple(f"{each!s:.10}" for each in past.starts),
        rows=tuple(rows),
        first_rows=past.count_before(0),
        epochs=spec.training.epochs,
        courses=tuple(_describe(each, rows) for each in courses),
    )


def _train(past: Past, course: Course, place: int, tell: Callable[[str], None]) -> None:
    """Train, and replace the champion if the candidate does better on its own test rows."""
    candidate, metric = past.train(place), past.spec.compare_metric
    course.trained.append(place)
    if candidate is None:
        return
    course.seconds += candidate.seconds
    ours, theirs = (each.measure(candidate.test, metric) for each in (candidate, course.champion))
    if ours is None or theirs is None:
        return
    tell(f"{course.policy}: candidate {metric} {ours:.5g}, champion {theirs:.5g} on its test rows")
    if (ours > theirs) if METRICS[metric].is_higher_better else (ours < theirs):
        course.champion = candidate
        course.replaced.append(place)


def _watch(past: Past, course: Course, place: int, rows: pa.Table) -> Window:
    """Hold a window against what the champion was tested on, as `monitor` does."""
    rules, model = past.spec.monitoring, course.champion
    known = {each.name: each for each in model.reference.columns}
    # Time moves by its nature.
    ignored = {*rules.ignore, past.spec.split.by}
    found = [
        compare_column(known.get(seen), seen, values, min_rows=rules.min_rows)
        for each in model.columns
        if each.name not in ignored and each.name in rows.column_names
        for stored in [rows.column(each.name).to_pandas()]
        for seen, values in view_column(each.name, each.kind, stored).items()
    ]
    if rows.num_rows:
        said = name_said(model.schema, model.predict(rows))
        reference = model.reference.prediction
        found.append(compare_column(reference, PREDICTION, said, min_rows=rules.min_rows))
    window = Window(
        version=str(len(course.replaced) + 1),
        at=pd.Timestamp(past.starts[place] + WEEK, tz="UTC").to_pydatetime(),
        inputs=(),
        rows=rows.num_rows,
        columns=judge_window(found, alpha=rules.alpha, min_shift=rules.min_shift),
    )
    starts, why = decide(past.spec, window, window.drifted, course.windows, window.at)
    return window.model_copy(update={"started_at": window.at if starts else None, "why": why})


def _describe(course: Course, rows: Sequence[int]) -> PolicyCourse:
    return PolicyCourse(
        policy=course.policy,
        scores=tuple(course.scores),
        trained=tuple(course.trained),
        replaced=tuple(course.replaced),
        overall=_mean(course.scores, rows),
        seconds=course.seconds,
    )


def _mean(values: Sequence[float | None], rows: Sequence[int]) -> float | None:
    known = list(_pairs(values, rows))
    total = sum(count for _, count in known)
    return sum(value * count for value, count in known) / total if total else None


def _pairs(values: Sequence[float | None], rows: Sequence[int]) -> Iterator[tuple[float, int]]:
    for value, count in zip(values, rows, strict=True):
        if value is not None:
            yield value, count
