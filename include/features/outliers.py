"""Training rows that lie outside the quantiles of training, for `outliers: drop_row`."""

import numpy as np

from include.features.cleaning import RowPlan
from include.features.hashing import mix64
from include.features.splits import LEFT_OUT, TRAIN, check_parts
from include.features.statistics import RowSample
from include.features.typed_values import read_numbers
from include.specs import PipelineSpec
from include.specs.columns import IntegerColumn, NumberColumn

Bounds = dict[str, tuple[float, float]]


def drop_outlier_rows(spec: PipelineSpec, plan: RowPlan) -> None:
    """Leave out training rows with an outlier; validation and test rows all stay.

    Raises:
        DataError: Too few training rows remain.
    """
    columns = {
        column.name: column.outlier_quantiles
        for column in spec.feature_columns
        if isinstance(column, NumberColumn | IntegerColumn) and column.outliers == "drop_row"
    }
    if not columns:
        return
    bounds = _find_bounds(plan, columns)
    dropped = 0
    for batch in plan.stream(tuple(bounds), part=TRAIN):
        outside = np.zeros(len(batch.frame), dtype=bool)
        for name, (low, high) in bounds.items():
            values = read_numbers(batch.frame[name])
            outside |= (values < low) | (values > high)
        plan.parts[batch.positions[outside]] = LEFT_OUT
        dropped += int(outside.sum())
    plan.counts["outlier_rows_dropped"] = dropped
    check_parts(plan.parts, min_rows=spec.min_rows)


def _find_bounds(plan: RowPlan, columns: dict[str, tuple[float, float]]) -> Bounds:
    sample = RowSample(tuple(columns))
    for batch in plan.stream(tuple(columns), part=TRAIN):
        values = {name: read_numbers(batch.frame[name]) for name in columns}
        sample.update(mix64(batch.positions.astype(np.uint64)), values)
    bounds: Bounds = {}
    for name, quantiles in columns.items():
        values_of_column = sample.values(name)
        if values_of_column.size:
            low, high = np.quantile(values_of_column, quantiles)
            bounds[name] = (float(low), float(high))
    return bounds
