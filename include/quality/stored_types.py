"""Whether the columns at rest have the types of the contract: read from the files, not the rows."""

import math

import pyarrow as pa

from include.quality.results import RuleResult
from include.quality.rules import Rule
from include.specs import Column, PipelineSpec


def check_types(
    spec: PipelineSpec, schema: pa.Schema, names: frozenset[str]
) -> list[tuple[Rule, RuleResult]]:
    """Compare the type of every column that is there with its kind.

    Args:
        spec: The pipeline.
        schema: The files' schema.
        names: Columns to compare.
    """
    return [
        _check_type(column, schema.field(column.name).type)
        for column in spec.stored_columns
        if column.name in names and column.name in schema.names
    ]


def _check_type(column: Column, found: pa.DataType) -> tuple[Rule, RuleResult]:
    rule = Rule(
        "expect_column_type_to_be",
        {"column": column.name},
        origin=f"columns.{column.name}",
        expected=f"{_words(column)} at rest, found {found}",
        next_move="Run `ingest` again with `force`; if it stays, correct `kind` of the column.",
    )
    return rule, RuleResult(is_met=_fits(column, found), engine="reader")


def _words(column: Column) -> str:
    if column.private is not None:
        return "text, as private columns are"
    if column.kind == "tensor":
        return f"tensors of {math.prod(column.shape)} numbers"
    return f"type {column.kind}"


def _fits(column: Column, found: pa.DataType) -> bool:
    if column.private is not None or column.kind in {"category", "text", "id"}:
        return bool(pa.types.is_string(found) or pa.types.is_large_string(found))
    if column.kind == "tensor":
        return bool(
            pa.types.is_fixed_size_list(found) and found.list_size == math.prod(column.shape)
        )
    tests = {
        "number": pa.types.is_floating,
        "integer": pa.types.is_integer,
        "boolean": pa.types.is_boolean,
        "datetime": pa.types.is_timestamp,
    }
    return bool(tests[column.kind](found))
