"""Rules over several columns in SQL, with missing values judged as the pandas engine judges them.

In SQL a comparison with a missing value is neither true nor false, and Great Expectations counts
only what is false: four of its conditions pass rows that its pandas engine fails. These take
their place for our engine. A missing value is neither larger than another nor part of a sum, and
two of them are the same value.

The classes register themselves when they are defined, as all metrics of Great Expectations do.
"""

from collections.abc import Sequence
from typing import Any, Final

import pandas as pd
import sqlalchemy as sa

from include.quality.duckdb_engine import DuckDBExecutionEngine
from include.quality.gx import (
    ColumnPairMapMetricProvider,
    MulticolumnMapMetricProvider,
    PandasExecutionEngine,
    column_pair_condition_partial,
    multicolumn_condition_partial,
    multicolumn_function_partial,
)

_ROWS: Final = ("batch_id", "table", "row_condition", "condition_parser", "ignore_row_if")
_PAIR: Final = ("column_A", "column_B", *_ROWS)
_LIST: Final = ("column_list", *_ROWS)


class PairsInSet(ColumnPairMapMetricProvider):
    """Pairs of a set, which may name missing values.

    A metric of its own, since Great Expectations' one does not know row conditions.
    """

    condition_metric_name = "column_pair_values.in_given_set"
    condition_domain_keys = _PAIR
    condition_value_keys = ("value_pairs_set",)

    @column_pair_condition_partial(engine=DuckDBExecutionEngine)
    def _in_sql(self, column_A: Any, column_B: Any, **values: Any) -> Any:  # noqa: N803 - GX's names
        pairs = (
            sa.and_(column_A.is_not_distinct_from(a), column_B.is_not_distinct_from(b))
            for a, b in values["value_pairs_set"]
        )
        return sa.or_(sa.false(), *pairs)

    @column_pair_condition_partial(engine=PandasExecutionEngine)
    def _in_pandas(self, column_A: Any, column_B: Any, **values: Any) -> Any:  # noqa: N803
        given = {tuple(pair) for pair in values["value_pairs_set"]}
        left, right = (
            column.astype(object).where(column.notna(), None) for column in (column_A, column_B)
        )
        is_given = [pair in given for pair in zip(left, right, strict=True)]
        return pd.Series(is_given, index=column_A.index, dtype=bool)


class PairGreater(ColumnPairMapMetricProvider):
    """One value larger than another."""

    condition_metric_name = "column_pair_values.a_greater_than_b"
    condition_domain_keys = _PAIR
    condition_value_keys = ("or_equal",)

    @column_pair_condition_partial(engine=DuckDBExecutionEngine)
    def _in_sql(self, column_A: Any, column_B: Any, **values: Any) -> Any:  # noqa: N803 - GX's names
        is_met = column_A >= column_B if values.get("or_equal") else column_A > column_B
        return sa.func.coalesce(is_met, sa.false())


class SumEqual(MulticolumnMapMetricProvider):
    """Values of a row that add up to a total."""

    condition_metric_name = "multicolumn_sum.equal"
    condition_domain_keys = _LIST
    condition_value_keys = ("sum_total",)

    @multicolumn_condition_partial(engine=DuckDBExecutionEngine)
    def _in_sql(self, column_list: Sequence[Any], **values: Any) -> Any:
        return sa.func.coalesce(sum(column_list) == values["sum_total"], sa.false())


class CompoundCount(MulticolumnMapMetricProvider):
    """How many rows share the values of some columns: a count by window, not by a join."""

    function_metric_name = "compound_columns.count"
    condition_metric_name = "compound_columns.unique"
    condition_domain_keys = _LIST

    @multicolumn_function_partial(engine=DuckDBExecutionEngine)
    def _in_sql(self, column_list: Sequence[Any], **values: Any) -> Any:
        columns = [sa.column(name) for name in values["_table_columns"]]
        rows = sa.func.count().over(partition_by=list(column_list)).label("_num_rows")
        return sa.select(*columns, rows).select_from(values["_table"]).alias("counted_rows")
