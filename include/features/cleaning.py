"""Decide what becomes of every row, then stream the rows that stay.

The order: exact duplicates go; gaps are filled in order and lag features are made; rows without
a target or with a gap that must not be go; the rest is split; backward fills are held within
parts; outlier rows of the training part go. Only a few numbers per row are held in memory; the
rows themselves are streamed.
"""

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from include.errors import DataError
from include.features.duplicates import (
    RowHashes,
    apply_duplicates_policy,
    check_overlap,
    hash_batch,
    hold_together,
    join_hashes,
    list_compared_columns,
    warn_of_loss,
)
from include.features.part_checks import (
    check_keys,
    check_parts,
    check_series_order,
    check_time_order,
    count_shared_keys,
)
from include.features.row_facts import RowFacts, check_classes, gather_facts, list_fact_columns
from include.features.row_plan import RowPlan
from include.features.series import ReadBatches
from include.features.series_plan import SeriesPlan
from include.features.splits import LEFT_OUT, Parts, SplitFacts, assign_parts
from include.specs import PipelineSpec
from include.specs.columns import IdColumn
from include.specs.names import PART, ROW_ID
from include.values.duplicates import find_duplicates
from include.values.frames import one_array
from include.values.hashing import hash_values
from include.values.order import sort_places
from include.values.overlap import map_ahead


def plan_rows(spec: PipelineSpec, read: ReadBatches, *, has_parts: bool) -> RowPlan:
    """Decide the part of every row.

    Args:
        spec: The pipeline.
        read: Gives the table's rows, as often as asked, with the columns asked for.
        has_parts: Whether the table has the column `part`, as sources with a test file give.

    Raises:
        DataError: The rows do not allow what the spec asks for.
        LeakageError: Rows or groups would stand in two parts.
    """
    hashes, is_test = _read_hashes(spec, read, has_parts=has_parts)
    whole_test = is_test if spec.split.method == "given" else None
    duplicates = find_duplicates(hashes.whole, whole_test, hashes.repeats[0])
    kept = apply_duplicates_policy(spec.cleaning, duplicates)
    plan = RowPlan(read, kept=kept, series=SeriesPlan(spec))
    if not plan.series.is_needed:
        plan.hashes = hashes.whole  # nothing changes the rows that were hashed
    facts = _gather(spec, plan)
    usable = _drop_unusable(spec, plan, facts)
    rows = kept.copy()
    rows[kept] = usable
    chosen = facts.select(spec, usable)
    if spec.split.by == ROW_ID and spec.cleaning.duplicates == "keep" and chosen.keys.size:
        # Rows that are equal are one key: none of them trains while another tests.
        chosen = chosen._replace(keys=hold_together(chosen.keys, hashes.whole[rows]))
    given = None if is_test is None else is_test[rows]
    parts = assign_parts(spec.split, chosen._replace(is_given_test=given))
    plan.parts[:] = LEFT_OUT
    plan.parts[rows] = parts
    plan.counts.update(
        rows_read=len(kept),
        duplicates_dropped=int((duplicates.repeated & ~kept).sum()),
        duplicates_kept=int((duplicates.repeated & kept).sum()),
        distinct_rows_repeated=len(np.unique(hashes.whole[duplicates.repeated])),
        duplicates_of_test_dropped=int((duplicates.shared_with_test & ~kept).sum()),
        gap_rows_left_out=int((parts == LEFT_OUT).sum()),
    )
    plan.warnings.extend(warn_of_loss(plan.counts))
    placed = kept
    if plan.series.backward:
        placed = plan.parts != LEFT_OUT
        facts = _hold_fills_within_parts(spec, plan)
    check_parts(plan.parts, min_rows=spec.min_rows, counts=plan.counts)
    check_classes(spec, facts, plan.parts[placed])
    _check_split(spec, plan, chosen, plan.parts[rows])
    plan.warnings.extend(_warn_of_filled_target(spec, plan))
    plan.warnings.extend(_warn_of_shared_ids(spec, plan))
    is_kept = spec.cleaning.duplicates == "keep"
    plan.warnings.extend(check_overlap(hashes, plan.parts, is_allowed=is_kept))
    return plan


def _read_hashes(
    spec: PipelineSpec, read: ReadBatches, *, has_parts: bool
) -> tuple[RowHashes, npt.NDArray[np.bool_] | None]:
    compared = list_compared_columns(spec)
    hashes: list[RowHashes] = []
    tests: list[npt.NDArray[np.bool_]] = []

    def look_at(rows: pa.Table) -> tuple[RowHashes, npt.NDArray[np.bool_] | None]:
        is_test = pc.equal(rows.column(PART), "test").to_numpy() if has_parts else None
        return hash_batch(spec, rows), is_test

    for of_rows, is_test in map_ahead(look_at, read((*compared, PART) if has_parts else compared)):
        hashes.append(of_rows)
        if is_test is not None:
            tests.append(is_test)
    if not hashes:
        raise DataError(
            "expected rows to prepare. Received: an empty table. Check the source and quarantine."
        )
    return join_hashes(hashes), np.concatenate(tests) if tests else None


def _gather(spec: PipelineSpec, plan: RowPlan) -> RowFacts:
    columns = list_fact_columns(spec)
    return gather_facts(spec, (batch.rows for batch in plan.stream(columns)))


def _drop_unusable(spec: PipelineSpec, plan: RowPlan, facts: RowFacts) -> npt.NDArray[np.bool_]:
    missing = int(facts.is_target_missing.sum())
    if missing and spec.cleaning.missing_target == "fail":
        raise DataError(
            f"target {spec.target.column!r}: expected a value in every row. Received: {missing} "
            "missing. Set `cleaning: {missing_target: drop}`, or complete the source."
        )
    incomplete = facts.is_incomplete & ~facts.is_target_missing
    plan.counts.update(
        missing_target_dropped=missing, missing_value_rows_dropped=int(incomplete.sum())
    )
    return ~(facts.is_target_missing | facts.is_incomplete)


def _hold_fills_within_parts(spec: PipelineSpec, plan: RowPlan) -> RowFacts:
    """Take back what a fill brought from another part; leave out rows that it had completed."""
    placed = np.flatnonzero(plan.parts != LEFT_OUT)
    plan.fill_within_parts()
    facts = _gather(spec, plan)
    is_open = facts.is_target_missing | facts.is_incomplete
    if is_open.any():
        plan.parts[placed[is_open]] = LEFT_OUT
        plan.counts["unfilled_rows_left_out"] = int(is_open.sum())
        plan.warnings.append(
            f"{int(is_open.sum())} rows are left out: only a row of another part has a value to "
            "fill their gap backward"
        )
    return facts


def _check_split(spec: PipelineSpec, plan: RowPlan, facts: SplitFacts, parts: Parts) -> None:
    by, order_by = spec.split.by, plan.series.order_by
    if spec.split.method != "time":
        if by != ROW_ID:
            check_keys(parts, facts.keys, by=by)
        return
    check_time_order(parts, facts.times)
    if plan.series.is_needed and order_by is not None and order_by != by:
        check_series_order(_order_parts(plan, order_by), order_by=order_by, by=by)


def _order_parts(plan: RowPlan, order_by: str) -> Parts:
    parts = plan.parts[plan.kept]
    if order_by == ROW_ID:
        return parts
    values = pa.concat_tables(plan.read_kept((order_by,))).column(order_by)
    return np.asarray(parts[sort_places(one_array(values))])


def _warn_of_shared_ids(spec: PipelineSpec, plan: RowPlan) -> list[str]:
    """Warn of ids that train and are tested on, one column at a time; in time that is usual."""
    if spec.split.method == "time":
        return []
    warnings = []
    parts = plan.parts[plan.kept]
    for column in spec.stored_columns:
        if isinstance(column, IdColumn) and not column.unique and column.name != spec.split.by:
            batches = plan.read_kept((column.name,))
            keys = np.concatenate([hash_values(rows.column(0)) for rows in batches])
            shared = count_shared_keys(parts, keys)
            if shared:
                warnings.append(
                    f"{shared} values of the id {column.name!r} stand in two parts: what training "
                    f"learned of them helps in the test. Set `split: {{by: {column.name}}}` to "
                    "keep each in one"
                )
    return warnings


def _warn_of_filled_target(spec: PipelineSpec, plan: RowPlan) -> list[str]:
    if spec.target.column not in plan.filled_columns:
        return []
    return [
        f"gaps of the target {spec.target.column!r} are filled in order: filled values train and "
        "are evaluated like measured ones"
    ]
