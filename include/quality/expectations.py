"""Expectations of our own, usable in a spec by name like those of Great Expectations."""

import sys
from typing import Any, ClassVar, Final

import pandas as pd

from include.quality import null_safe  # noqa: F401 - its conditions register themselves
from include.quality.gx import ColumnAggregateExpectation, core_expectations

LARGEST: Final = sys.float_info.max


class ExpectColumnValuesToBeFinite(core_expectations.ExpectColumnValuesToBeBetween):
    """Expect numbers rather than infinities.

    An interval that is open on one side lets infinity pass; the widest closed one does not.
    """

    min_value: float = -LARGEST
    max_value: float = LARGEST


class ExpectColumnPairValuesToBeInGivenSet(core_expectations.ExpectColumnPairValuesToBeInSet):
    """Expect two columns to hold one of the given pairs, of which a missing value may be part.

    It takes the place of Great Expectations' own, which in SQL passes every row with a missing
    value, and in both engines counts wrongly under a row condition.
    """

    map_metric: ClassVar[str] = "column_pair_values.in_given_set"


class ExpectColumnValuesToVary(ColumnAggregateExpectation):
    """Expect at least two different values among those that are not missing.

    The smallest and the largest value tell, so nothing is counted or sorted.
    """

    metric_dependencies: ClassVar[tuple[str, ...]] = ("column.min", "column.max")
    success_keys: ClassVar[tuple[str, ...]] = ()
    args_keys: ClassVar[tuple[str, ...]] = ("column",)

    def _validate(
        self,
        metrics: dict[str, Any],
        runtime_configuration: dict[str, Any] | None = None,
        execution_engine: Any = None,
    ) -> dict[str, Any]:
        low, high = metrics["column.min"], metrics["column.max"]
        is_missing = low is None or bool(pd.isna(low))
        observed = "only missing values" if is_missing else f"only the value {low}"
        is_met = not is_missing and low != high
        return {"success": is_met, "result": {} if is_met else {"observed_value": observed}}
