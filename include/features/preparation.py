"""From a checked table to what training reads: all parts of this package, in their order."""

import json
from collections.abc import Iterator
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from include.features.cleaning import plan_rows
from include.features.encoders import Counts
from include.features.joint_leaks import warn_of_joint_leaks
from include.features.leakage import TrainingSample, check_columns, check_leakage
from include.features.outliers import drop_outlier_rows
from include.features.preprocessor import Preprocessor, fit_preprocessor
from include.features.row_plan import Batch, RowPlan
from include.features.selection import select_columns
from include.features.series import ReadBatches
from include.features.splits import PART_NAMES, TEST, TRAIN, VALIDATION
from include.specs import PipelineSpec
from include.specs.columns import TensorColumn
from include.specs.names import ROW_ID
from include.values.overlap import map_ahead
from include.values.row_filter import RowFilter

TARGET: Final = "y"
TEST_ROWS: Final = "test_rows"
_BATCH_ROWS: Final = 131_072
_BATCH_BYTES: Final = 32 * 1024**2
_MAX_COUNTS: Final = 20


class Preparation:
    """A plan for every row and a preprocessor fitted on those that train."""

    def __init__(self, spec: PipelineSpec, plan: RowPlan, preprocessor: Preprocessor) -> None:
        """Hold what `fit_preparation` made."""
        self.preprocessor = preprocessor
        self._spec = spec
        self._plan = plan
        self._changes: Counts = {}
        names = tuple(column.name for column in spec.stored_columns)
        self.learned_rows = RowFilter.sized(names, int(self._find_learned(plan.parts).sum()))

    @property
    def warnings(self) -> tuple[str, ...]:
        """What a reader of the report should know."""
        return (*self._plan.warnings, *self.preprocessor.warnings)

    @property
    def counts(self) -> Counts:
        """What cleaning did, by action; complete once all rows have been streamed."""
        counts = {**self._plan.counts, **self._changes}
        return dict(list(counts.items())[:_MAX_COUNTS])

    def stream(self) -> Iterator[tuple[str, pa.Table]]:
        """Stream the rows of `train`, `validation` and `test` as arrays, and `test_rows` as read.

        Yields:
            The part and some of its rows, in table order; every part occurs, an empty one with
            no rows.
        """
        stored = [column.name for column in self._spec.stored_columns]
        self._changes = {}
        batches = map_ahead(self._divide, self._plan.stream((*stored, ROW_ID)))
        for parts, changes in batches:
            yield from parts
            for action, count in changes.items():
                self._changes[action] = self._changes.get(action, 0) + count

    def describe_cleaning(self) -> bytes:
        """Write counts and warnings as JSON."""
        details = {"counts": self.counts, "warnings": self.warnings}
        return json.dumps(details, indent=1).encode()

    def _divide(self, batch: Batch) -> tuple[list[tuple[str, pa.Table]], Counts]:
        """Transform a batch: its rows by part, and what that changed; note what is learned from."""
        parts = self._plan.parts[batch.positions]
        features = build_feature_rows(self.preprocessor, batch.rows)
        divided = [
            (name, features.filter(pa.array(parts == code))) for name, code in PART_NAMES.items()
        ]
        divided.append((TEST_ROWS, batch.rows.filter(pa.array(parts == TEST))))
        is_learned = self._find_learned(parts)
        if self._plan.hashes is not None:
            learned = self._plan.hashes[batch.positions[is_learned]]
        else:
            learned = self.learned_rows.hash(batch.rows.filter(pa.array(is_learned)))
        self.learned_rows.add(learned)
        return divided, self.preprocessor.count_changes(batch.rows)

    @staticmethod
    def _find_learned(parts: npt.NDArray[np.uint8]) -> npt.NDArray[np.bool_]:
        """Find what a model learns from: validation rows choose its best epoch."""
        return np.asarray((parts == TRAIN) | (parts == VALIDATION))


def fit_preparation(spec: PipelineSpec, read: ReadBatches, *, has_parts: bool) -> Preparation:
    """Plan every row, check for leaks, and fit the preprocessor on the training rows.

    Args:
        spec: The pipeline.
        read: Gives the checked rows, as often as asked, with the columns asked for.
        has_parts: Whether the table has the column `part`.

    Raises:
        DataError: The rows do not allow what the spec asks for.
        LeakageError: The target, or rows of another part, would reach training.
    """
    check_columns(spec)
    plan = plan_rows(spec, read, has_parts=has_parts)
    drop_outlier_rows(spec, plan)
    sample = TrainingSample(spec, plan)

    def check_sample() -> tuple[str, ...]:
        """Look for leaks in what the fit has read; names the features that selection leaves out."""
        rows = sample.to_frame()
        leaks = check_leakage(spec, rows)
        # A copy of the target hides two columns whose sum it is.
        plan.warnings.extend(leaks or warn_of_joint_leaks(spec, rows))
        left_out = select_columns(spec, rows)
        if left_out:
            named = ", ".join(left_out)
            plan.warnings.append(f"selection left out {len(left_out)} columns: {named}")
        return left_out

    preprocessor = fit_preprocessor(spec, lambda: sample.stream(ROW_ID), leave_out=check_sample)
    return Preparation(spec, plan, preprocessor)


def build_feature_rows(preprocessor: Preprocessor, rows: pa.Table) -> pa.Table:
    """Transform rows and lay them out as stored: a fixed-size list per input, `y`, `row_id`."""
    arrays = preprocessor.transform(rows)
    columns: dict[str, Any] = {name: _as_lists(array) for name, array in arrays.items()}
    columns[TARGET] = pa.array(preprocessor.transform_target(rows))
    columns[ROW_ID] = rows.column(ROW_ID)
    return pa.table(columns)


def choose_batch_rows(spec: PipelineSpec) -> int:
    """Choose how many rows to hold at once: fewer where rows have many columns or large arrays."""
    elements = sum(
        int(np.prod(column.shape)) if isinstance(column, TensorColumn) else 1
        for column in spec.feature_columns
    )
    return min(_BATCH_ROWS, max(256, _BATCH_BYTES // (4 * max(elements, 1))))


def _as_lists(array: npt.NDArray[Any]) -> pa.FixedSizeListArray:
    width = int(np.prod(array.shape[1:]))
    return pa.FixedSizeListArray.from_arrays(pa.array(array.reshape(-1)), width)
