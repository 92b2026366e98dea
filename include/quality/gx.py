"""Great Expectations, imported quietly: the only door through which this package takes it in.

Loggers are set before the import, which would otherwise write about 180 lines. An expectation
that an engine cannot check says so in its result, so the metrics' own warnings add nothing.
"""
# ruff: noqa: E402 - the loggers come first

import logging
from typing import Any

logging.getLogger("great_expectations").setLevel(logging.WARNING)
logging.getLogger("great_expectations.expectations.metrics").setLevel(logging.ERROR)
# A task that imports a changed project anew declares our own expectations a second time.
logging.getLogger("great_expectations.expectations.registry").setLevel(logging.ERROR)

import great_expectations as gx
from great_expectations import ExpectationSuite
from great_expectations import expectations as core_expectations
from great_expectations.compatibility.pydantic import ValidationError
from great_expectations.datasource.fluent import SQLDatasource
from great_expectations.execution_engine import PandasExecutionEngine, SqlAlchemyExecutionEngine
from great_expectations.expectations.expectation import (
    BatchExpectation,
    ColumnAggregateExpectation,
    ColumnMapExpectation,
    ColumnPairMapExpectation,
    Expectation,
    MulticolumnMapExpectation,
)
from great_expectations.expectations.metrics.map_metric_provider import (
    ColumnPairMapMetricProvider,
    MulticolumnMapMetricProvider,
    column_pair_condition_partial,
    multicolumn_condition_partial,
    multicolumn_function_partial,
)
from great_expectations.expectations.metrics.metric_provider import metric_value
from great_expectations.expectations.metrics.table_metric_provider import TableMetricProvider
from great_expectations.expectations.row_conditions import Column as ConditionColumn

# This one sets its own level while it is imported.
logging.getLogger("great_expectations.data_context.types.base").setLevel(logging.WARNING)

__all__ = [
    "BatchExpectation",
    "ColumnAggregateExpectation",
    "ColumnMapExpectation",
    "ColumnPairMapExpectation",
    "ColumnPairMapMetricProvider",
    "ConditionColumn",
    "Expectation",
    "ExpectationSuite",
    "MulticolumnMapExpectation",
    "MulticolumnMapMetricProvider",
    "PandasExecutionEngine",
    "SQLDatasource",
    "SqlAlchemyExecutionEngine",
    "TableMetricProvider",
    "ValidationError",
    "column_pair_condition_partial",
    "core_expectations",
    "metric_value",
    "multicolumn_condition_partial",
    "multicolumn_function_partial",
    "open_context",
]


def open_context() -> Any:
    """Open a context in memory: no project directory, no progress bars, no Data Docs."""
    context = gx.get_context(mode="ephemeral")
    context.variables.progress_bars = {"globally": False, "metric_calculations": False}
    return context
