"""Which columns become features, and as what kind: the contract as the preprocessor sees it."""

import re
from collections.abc import Iterable

from include.records import FeatureInput, FeatureSchema
from include.specs import PipelineSpec
from include.specs.columns import (
    BooleanColumn,
    CategoryColumn,
    DatetimeColumn,
    IntegerColumn,
    NumberColumn,
    TensorColumn,
    TextColumn,
)
from include.specs.features import LagFeatures
from include.specs.names import RESERVED_COLUMNS

FeatureColumn = (
    NumberColumn
    | IntegerColumn
    | BooleanColumn
    | CategoryColumn
    | DatetimeColumn
    | TextColumn
    | TensorColumn
)
DENSE_INPUT = "dense"
_TAKEN_NAMES = frozenset({DENSE_INPUT, "y", *RESERVED_COLUMNS})


def list_feature_columns(spec: PipelineSpec) -> tuple[FeatureColumn, ...]:
    """List the columns that the network sees: the contract's, then the lag features.

    A hashed private column is text at rest whatever its kind, so it is a hashed category here.
    """
    columns: list[FeatureColumn] = []
    for column in spec.feature_columns:
        if column.private == "hash":
            bins = column.hash_bins if isinstance(column, CategoryColumn) else 64
            columns.append(
                CategoryColumn(name=column.name, kind="category", encode="hash", hash_bins=bins)
            )
        elif isinstance(column, FeatureColumn):
            columns.append(column)
    columns.extend(
        NumberColumn(name=name, kind="number", nulls=1.0) for name in list_lag_columns(spec)
    )
    return tuple(columns)


def least_schema(spec: PipelineSpec) -> FeatureSchema:
    """Give what a network takes in at least, as far as it is known before a row is read.

    Arrays have their shape; a number that may not be missing is one input unless a selection
    leaves it out. How many codes categories, texts and the target will have, rows decide.
    """
    columns = list_feature_columns(spec)
    inputs = [
        FeatureInput(name=each.name, kind="tensor", shape=each.shape)
        for each in columns
        if isinstance(each, TensorColumn)
    ]
    numbers = [
        each.name
        for each in columns
        if isinstance(each, NumberColumn | IntegerColumn | BooleanColumn) and not each.nulls
    ]
    if numbers and spec.selection is None:
        inputs.append(FeatureInput(name=DENSE_INPUT, kind="dense", shape=(len(numbers),)))
    return FeatureSchema(inputs=tuple(inputs), task=spec.target.task, target=spec.target.column)


def list_lag_columns(spec: PipelineSpec) -> tuple[str, ...]:
    """Name the columns that lags and rolling means add."""
    names: list[str] = []
    for lag in spec.cleaning.lags:
        names.extend(name_lag_columns(lag))
    return tuple(dict.fromkeys(names))


def name_lag_columns(lag: LagFeatures) -> tuple[str, ...]:
    """Name the columns of one entry: `<column>_lag_<n>`, then `<column>_mean_<n>`.

    Example:
        >>> name_lag_columns(LagFeatures(column="heat", lags=(1, 24), windows=(3,)))
        ('heat_lag_1', 'heat_lag_24', 'heat_mean_3')
    """
    return (
        *(f"{lag.column}_lag_{step}" for step in lag.lags),
        *(f"{lag.column}_mean_{window}" for window in lag.windows),
    )


def name_inputs(columns: Iterable[str]) -> dict[str, str]:
    """Give each column a name that a network's input may have, different from all others.

    Example:
        >>> name_inputs(["image", "dense", "a/b"])
        {'image': 'image', 'dense': 'dense_2', 'a/b': 'a_b'}
    """
    taken = set(_TAKEN_NAMES)
    names: dict[str, str] = {}
    for column in columns:
        stem = re.sub(r"[^A-Za-z0-9_]+", "_", column).strip("_")[:60] or "input"
        name, number = stem, 2
        while name in taken:
            name, number = f"{stem}_{number}", number + 1
        taken.add(name)
        names[column] = name
    return names
