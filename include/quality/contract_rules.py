"""What the column contract expects by itself, written as rules."""

from collections.abc import Iterator
from typing import Any

from include.quality.rules import Rule, Suite
from include.specs import Column, PipelineSpec
from include.specs.columns import Severity, TensorColumn
from include.values.limits import FINITE, NOT_MISSING, Limits, limits_of


def contract_rules(spec: PipelineSpec, suite: Suite) -> tuple[Rule, ...]:
    """Write the rules of a contract.

    The scoring suite knows no target, takes any number of rows from one, and lets a column be
    constant, as it is in a single row.

    Args:
        spec: The pipeline.
        suite: training or scoring.
    """
    is_training = suite == "training"
    rules = [_row_count(spec.min_rows if is_training else 1)]
    for column in spec.stored_columns:
        if column.name != spec.target.column:
            rules += _column_rules(column, spec, is_training)
        elif is_training:
            rules += _target_rules(column, spec)
    return tuple(rules)


def _row_count(least: int) -> Rule:
    return Rule(
        "expect_table_row_count_to_be_between",
        {"min_value": least},
        origin="min_rows",
        expected=f"at least {least:,} rows",
        next_move="Check that the source is complete, or lower `min_rows`.",
    )


def _column_rules(column: Column, spec: PipelineSpec, is_training: bool) -> Iterator[Rule]:
    yield _existence(column)
    yield _nulls(column, column.nulls)
    yield from _value_rules(column)
    is_feature = column in spec.feature_columns and column.kind != "tensor"
    if is_training and is_feature:
        severity: Severity = "info" if column.severity == "info" else "warning"
        yield _variation(column, severity)


def _target_rules(column: Column, spec: PipelineSpec) -> Iterator[Rule]:
    yield _existence(column)
    # With `fail`, no row may lack its target, whatever share of nulls the column allows.
    is_strict = spec.cleaning.missing_target == "fail"
    yield _nulls(column, 0.0 if is_strict else column.nulls, severity="critical")
    yield from _value_rules(column)
    if spec.target.task == "regression":
        yield _variation(column, "critical")
        return
    yield _rule(
        column,
        "expect_column_unique_value_count_to_be_between",
        {"min_value": 2},
        severity="critical",
        expected="at least two classes to tell apart",
        next_move="Check the filter of the source, or `target.column`.",
    )


def _existence(column: Column) -> Rule:
    return _rule(
        column,
        "expect_column_to_exist",
        severity="critical",  # later steps cannot go on without it, whatever it means to the user
        expected=f"a column of kind {column.kind}",
        next_move="Correct the name in the source or in `columns`.",
    )


def _nulls(column: Column, share: float, severity: Severity | None = None) -> Rule:
    return _rule(
        column,
        "expect_column_values_to_not_be_null",
        {"mostly": round(1 - share, 12)} if share else {},
        severity=severity,
        can_move=True,
        expected=f"at most {share:.4g} of the values missing" if share else NOT_MISSING,
        next_move="Fill them at the source, or raise `nulls` of the column.",
    )


def _value_rules(column: Column) -> Iterator[Rule]:
    """Write what concerns single values; of private columns, only what a digest leaves alone."""
    if getattr(column, "unique", False) and column.private != "mask":
        yield _rule(
            column,
            "expect_column_values_to_be_unique",
            can_move=True,
            expected="no value to occur twice",
            next_move="Remove the repeated rows at the source, or set `unique: false`.",
        )
    if column.private is not None:
        return
    limits = limits_of(column)
    if limits.allowed is not None:
        yield _set(column, limits)
    elif isinstance(column, TensorColumn):
        yield from _range(column, f"{column.name}.min", limits._replace(high=None))
        yield from _range(column, f"{column.name}.max", limits._replace(low=None))
    else:
        yield from _range(column, column.name, limits)


def _range(column: Column, name: str, limits: Limits) -> Iterator[Rule]:
    if limits.low is not None or limits.high is not None:
        yield _rule(
            column,
            "expect_column_values_to_be_between",
            {"column": name, "min_value": limits.low, "max_value": limits.high},
            can_move=True,
            expected=limits.words,
            next_move="Correct them at the source, or change `min` and `max` of the column.",
        )
    if limits.is_finite:
        yield _rule(
            column,
            "expect_column_values_to_be_finite",
            {"column": name},
            can_move=True,
            expected=FINITE,
            next_move="Write a missing value instead, or set `quarantine: true` for the column.",
        )


def _set(column: Column, limits: Limits) -> Rule:
    return _rule(
        column,
        "expect_column_values_to_be_in_set",
        {"value_set": list(limits.allowed or ())},
        can_move=True,
        expected=limits.words,
        next_move="Correct the spelling at the source, or add the value to `values`.",
    )


def _variation(column: Column, severity: Severity) -> Rule:
    return _rule(
        column,
        "expect_column_values_to_vary",
        severity=severity,
        expected="at least two different values: a constant column teaches nothing",
        next_move="Check the source, or make the column `kind: ignore`.",
    )


def _rule(
    column: Column,
    expect: str,
    arguments: dict[str, Any] | None = None,
    *,
    expected: str,
    next_move: str,
    severity: Severity | None = None,
    can_move: bool = False,
) -> Rule:
    return Rule(
        expect,
        {"column": column.name, **(arguments or {})},
        origin=f"columns.{column.name}",
        severity=severity or column.severity,
        is_quarantine=can_move and column.quarantine,
        expected=expected,
        next_move=next_move,
        is_private=column.private is not None,
    )
