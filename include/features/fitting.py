"""Fit the encoders of all columns in one or two passes over the training rows."""

from collections.abc import Callable, Collection, Iterable, Sequence
from typing import NamedTuple

import numpy as np
import pyarrow as pa

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
from include.values.frames import Rows, names_of, one_array
from include.values.hashing import Hashes, hash_values, mix64
from include.values.overlap import map_in_threads
from include.values.statistics import Floats, RowSample

Batches = Callable[[], Iterable[Rows]]


class FittedEncoders(NamedTuple):
    """What a fit gives."""

    encoders: tuple[Encoder, ...]
    target: TargetEncoder
    warnings: tuple[str, ...]


def fit_encoders(
    spec: PipelineSpec,
    columns: Sequence[FeatureColumn],
    batches: Batches,
    leave_out: Callable[[], Collection[str]],
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
    sample = _observe({**fitters, target.column: target}, batches)
    left_out = leave_out()
    chosen = [column for column in columns if column.name not in left_out]
    fitters = {column.name: fitters[column.name] for column in chosen if column.name in fitters}
    _settle([*fitters.values(), target], sample, batches)
    encoders: list[Encoder] = []
    for column in chosen:
        if isinstance(column, TensorColumn):
            encoders.append(_build_tensor_encoder(column, names[column.name]))
        elif (encoder := fitters[column.name].finish()) is not None:
            encoders.append(encoder)
    warnings = tuple(text for fitter in fitters.values() for text in fitter.warnings)
    return FittedEncoders(tuple(encoders), target.finish(), warnings)


def _observe(fitters: dict[str, Fitter], batches: Batches) -> RowSample:
    sampled = [name for name, fitter in fitters.items() if fitter.needs_sample]
    sample = RowSample(tuple(sampled))
    position = 0
    for rows in batches():
        check_present(rows, tuple(fitters))
        arrays = [one_array(rows[name]) for name in fitters]
        observed = map_in_threads(_observe_column, fitters.values(), arrays)
        numbers = dict(zip(fitters, observed, strict=True))
        kept = {name: values for name in sampled if (values := numbers[name]) is not None}
        sample.update(_choose_priorities(rows, position), kept)
        position += len(rows)
    return sample


def _observe_column(fitter: Fitter, values: pa.Array) -> Floats | None:
    return fitter.observe(values)


def _settle(fitters: Sequence[Fitter], sample: RowSample, batches: Batches) -> None:
    sample.shrink()
    map_in_threads(lambda fitter: fitter.settle(sample), fitters)
    again = [fitter for fitter in fitters if fitter.needs_second_pass]
    for rows in batches() if again else ():
        for fitter in again:
            fitter.refine(one_array(rows[fitter.column]))


def _choose_priorities(rows: Rows, position: int) -> Hashes:
    if ROW_ID in names_of(rows):
        return hash_values(rows[ROW_ID])
    return mix64(np.arange(position, position + len(rows), dtype=np.uint64))


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
