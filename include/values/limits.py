"""What the contract says of single values: bounds, allowed values, and no infinite number.

The quality gate writes its expectations from it, and a model that answers checks with it the
rows that it is asked about: one rule for the rows that train and the rows that are served.
"""

from collections.abc import Iterator
from datetime import datetime
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from include.specs import Column
from include.specs.columns import (
    CategoryColumn,
    DatetimeColumn,
    IntegerColumn,
    NumberColumn,
    TensorColumn,
)
from include.values.showing import list_few
from include.values.times import read_moment

Mask = npt.NDArray[np.bool_]
FINITE = "finite numbers"
NOT_MISSING = "no missing value"


class Limits(NamedTuple):
    """What each value of a column must be; an empty field asks nothing."""

    low: float | datetime | None = None
    high: float | datetime | None = None
    allowed: tuple[str, ...] | None = None
    is_finite: bool = False

    @property
    def words(self) -> str:
        """Say it: of the bounds where there are some, else of the allowed values."""
        if self.allowed is not None:
            return f"one of {list_few(self.allowed, 10)}"
        noun = "times" if isinstance(self.low or self.high, datetime) else "values"
        if self.high is None:
            return f"{noun} of at least {_short(self.low)}"
        if self.low is None:
            return f"{noun} of at most {_short(self.high)}"
        return f"{noun} between {_short(self.low)} and {_short(self.high)}"


def limits_of(column: Column) -> Limits:
    """Give the limits of a column; at rest a private one has none that a digest would keep.

    An open side lets infinity pass, which no network survives, so finite numbers are asked for.

    Example:
        >>> limits_of(NumberColumn(name="x", kind="number", min=0)).words
        'values of at least 0'
    """
    if column.private is not None:
        return Limits()
    if isinstance(column, NumberColumn | IntegerColumn | TensorColumn):
        is_open = column.min is None or column.max is None
        is_finite = is_open and not isinstance(column, IntegerColumn)
        return Limits(column.min, column.max, is_finite=is_finite)
    if isinstance(column, DatetimeColumn):
        low, high = column.min, column.max
        return Limits(read_moment(low) if low else None, read_moment(high) if high else None)
    if isinstance(column, CategoryColumn):
        return Limits(allowed=column.values)
    return Limits()


def find_broken(column: Column, values: pa.Array) -> Iterator[tuple[str, Mask]]:
    """Find values at rest that break the contract.

    Args:
        column: The column's contract.
        values: Its values, of the type at rest; missing ones are broken where none is allowed.

    Yields:
        What is expected, in words, and which values are not so; only where some are not.
    """
    for words, broken in _find(column, values):
        mask = broken.fill_null(False).to_numpy(zero_copy_only=False)
        if mask.any():
            yield words, mask


def _find(column: Column, values: pa.Array) -> Iterator[tuple[str, pa.Array]]:
    limits = limits_of(column)
    if not column.nulls:
        yield NOT_MISSING, values.is_null()
    if limits.allowed is not None:
        is_known = pc.is_in(values, value_set=pa.array(limits.allowed, pa.string()))
        yield limits.words, pc.and_(values.is_valid(), pc.invert(is_known))
    low, high = _extremes(column, values)
    if limits.is_finite:
        is_finite = pc.and_(pc.is_finite(low), pc.is_finite(high))
        yield FINITE, pc.invert(is_finite)
    if limits.low is not None:
        yield limits.words, pc.less(low, _scalar(limits.low, low))
    if limits.high is not None:
        yield limits.words, pc.greater(high, _scalar(limits.high, high))


def _extremes(column: Column, values: pa.Array) -> tuple[pa.Array, pa.Array]:
    """Give each value twice; of a tensor its smallest and largest element that is a number."""
    if not isinstance(column, TensorColumn):
        return values, values
    size = values.type.list_size
    elements = values.values.slice(values.offset * size, len(values) * size)
    rows = elements.fill_null(0).to_numpy(zero_copy_only=False).reshape(-1, size)
    if rows.dtype.kind != "f":
        low, high = rows.min(axis=1), rows.max(axis=1)
    else:
        low = np.where(np.isnan(rows), np.inf, rows).min(axis=1)
        high = np.where(np.isnan(rows), -np.inf, rows).max(axis=1)
        is_empty = np.isnan(rows).all(axis=1)
        low[is_empty] = high[is_empty] = 0
    missing = values.is_null().to_numpy(zero_copy_only=False)
    return pa.array(low, mask=missing), pa.array(high, mask=missing)


def _scalar(bound: Any, values: pa.Array) -> pa.Scalar:
    is_time = isinstance(bound, datetime)
    return pa.scalar(bound, values.type) if is_time else pa.scalar(float(bound))


def _short(bound: object) -> str:
    if isinstance(bound, float):
        return f"{bound:.12g}"
    return str(bound).removesuffix("+00:00").removesuffix(" 00:00:00")
