"""The court: all models are held against the same test rows, and how these hang together."""

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

from include.features.splits import read_order
from include.modeling.influences import ORDERED_AS, OVER_CLASSES, compute_influences
from include.modeling.metrics import compute_metrics
from include.promotion.dependence import MIN_CLUSTERS, Dependence
from include.promotion.estimates import estimate
from include.records import Estimate, FeatureSchema, Rival
from include.specs import PipelineSpec
from include.specs.metrics import METRICS
from include.specs.names import ROW_ID

Predictions = npt.NDArray[np.float64]


class Measured(NamedTuple):
    """Metrics of one model on some rows, and each row's influence on them."""

    metrics: dict[str, float]
    influences: dict[str, npt.NDArray[np.float64]]


class Court(NamedTuple):
    """What all models are held against: the same rows, their target and how they hang together."""

    schema: FeatureSchema
    y: npt.NDArray[Any]
    dependence: Dependence
    names: tuple[str, ...]
    is_slice: bool = False

    @property
    def flaw(self) -> str:
        """Say why these rows show nothing, however many they are; empty if they may.

        Rows of one class hold nothing of the others: whoever never guesses these seems better.
        """
        if self.is_slice or self.schema.task == "regression" or np.ptp(self.y) > 0:
            return ""
        return f"all of the class {self.schema.classes[self.y[0]]!r}"

    def measure(self, predictions: Predictions) -> Measured:
        """Measure a model with the influences of rows."""
        metrics = compute_metrics(self.schema, self.y, predictions, self.names)
        names = {*metrics, *(ORDERED_AS[name] for name in metrics if name in ORDERED_AS)}
        influences = {name: compute_influences(name, self.y, predictions) for name in names}
        return Measured(metrics, influences)

    def compare(self, name: str, ours: Measured, predictions: Predictions) -> Rival:
        """Hold a rival's predictions against the candidate, metric by metric."""
        theirs = self.measure(predictions)
        shared = [metric for metric in ours.metrics if metric in theirs.metrics]
        gaps = {metric: self._gap(metric, ours, theirs) for metric in shared}
        return Rival(name=name, metrics=theirs.metrics, gaps=gaps)

    def _gap(self, metric: str, ours: Measured, theirs: Measured) -> Estimate:
        sign = 1 if METRICS[metric].is_higher_better else -1
        value = sign * (ours.metrics[metric] - theirs.metrics[metric])
        mean = ORDERED_AS.get(metric)
        if mean is None:
            shares = sign * (ours.influences[metric] - theirs.influences[metric])
        else:
            shares = theirs.influences[mean] - ours.influences[mean]
            whole = shares.mean()
            shares *= value / whole if whole else 1.0
        found = self.estimate(metric, value, shares)
        if metric in OVER_CLASSES and found.error is not None:
            found = found._replace(freedom=min(found.freedom, self._count_rarest() - 1.0))
        return found

    def estimate(self, metric: str, value: float, influences: npt.NDArray[np.float64]) -> Estimate:
        """Give a number its error, if these rows can tell it."""
        is_scarce = metric in OVER_CLASSES and self._count_rarest() < MIN_CLUSTERS
        if self.flaw or is_scarce:
            return Estimate(value)
        return estimate(value, influences, self.dependence)

    def find_unpredicted(self, predictions: Predictions) -> dict[str, int]:
        """Count the rows of each class that is never predicted, most rows first.

        Too few rows to bound anything do not tell that a class is never predicted.
        """
        if self.schema.task == "regression" or not np.isfinite(predictions).all():
            return {}
        classes = len(self.schema.classes)
        predicted = np.bincount(predictions.argmax(axis=1), minlength=classes)
        missed = (self._count_units() >= MIN_CLUSTERS) & (predicted == 0)
        rows = np.bincount(self.y, minlength=classes)
        largest = sorted(np.flatnonzero(missed), key=lambda each: -rows[each])
        return {self.schema.classes[each]: int(rows[each]) for each in largest}

    def _count_rarest(self) -> int:
        """Count what the rarest class that occurs has of rows, keys or moments."""
        counts = self._count_units()
        return int(counts[counts > 0].min())

    def _count_units(self) -> npt.NDArray[np.int64]:
        """Count the rows of each class; those of one key or moment are one."""
        y, codes, classes = self.y, self.dependence.codes, len(self.schema.classes)
        if codes is not None:
            y = np.unique(codes * classes + y) % classes
        return np.bincount(y, minlength=classes)

    def keep(self, mask: npt.NDArray[np.bool_]) -> "Court":
        """Keep some rows."""
        codes = None if self.dependence.codes is None else self.dependence.codes[mask]
        return self._replace(y=self.y[mask], dependence=self.dependence._replace(codes=codes))


def find_dependence(spec: PipelineSpec, frame: pd.DataFrame) -> Dependence:
    """Tell how test rows hang together: in time, by the key of the split, or by a repeated id."""
    if spec.split.method == "time":
        times = read_order(frame[spec.split.by], spec.split.by)
        return Dependence(np.unique(times, return_inverse=True)[1], True, spec.split.by)
    ids = [column.name for column in spec.stored_columns if column.kind == "id"]
    for name in dict.fromkeys((spec.split.by, spec.cleaning.group_by, *ids)):
        if name is None or name == ROW_ID or name not in frame:
            continue
        codes = pd.factorize(frame[name])[0]
        # A missing key is nobody's: such a row stands for itself.
        codes = np.where(codes < 0, codes.max() + 1 + np.arange(len(codes)), codes)
        if len(np.unique(codes)) < len(codes):
            return Dependence(np.unique(codes, return_inverse=True)[1], False, name)
    return Dependence()


def describe_units(dependence: Dependence) -> str:
    """Say in words what the rows are taken as."""
    if dependence.codes is None:
        return "independent rows"
    if dependence.is_time:
        return f"blocks in the order of {dependence.label}"
    return f"{len(np.unique(dependence.codes)):,} clusters of {dependence.label}"
