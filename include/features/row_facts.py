"""What cleaning and splitting must know of every row: a few numbers each, read in one pass."""

from collections.abc import Iterable
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from include.errors import DataError
from include.features.splits import (
    PART_NAMES,
    TRAIN,
    Order,
    Parts,
    SplitFacts,
    build_strata,
    read_order,
)
from include.features.target import order_classes
from include.features.typed_values import read_numbers, read_texts
from include.specs import PipelineSpec
from include.values.hashing import Hashes, hash_values
from include.values.overlap import map_ahead
from include.values.statistics import Floats

Codes = npt.NDArray[np.int32]


class RowFacts(NamedTuple):
    """Facts by row, in table order."""

    is_target_missing: npt.NDArray[np.bool_]
    is_incomplete: npt.NDArray[np.bool_]
    codes: Codes | None
    classes: tuple[str, ...]
    numbers: Floats
    keys: Hashes
    times: Order

    def select(self, spec: PipelineSpec, rows: npt.NDArray[np.bool_]) -> SplitFacts:
        """Give what the spec's split needs, of the chosen rows."""
        if rows.all():
            # Slices share memory with what is here; masks would copy it.
            return self._select(spec, slice(None))
        return self._select(spec, rows)

    def _select(self, spec: PipelineSpec, rows: npt.NDArray[np.bool_] | slice) -> SplitFacts:
        if spec.split.method == "time":
            return SplitFacts(times=self.times[rows])
        keys = self.keys[rows]
        if spec.split.method != "stratified":
            return SplitFacts(keys=keys)
        if self.codes is None:
            return SplitFacts(keys=keys, strata=build_strata(self.numbers[rows]))
        return SplitFacts(keys=keys, strata=self.codes[rows])


def list_fact_columns(spec: PipelineSpec) -> tuple[str, ...]:
    """Name the columns that `gather_facts` reads."""
    return tuple(dict.fromkeys((spec.target.column, spec.split.by, *_list_required(spec))))


def gather_facts(spec: PipelineSpec, batches: Iterable[pa.Table]) -> RowFacts:
    """Gather the facts of all rows.

    Raises:
        SchemaError: Targets are not of their kind.
        DataError: The column of a time split cannot be ordered by.
    """
    required = _list_required(spec)
    is_time = spec.split.method == "time"
    targets: list[pa.Array] = []
    incomplete: list[npt.NDArray[np.bool_]] = []
    split_by: list[Any] = []

    def look_at(rows: pa.Table) -> tuple[pa.Array, npt.NDArray[np.bool_], Any]:
        is_open = np.zeros(len(rows), dtype=bool)
        for name in required:
            is_open |= rows.column(name).is_null().to_numpy()
        by = rows.column(spec.split.by)
        read = read_order(by, spec.split.by) if is_time else hash_values(by)
        return _read_target(spec, rows.column(spec.target.column)), is_open, read

    for target, is_open, by in map_ahead(look_at, batches):
        targets.append(target)
        incomplete.append(is_open)
        split_by.append(by)
    codes, classes, numbers, missing = _join_targets(spec, targets)
    return RowFacts(
        is_target_missing=missing,
        is_incomplete=np.concatenate(incomplete),
        codes=codes,
        classes=classes,
        numbers=numbers,
        keys=np.zeros(0, dtype=np.uint64) if is_time else np.concatenate(split_by),
        times=np.concatenate(split_by) if is_time else np.empty(0),
    )


def check_classes(spec: PipelineSpec, facts: RowFacts, parts: Parts) -> None:
    """Check that training has the classes it needs, and all those of validation and test.

    Raises:
        DataError: It has not.
    """
    if facts.codes is None:
        return
    counts = np.bincount(facts.codes[parts == TRAIN], minlength=len(facts.classes))
    trained = set(np.flatnonzero(counts).tolist())
    order_classes(spec, {facts.classes[code]: int(counts[code]) for code in trained})
    for name in ("validation", "test"):
        found = set(np.unique(facts.codes[parts == PART_NAMES[name]]).tolist())
        unseen = sorted(facts.classes[code] for code in found - trained)
        if unseen:
            raise DataError(
                f"target {spec.target.column!r}: expected every class of the {name} rows in "
                f"training too. Received: {unseen[:10]} in {name} only. Use "
                "`split: {method: stratified}`, bring more rows, or correct the labels."
            )


def _list_required(spec: PipelineSpec) -> list[str]:
    return [
        column.name
        for column in spec.feature_columns
        if getattr(column, "fill", None) == "drop_row"
    ]


def _read_target(spec: PipelineSpec, values: pa.ChunkedArray) -> pa.Array:
    if spec.target.task == "regression":
        return pa.array(read_numbers(values, spec.target.column))
    return read_texts(values).dictionary_encode()


def _join_targets(
    spec: PipelineSpec, targets: list[pa.Array]
) -> tuple[Codes | None, tuple[str, ...], Floats, npt.NDArray[np.bool_]]:
    if not targets:
        raise DataError(
            "expected rows to prepare. Received: an empty table. Check the source and quarantine."
        )
    joined = pa.chunked_array(targets)
    if spec.target.task == "regression":
        numbers = joined.to_numpy()
        return None, (), numbers, np.isnan(numbers)
    whole = joined.unify_dictionaries().combine_chunks()
    if isinstance(whole, pa.ChunkedArray):
        whole = whole.chunk(0)
    codes = pc.fill_null(whole.indices, -1).to_numpy(zero_copy_only=False).astype(np.int32)
    return codes, tuple(whole.dictionary.to_pylist()), np.empty(0), codes < 0
