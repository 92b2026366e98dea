"""Fit the encoders of all columns in one or two passes over the training rows."""

from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

from include.features.categories import CategoryFitter
from include.features.contract import FeatureColumn, name_inputs
from include.features.datetimes import DatetimeFitter
from include.features.encoders import Encoder, Fitter
from include.features.numbers import BooleanFitter, NumberFitter
from include.features.target import TargetEncoder, build_target_fitter
from include.features.tensors import TensorEncoder
from include.features.text_tokens import TokenFitter
from include.features.typed_values import check_present
from include.specs import PipelineSpec
from include.specs.columns import (
    BooleanColumn,
    CategoryColumn,
    DatetimeColumn,
    TensorColumn,
    TextColumn,
)
from include.specs.names import ROW_ID
from include.values.hashing import hash_series, mix64
from include.values.statistics import RowSample

Batches = Callable[[], Iterable[pd.DataFrame]]


class FittedEncoders(NamedTuple):
    """What a fit gives."""

    encoders: tuple[Encoder, ...]
    target: TargetEncoder
    warnings: tuple[str, ...]


def fit_encoders(
    spec: PipelineSpec, columns: Sequence[FeatureColumn], batches: Batches
) -> FittedEncoders:
    """Fit one encoder per column and the target's; columns without a value are left out.

    Raises:
        SchemaError: Columns are missing, or hold values of another kind.
        DataError: The target's classes do not do, or numbers are not finite.
    """
    names = name_inputs(column.name for column in columns)
    fitters = {
        column.name: _build_fitter(column, names[column.name])
        for column in columns
        if not isinstance(column, TensorColumn)
    }
    target = build_target_fitter(spec)
    _observe({**fitters, target.column: target}, batches)
    encoders: list[Encoder] = []
    for column in columns:
        if isinstance(column, TensorColumn):
            encoders.append(_build_tensor_encoder(column, names[column.name]))
        elif (encoder := fitters[column.name].finish()) is not None:
            encoders.append(encoder)
    warnings = tuple(text for fitter in fitters.values() for text in fitter.warnings)
    return FittedEncoders(tuple(encoders), target.finish(), warnings)


def _observe(fitters: dict[str, Fitter], batches: Batches) -> None:
    sampled = [name for name, fitter in fitters.items() if fitter.needs_sample]
    sample = RowSample(tuple(sampled))
    position = 0
    for frame in batches():
        check_present(frame, tuple(fitters))
        numbers = {name: fitter.observe(frame[name]) for name, fitter in fitters.items()}
        kept = {name: values for name in sampled if (values := numbers[name]) is not None}
        sample.update(_choose_priorities(frame, position), kept)
        position += len(frame)
    for fitter in fitters.values():
        fitter.settle(sample)
    again = [fitter for fitter in fitters.values() if fitter.needs_second_pass]
    for frame in batches() if again else ():
        for fitter in again:
            fitter.refine(frame[fitter.column])


def _choose_priorities(frame: pd.DataFrame, position: int) -> npt.NDArray[np.uint64]:
    if ROW_ID in frame.columns:
        return hash_series(frame[ROW_ID])
    return mix64(np.arange(position, position + len(frame), dtype=np.uint64))


def _build_fitter(column: FeatureColumn, input_name: str) -> Fitter:
    if isinstance(column, BooleanColumn):
        return BooleanFitter(column)
    if isinstance(column, CategoryColumn):
        return CategoryFitter(column, input_name=input_name)
    if isinstance(column, DatetimeColumn):
        return DatetimeFitter(column)
    if isinstance(column, TextColumn):
        return TokenFitter(column, input_name=input_name)
    if isinstance(column, TensorColumn):
        raise TypeError("a tensor is not fitted")
    return NumberFitter(column)


def _build_tensor_encoder(column: TensorColumn, input_name: str) -> TensorEncoder:
    return TensorEncoder(
        column=column.name, input_name=input_name, shape=column.shape, scale=column.scale
    )
