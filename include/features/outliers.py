"""Training rows that are left out as outliers: `outliers: drop_row` and `outliers: isolation`."""

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from include.features.part_checks import check_parts
from include.features.row_plan import RowPlan
from include.features.splits import LEFT_OUT, TRAIN
from include.features.typed_values import read_numbers
from include.specs import PipelineSpec
from include.specs.columns import IntegerColumn, NumberColumn
from include.values.hashing import mix64
from include.values.statistics import RowSample

Floats = npt.NDArray[np.float64]
IsOutlier = Callable[[Floats], npt.NDArray[np.bool_]]


def drop_outlier_rows(spec: PipelineSpec, plan: RowPlan) -> None:
    """Leave out training rows that are outliers; validation and test rows all stay.

    Raises:
        DataError: Too few training rows remain.
    """
    by_quantile, together = _columns_of(spec, "drop_row"), _columns_of(spec, "isolation")
    dropped = 0
    if by_quantile:
        dropped += _drop(plan, tuple(by_quantile), _fit_quantiles(plan, by_quantile))
    if together:
        share = spec.cleaning.isolation_share
        dropped += _drop(plan, tuple(together), _fit_forest(plan, tuple(together), share))
    if by_quantile or together:
        plan.counts["outlier_rows_dropped"] = dropped
        check_parts(plan.parts, min_rows=spec.min_rows, counts=plan.counts)


def _columns_of(spec: PipelineSpec, method: str) -> dict[str, tuple[float, float]]:
    return {
        column.name: column.outlier_quantiles
        for column in spec.feature_columns
        if isinstance(column, NumberColumn | IntegerColumn) and column.outliers == method
    }


def _drop(plan: RowPlan, names: tuple[str, ...], is_outlier: IsOutlier) -> int:
    dropped = 0
    for batch in plan.stream(names, part=TRAIN):
        outside = is_outlier(_read_columns(batch.rows, names))
        plan.parts[batch.positions[outside]] = LEFT_OUT
        dropped += int(outside.sum())
    return dropped


def _fit_quantiles(plan: RowPlan, columns: dict[str, tuple[float, float]]) -> IsOutlier:
    """Bound each column by its quantiles in training; what is missing is no outlier."""
    sample, bounds = _sample(plan, tuple(columns)), []
    for name, quantiles in columns.items():
        values = sample.values(name)
        bounds.append(np.quantile(values, quantiles) if values.size else (-np.inf, np.inf))
    low, high = np.asarray(bounds, dtype=np.float64).T
    return lambda rows: ((rows < low) | (rows > high)).any(axis=1)


def _fit_forest(plan: RowPlan, names: tuple[str, ...], share: float) -> IsOutlier:
    """Fit an isolation forest on training rows, missing numbers at their column's median.

    Source: Liu, Ting and Zhou, Isolation Forest, ICDM 2008; scikit-learn's implementation.
    """
    rows = _sample(plan, names).rows()
    has_values = ~np.isnan(rows).all(axis=0)
    medians = np.zeros(len(names))
    medians[has_values] = np.nanmedian(rows[:, has_values], axis=0)
    # Imported only here: it brings half of scikit-learn along, and few pipelines ask for it.
    from sklearn.ensemble import IsolationForest

    forest = IsolationForest(contamination=share, random_state=0)
    forest.fit(np.where(np.isnan(rows), medians, rows))
    return lambda some: forest.predict(np.where(np.isnan(some), medians, some)) < 0


def _sample(plan: RowPlan, names: tuple[str, ...]) -> RowSample:
    sample = RowSample(names)
    for batch in plan.stream(names, part=TRAIN):
        values = {name: read_numbers(batch.rows.column(name), name) for name in names}
        sample.update(mix64(batch.positions.astype(np.uint64)), values)
    return sample


def _read_columns(rows: pa.Table, names: tuple[str, ...]) -> Floats:
    return np.column_stack([read_numbers(rows.column(name), name) for name in names])
