"""Does one feature give the target away? Checked on a bounded sample of training rows.

A feature made from the target, or written after it was known, makes a perfect score and a
useless model. A column is reported if by itself it determines the target: a number that ranks
it (area under the ROC curve, or rank correlation, of `LIMIT` or more; with several classes,
ranges of the number that hold one class each), or a category whose values have one target each
and are far fewer than the rows. Tensors, texts and lag features are not looked at.
"""

from typing import Final

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow.compute as pc

from include.errors import LeakageError
from include.features.cleaning import RowPlan
from include.features.contract import FeatureColumn, list_feature_columns, list_lag_columns
from include.features.hashing import mix64
from include.features.splits import TRAIN
from include.features.target import read_classes
from include.features.typed_values import Floats, read_numbers, read_texts, read_times
from include.specs import PipelineSpec
from include.specs.columns import BooleanColumn, CategoryColumn, TensorColumn, TextColumn

LIMIT: Final = 0.999
SAMPLE_ROWS: Final = 20_000
_FEWEST_ROWS: Final = 30
_FEWEST_OF_A_CLASS: Final = 10
_ROWS_PER_VALUE: Final = 10
Codes = npt.NDArray[np.int64]


def check_leakage(spec: PipelineSpec, sample: pd.DataFrame) -> list[str]:
    """Check every feature of a sample of training rows against the target.

    Returns:
        Warnings, if the spec says that leaks only warn.

    Raises:
        LeakageError: A feature determines the target.
    """
    if len(sample) < _FEWEST_ROWS:
        return []
    found = find_leaks(spec, sample)
    if not found or spec.cleaning.leakage == "warn":
        return [f"column {name!r} alone determines the target: {how}" for name, how in found]
    listed = "; ".join(f"{name!r} ({how})" for name, how in found[:5])
    raise LeakageError(
        f"expected no feature that by itself determines the target {spec.target.column!r}. "
        f"Received: {listed}. If it is made from the target or known only after it, give it "
        "`kind: ignore`; if it is known when a prediction is made, set "
        "`cleaning: {leakage: warn}`."
    )


def find_leaks(spec: PipelineSpec, sample: pd.DataFrame) -> list[tuple[str, str]]:
    """Find the features that determine the target, and how each was seen."""
    series = sample[spec.target.column]
    if spec.target.task == "regression":
        numbers = read_numbers(series)
        codes = None
    else:
        classes = read_classes(series, is_boolean=spec.target_column.kind == "boolean")
        codes = pd.factorize(classes.to_pandas())[0].astype(np.int64)
        numbers = codes.astype(np.float64)
        sizes = np.bincount(codes)
        if len(sizes) < 2 or sizes.min() < _FEWEST_OF_A_CLASS:
            return []
    found = []
    for column in list_checked_columns(spec):
        how = _explain(column, sample[column.name], codes, numbers)
        if how:
            found.append((column.name, how))
    return found


def list_checked_columns(spec: PipelineSpec) -> list[FeatureColumn]:
    """List the features that are looked at."""
    exempt = {*list_lag_columns(spec), spec.cleaning.order_by}
    if spec.split.method == "time":
        exempt.add(spec.split.by)
    return [
        column
        for column in list_feature_columns(spec)
        if column.name not in exempt and not isinstance(column, TensorColumn | TextColumn)
    ]


def sample_training_rows(spec: PipelineSpec, plan: RowPlan) -> pd.DataFrame:
    """Read at most `SAMPLE_ROWS` training rows, those whose hashed positions are the smallest."""
    positions = np.flatnonzero(plan.parts == TRAIN)
    if len(positions) > SAMPLE_ROWS:
        priorities = mix64(positions.astype(np.uint64))
        positions = positions[np.argpartition(priorities, SAMPLE_ROWS)[:SAMPLE_ROWS]]
    is_chosen = np.zeros(len(plan.parts), dtype=bool)
    is_chosen[positions] = True
    features = (
        column.name
        for column in list_feature_columns(spec)
        if not isinstance(column, TensorColumn | TextColumn)
    )
    columns = (spec.target.column, *features)
    return pd.concat(
        [batch.frame[is_chosen[batch.positions]] for batch in plan.stream(columns, part=TRAIN)],
        ignore_index=True,
    )


def _explain(column: FeatureColumn, series: pd.Series, codes: Codes | None, target: Floats) -> str:
    if isinstance(column, CategoryColumn | BooleanColumn):
        texts = pc.fill_null(read_texts(series), "(missing)")
        return _explain_mapping(pd.factorize(texts.to_pandas())[0], codes, target)
    if series.dtype.kind == "M":
        times = read_times(series)
        values = times.astype(np.int64).astype(np.float64)
        values[np.isnat(times)] = np.nan
    else:
        values = read_numbers(series)
    if np.isnan(values).all() or np.nanmin(values) == np.nanmax(values):
        return ""
    # A gap counts as the smallest value: gaps alone may give the target away.
    ranks: Floats = np.asarray(pd.Series(values).rank(na_option="top"), dtype=np.float64)
    return _explain_ranking(ranks, codes, target) or _explain_mapping(
        pd.factorize(ranks)[0], codes, target
    )


def _explain_ranking(ranks: Floats, codes: Codes | None, target: Floats) -> str:
    if codes is not None and codes.max() > 1:
        return _explain_ranges(ranks, codes)
    if codes is None:
        other = pd.Series(target).rank().to_numpy()
        if other.min() == other.max():
            return ""
        score = abs(float(np.corrcoef(ranks, other)[0, 1]))
        return f"rank correlation {score:.4f}" if score >= LIMIT else ""
    positives = int(codes.sum())
    pairs = positives * (len(codes) - positives)
    area = (ranks[codes == 1].sum() - positives * (positives + 1) / 2) / pairs
    area = max(area, 1 - area)
    return f"area under the ROC curve {area:.4f}" if area >= LIMIT else ""


def _explain_ranges(ranks: Floats, codes: Codes) -> str:
    majorities, wrong = _find_majorities(pd.factorize(ranks, sort=True)[0], codes)
    runs = 1 + int((majorities[1:] != majorities[:-1]).sum())
    classes = int(codes.max()) + 1
    slack = (1 - LIMIT) * len(codes)
    if wrong <= slack and runs - classes <= 2 * slack:
        return f"{runs} ranges of it hold one class each"
    return ""


def _explain_mapping(values: Codes, codes: Codes | None, target: Floats) -> str:
    distinct = int(values.max()) + 1
    if distinct * _ROWS_PER_VALUE > len(values) or distinct < 2:
        return ""
    if codes is None:
        share = _share_of_variance(values, target)
        return f"its values explain {share:.2%} of the variance" if share >= LIMIT else ""
    _, wrong = _find_majorities(values, codes)
    guessed = len(codes) - int(np.bincount(codes).max())
    if wrong <= (1 - LIMIT) * guessed * 10:
        return f"{distinct} values stand for one class each, {wrong} of {len(codes)} rows aside"
    return ""


def _share_of_variance(values: Codes, target: Floats) -> float:
    spread = float(np.square(target - target.mean()).sum())
    if spread == 0:
        return 0.0
    counts = np.bincount(values)
    means = np.bincount(values, weights=target) / counts
    return float((counts * np.square(means - target.mean())).sum()) / spread


def _find_majorities(values: Codes, codes: Codes) -> tuple[Codes, int]:
    """Find the most frequent class of each value, and how many rows have another."""
    classes = int(codes.max()) + 1
    pairs, counts = np.unique(values * classes + codes, return_counts=True)
    order = np.lexsort((counts, pairs // classes))
    owner = (pairs // classes)[order]
    is_last = np.append(owner[1:] != owner[:-1], True)
    return (pairs % classes)[order][is_last], len(codes) - int(counts[order][is_last].sum())
