"""Which features tell most of the target: mutual information on a sample of training rows.

Numbers are cut into `_BINS` ranges of equal count, missing values are a value of their own, and
so are categories up to the `_VALUES` most frequent. The plain estimate of mutual information
grows with the number of values even for noise; that bias is taken off (Miller 1955).
"""

from typing import Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from include.features.contract import FeatureColumn, list_feature_columns
from include.features.typed_values import read_numbers, read_texts, read_times
from include.specs import PipelineSpec
from include.specs.columns import CategoryColumn, TensorColumn, TextColumn

_BINS: Final = 16
_VALUES: Final = 64
Codes = npt.NDArray[np.int64]


def select_columns(spec: PipelineSpec, sample: pd.DataFrame) -> tuple[str, ...]:
    """Name the features to leave out; none unless the spec asks for a selection.

    Texts and tensors are always kept and not counted.
    """
    if spec.selection is None:
        return ()
    scores = score_columns(spec, sample)
    always = set(spec.selection.always)
    ranked = sorted(scores, key=lambda name: (name not in always, -scores[name], name))
    return tuple(ranked[spec.selection.keep :])


def score_columns(spec: PipelineSpec, sample: pd.DataFrame) -> dict[str, float]:
    """Give each feature's mutual information with the target, in nats."""
    target = _read_target_codes(spec, sample[spec.target.column])
    return {
        column.name: measure_information(_read_codes(column, sample[column.name]), target)
        for column in list_feature_columns(spec)
        if not isinstance(column, TensorColumn | TextColumn)
    }


def measure_information(one: Codes, other: Codes) -> float:
    """Measure the mutual information of two columns of codes, in nats, at least 0.

    Example:
        >>> round(measure_information(np.array([0, 1] * 500), np.array([0, 1] * 500)), 2)
        0.69
    """
    rows = len(one)
    if not rows:
        return 0.0
    width = int(other.max()) + 1
    entropies = [_measure_entropy(codes) for codes in (one, other, one * width + other)]
    values, others, pairs = (len(np.unique(codes)) for codes in (one, other, one * width + other))
    bias = (values + others - pairs - 1) / (2 * rows)
    return max(entropies[0] + entropies[1] - entropies[2] + bias, 0.0)


def _measure_entropy(codes: Codes) -> float:
    shares = np.unique(codes, return_counts=True)[1] / len(codes)
    return float(-(shares * np.log(shares)).sum())


def _read_codes(column: FeatureColumn, series: pd.Series) -> Codes:
    if isinstance(column, CategoryColumn):
        texts = read_texts(series).to_pandas()
        frequent = texts.value_counts().index[:_VALUES]
        return _factorize(texts.where(texts.isin(frequent) | texts.isna(), "(rare)"))
    if series.dtype.kind == "M":
        times = read_times(series, str(series.name))
        return _cut(np.where(np.isnat(times), np.nan, times.astype(np.int64).astype(np.float64)))
    return _cut(read_numbers(series, str(series.name)))


def _read_target_codes(spec: PipelineSpec, series: pd.Series) -> Codes:
    if spec.target.task == "regression":
        return _cut(read_numbers(series, str(series.name)))
    return _factorize(read_texts(series).to_pandas())


def _cut(values: npt.NDArray[np.float64]) -> Codes:
    present = values[~np.isnan(values)]
    if not present.size:
        return np.zeros(len(values), dtype=np.int64)
    edges = np.unique(np.quantile(present, np.linspace(0, 1, _BINS + 1)[1:-1]))
    codes = np.searchsorted(edges, values, side="right")
    return np.where(np.isnan(values), len(edges) + 1, codes).astype(np.int64)


def _factorize(texts: pd.Series) -> Codes:
    return np.asarray(pd.factorize(texts, use_na_sentinel=False)[0], dtype=np.int64)
