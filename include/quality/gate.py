"""The gate: run a suite on a table, move what may be moved, and judge the rest."""

import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import NamedTuple

import pyarrow as pa
import pyarrow.parquet as pq

from include.quality.checker import TableChecker
from include.quality.expectation_classes import find_class
from include.quality.outcomes import write_moved_outcome, write_outcome
from include.quality.quarantine import Checked, Quarantine
from include.quality.results import RuleResult
from include.quality.rules import Rule, Suite, derived_columns, private_columns
from include.quality.sql_engine import open_sql_engine
from include.quality.stored_types import check_types
from include.quality.suites import build_suite
from include.records import QualityReport, RuleOutcome
from include.specs import PipelineSpec


class GateResult(NamedTuple):
    """What the gate says, and the rows it moved: their id and why, in the order of the ids."""

    report: QualityReport
    moved: pa.Table


def run_gate(
    spec: PipelineSpec,
    files: Sequence[str],
    *,
    suite: Suite = "training",
    rejected: int = 0,
    moves_all: bool = False,
    memory_mb: int = 512,
) -> GateResult:
    """Check a table against the spec.

    Rules marked `quarantine` come first: the rows that fail them are moved, up to
    `quarantine_limit`. All rules are then judged on the rows that remain.

    Args:
        spec: The pipeline.
        files: Local Parquet files of the table, of the same columns, with a `row_id` in each.
        suite: training, or scoring, where the target may be absent.
        rejected: Rows of the source that could not be read and already are in quarantine.
        moves_all: Move every row that breaks a critical rule on rows, however many they are, as
            one row to score has nothing to do with another.
        memory_mb: Memory that DuckDB may hold before it spills to disk, in megabytes.

    Raises:
        SpecError: An entry under `quality` cannot be understood.
    """
    start = time.perf_counter()
    rules = build_suite(spec, suite)
    if moves_all:
        rules = tuple(_judge_rows(rule) for rule in rules)
    limit = 1.0 if moves_all else spec.quarantine_limit
    schema = pq.read_schema(files[0])
    with open_sql_engine(memory_mb=memory_mb) as sql:
        checker = TableChecker(sql, files, schema, derived_columns(spec))
        known = list(_check_columns(spec, rules, schema, checker))
        open_rules = _leave_out(rules, known, checker)
        quarantine = Quarantine(checker, limit=limit, rejected=rejected)
        quarantine.fill([rule for rule in open_rules if rule.is_quarantine])
        if not quarantine.moved_by:
            known += quarantine.untouched
            open_rules = [rule for rule in open_rules if not rule.is_quarantine]
        found = checker.check(open_rules)
    judged = [*known, *zip(open_rules, found, strict=True)]
    report = QualityReport(
        suite=suite,
        rows=quarantine.rows,
        outcomes=tuple(_write_outcomes(spec, judged, quarantine)),
        quarantined=quarantine.count,
        seconds=round(time.perf_counter() - start, 3),
    )
    return GateResult(report, quarantine.list_moved())


def is_blocked(report: QualityReport) -> bool:
    """Tell whether something critical failed, so that nothing may go on."""
    return any(failure.severity == "critical" for failure in report.failures)


def _judge_rows(rule: Rule) -> Rule:
    """Let a critical rule on rows move those that break it; how many may is no row's fault."""
    if rule.severity != "critical" or not hasattr(find_class(rule), "map_metric"):
        return rule
    if "mostly" in rule.arguments:
        return replace(rule, severity="warning", is_quarantine=False)
    return replace(rule, is_quarantine=True)


def _check_columns(
    spec: PipelineSpec, rules: Sequence[Rule], schema: pa.Schema, checker: TableChecker
) -> Iterator[Checked]:
    """Judge what the files' schema tells, and the rules whose columns are not there."""
    for rule in rules:
        missing = [name for name in rule.columns if name not in checker.columns]
        if _is_existence(rule):
            yield rule, RuleResult(not missing, "reader")
        elif missing and not _is_contract(rule):
            yield rule, RuleResult(False, "reader", error=f"there is no column {missing[0]!r}")
    named = frozenset(name for rule in rules for name in rule.columns)
    yield from check_types(spec, schema, named)


def _leave_out(
    rules: Sequence[Rule], known: Sequence[Checked], checker: TableChecker
) -> list[Rule]:
    """Return the rules that are still open.

    Of a column that is missing or of another type, the contract has nothing more to say.
    """
    done = {id(rule) for rule, _ in known}
    broken = {rule.subject for rule, result in known if not result.is_met}
    return [
        rule
        for rule in rules
        if id(rule) not in done
        and checker.columns.issuperset(rule.columns)
        and not (_is_contract(rule) and broken.intersection(rule.columns))
    ]


def _is_contract(rule: Rule) -> bool:
    return rule.origin.startswith("columns.")


def _is_existence(rule: Rule) -> bool:
    """Tell whether a rule asks for a name only, which SQL would find in any case."""
    return rule.name == "expect_column_to_exist" and set(rule.arguments) == {"column"}


def _write_outcomes(
    spec: PipelineSpec, judged: Sequence[Checked], quarantine: Quarantine
) -> Iterator[RuleOutcome]:
    has_private = bool(private_columns(spec))
    moved = {id(rule): before for rule, before in quarantine.moved_by}
    for rule, result in judged:
        if id(rule) in moved:
            yield write_moved_outcome(rule, moved[id(rule)], result, has_private=has_private)
        else:
            yield write_outcome(rule, result, has_private=has_private)
    limit = quarantine.judge()
    if limit is not None:
        yield limit
