"""Fit the encoders of all columns in one or two passes over the training rows."""

from collections.abc import Callable, Collection, Iterable, Sequence
from typing import NamedTuple

import numpy as np

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
from include.values.overlap import THREADS, Follower, map_in_threads
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
    shares = _share_out({**fitters, target.column: target})
    _observe(shares, batches)
    left_out = leave_out()
    map_in_threads(lambda share: share.settle(left_out), shares)
    chosen = [column for column in columns if column.name not in left_out]
    fitters = {column.name: fitters[column.name] for column in chosen if column.name in fitters}
    _refine([*fitters.values(), target], batches)
    encoders: list[Encoder] = []
    for column in chosen:
        if isinstance(column, TensorColumn):
            encoders.append(_build_tensor_encoder(column, names[column.name]))
        elif (encoder := fitters[column.name].finish()) is not None:
            encoders.append(encoder)
    warnings = tuple(text for fitter in fitters.values() for text in fitter.warnings)
    return FittedEncoders(tuple(encoders), target.finish(), warnings)


class _Share(NamedTuple):
    """The columns that one thread observes, and the sample of their numbers."""

    fitters: dict[str, Fitter]
    sample: RowSample

    def observe(self, rows: Rows, priorities: Hashes) -> None:
        """Observe a batch; whichever columns a sample has, its rows are the same."""
        kept: dict[str, Floats] = {}
        for name, fitter in self.fitters.items():
            numbers = fitter.observe(one_array(rows[name]))
            if fitter.needs_sample and numbers is not None:
                kept[name] = numbers
        self.sample.update(priorities, kept)

    def settle(self, left_out: Collection[str]) -> None:
        """Let the fitters decide by what was observed."""
        self.sample.shrink()
        for name, fitter in self.fitters.items():
            if name not in left_out:
                fitter.settle(self.sample)


def _share_out(fitters: dict[str, Fitter]) -> list[_Share]:
    """Deal the columns out in turn: neighbours are often of one kind."""
    shares = []
    for first in range(THREADS):
        own = dict(list(fitters.items())[first::THREADS])
        sampled = tuple(name for name, fitter in own.items() if fitter.needs_sample)
        shares.append(_Share(own, RowSample(sampled)))
    return shares


def _observe(shares: Sequence[_Share], batches: Batches) -> None:
    names = tuple(name for share in shares for name in share.fitters)
    threads = [Follower() for _ in shares]
    position = 0
    try:
        for rows in batches():
            check_present(rows, names)
            priorities = _choose_priorities(rows, position)
            for thread, share in zip(threads, shares, strict=True):
                thread.do(share.observe, rows, priorities)
            position += len(rows)
        for thread in threads:
            thread.wait()
    finally:
        for thread in threads:
            thread.close()


def _refine(fitters: Sequence[Fitter], batches: Batches) -> None:
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
