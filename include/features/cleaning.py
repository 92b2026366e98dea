"""Decide what becomes of every row, then stream the rows that stay.

The order: exact duplicates go; gaps are filled in order and lag features are made; rows without
a target or with a gap that must not be go; the rest is split; outlier rows of the training part
go. Only a few numbers per row are held in memory; the rows themselves are streamed.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

from include.errors import DataError
from include.features.duplicates import (
    apply_duplicates_policy,
    check_overlap,
    find_duplicates,
)
from include.features.encoders import Counts
from include.features.hashing import Hashes, hash_rows
from include.features.row_facts import RowFacts, check_classes, gather_facts, list_fact_columns
from include.features.series import ReadBatches, SeriesPass, SeriesPlan, open_series
from include.features.splits import (
    LEFT_OUT,
    Parts,
    SplitFacts,
    assign_parts,
    check_groups,
    check_parts,
    check_time_order,
)
from include.specs import PipelineSpec

PART = "part"


class Batch(NamedTuple):
    """Some rows that stay, after cleaning and series features."""

    frame: pd.DataFrame
    positions: npt.NDArray[np.int64]


class RowPlan:
    """What becomes of every row of a table: its part, or that it is left out."""

    def __init__(
        self,
        read: ReadBatches,
        *,
        kept: npt.NDArray[np.bool_],
        series: SeriesPlan,
    ) -> None:
        """Begin with all rows in the training part.

        Args:
            read: Gives the table's rows, as often as asked, with the columns asked for.
            kept: The rows that are not dropped as duplicates.
            series: What is done to them in order.
        """
        self._read = read
        self._kept = kept
        self._series = series
        self._open_series: Callable[[], SeriesPass] = open_series(series, self._read_kept)
        self.parts: Parts = np.where(kept, 0, LEFT_OUT).astype(np.uint8)
        self.counts: Counts = {}
        self.warnings: list[str] = []

    @property
    def filled_columns(self) -> tuple[str, ...]:
        """Columns whose gaps are filled in order."""
        return (*self._series.forward, *self._series.backward)

    def stream(self, columns: Sequence[str], *, part: int | None = None) -> Iterator[Batch]:
        """Stream the rows of one part, or of all, with the columns asked for, in table order."""
        work = self._open_series()
        for frame, positions in self._iterate((*columns, *self._series.inputs)):
            worked = work.apply(frame)
            parts = self.parts[positions]
            chosen = parts != LEFT_OUT if part is None else parts == part
            if chosen.all():
                yield Batch(worked, positions)
            elif chosen.any():
                yield Batch(worked[chosen], positions[chosen])
        self.counts.update({name: count for name, count in work.counts.items() if count})

    def _read_kept(self, columns: Sequence[str]) -> Iterator[pd.DataFrame]:
        return (batch.frame for batch in self._iterate(columns))

    def _iterate(self, columns: Sequence[str]) -> Iterator[Batch]:
        stored = tuple(name for name in dict.fromkeys(columns) if name not in self._series.added)
        position = 0
        for frame in self._read(stored):
            positions = np.arange(position, position + len(frame))
            position += len(frame)
            kept = self._kept[positions]
            yield Batch(frame, positions) if kept.all() else Batch(frame[kept], positions[kept])


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
    duplicates = find_duplicates(hashes, is_test if spec.split.method == "given" else None)
    kept = apply_duplicates_policy(spec.cleaning, duplicates)
    plan = RowPlan(read, kept=kept, series=SeriesPlan(spec))
    facts = _gather(spec, plan)
    usable = _drop_unusable(spec, plan, facts)
    rows = kept.copy()
    rows[kept] = usable
    chosen = facts.select(spec, usable)
    given = None if is_test is None else is_test[rows]
    parts = assign_parts(spec.split, chosen._replace(is_given_test=given))
    plan.parts[:] = LEFT_OUT
    plan.parts[rows] = parts
    check_parts(plan.parts, min_rows=spec.min_rows)
    check_classes(spec, facts, plan.parts[kept])
    _check_split(spec, parts, chosen)
    plan.warnings.extend(_warn_of_filled_target(spec, plan))
    is_kept = spec.cleaning.duplicates == "keep"
    plan.warnings.extend(check_overlap(hashes, plan.parts, is_allowed=is_kept))
    plan.counts.update(
        rows_read=len(hashes),
        duplicates_dropped=int((duplicates.repeated & ~kept).sum()),
        distinct_rows_repeated=len(np.unique(hashes[duplicates.repeated])),
        duplicates_of_test_dropped=int((duplicates.shared_with_test & ~kept).sum()),
        gap_rows_left_out=int((parts == LEFT_OUT).sum()),
    )
    return plan


def list_compared_columns(spec: PipelineSpec) -> tuple[str, ...]:
    """Name the columns in which duplicates are equal: the features and the target."""
    return tuple(sorted({column.name for column in spec.feature_columns} | {spec.target.column}))


def _read_hashes(
    spec: PipelineSpec, read: ReadBatches, *, has_parts: bool
) -> tuple[Hashes, npt.NDArray[np.bool_] | None]:
    compared = list_compared_columns(spec)
    hashes: list[Hashes] = []
    tests: list[npt.NDArray[np.bool_]] = []
    for frame in read((*compared, PART) if has_parts else compared):
        hashes.append(hash_rows(frame, compared))
        if has_parts:
            tests.append((frame[PART] == "test").to_numpy(dtype=bool))
    if not hashes:
        raise DataError(
            "expected rows to prepare. Received: an empty table. Check the source and quarantine."
        )
    return np.concatenate(hashes), np.concatenate(tests) if tests else None


def _gather(spec: PipelineSpec, plan: RowPlan) -> RowFacts:
    columns = list_fact_columns(spec)
    return gather_facts(spec, (batch.frame for batch in plan.stream(columns)))


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


def _check_split(spec: PipelineSpec, parts: Parts, facts: SplitFacts) -> None:
    if spec.split.method == "group":
        check_groups(parts, facts.keys)
    if spec.split.method == "time":
        check_time_order(parts, facts.times)


def _warn_of_filled_target(spec: PipelineSpec, plan: RowPlan) -> list[str]:
    if spec.target.column not in plan.filled_columns:
        return []
    return [
        f"gaps of the target {spec.target.column!r} are filled in order: filled values train and "
        "are evaluated like measured ones"
    ]
