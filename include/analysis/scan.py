"""One pass over a table in bounded memory: exact counts, and a sample for the rest.

The order of the rows is that of the batches; `ordering` sees to it.

Counts of rows, missing values, duplicates, sums and extremes are exact at any size. Quantiles,
histograms and associations come from the sample, which is the whole table up to `SAMPLE_ROWS`
rows and beyond that the rows whose hashed number is small: the same rows every time. Memory grows
by eight bytes a row, for the hashes that find duplicates.
"""

from collections.abc import Callable, Hashable, Iterable
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
import pandas as pd

from include.analysis.roles import (
    has_values,
    hash_whole_rows,
    is_in_time,
    list_filled,
    name_groups,
    read_roles,
    simplify,
)
from include.specs import PipelineSpec
from include.specs.names import PART, ROW_ID
from include.values.duplicates import Mask, find_duplicates
from include.values.hashing import Hashes, mix64

SAMPLE_ROWS: Final = 200_000
STRETCHES: Final = 120
Batches = Callable[[], Iterable[pd.DataFrame]]


@dataclass
class ColumnCounts:
    """Exact figures of one column, grown batch by batch."""

    missing: int = 0
    filled_forward: int = 0
    longest_gap: int = 0
    count: int = 0
    mean: float = 0.0
    squares: float = 0.0
    minimum: float = float("inf")
    maximum: float = float("-inf")
    running_gap: int = 0

    @property
    def std(self) -> float:
        """Standard deviation of the sample of size n − 1."""
        return float(np.sqrt(self.squares / (self.count - 1))) if self.count > 1 else 0.0

    def add_gaps(self, is_missing: np.ndarray) -> None:
        """Count missing values and the longest run of them, across batches."""
        self.missing += int(is_missing.sum())
        if len(is_missing) == 0:
            return
        present = np.flatnonzero(~is_missing)
        if len(present) == 0:
            self.running_gap += len(is_missing)
        else:
            inner = int(np.diff(present).max(initial=1)) - 1
            self.longest_gap = max(self.longest_gap, self.running_gap + int(present[0]), inner)
            self.running_gap = len(is_missing) - 1 - int(present[-1])
        self.longest_gap = max(self.longest_gap, self.running_gap)

    def add_values(self, values: np.ndarray) -> None:
        """Merge finite values into count, mean and spread (Chan, Golub and LeVeque, 1979)."""
        values = values[np.isfinite(values)]
        if len(values) == 0:
            return
        mean, total = float(values.mean()), self.count + len(values)
        shift = mean - self.mean
        self.squares += float(((values - mean) ** 2).sum())
        self.squares += shift**2 * self.count * len(values) / total
        self.mean += shift * len(values) / total
        self.count = total
        self.minimum = min(self.minimum, float(values.min()))
        self.maximum = max(self.maximum, float(values.max()))


@dataclass
class Scan:
    """What one pass over a table gives."""

    rows: int = 0
    duplicates: int = 0
    counts: dict[str, ColumnCounts] = field(default_factory=dict)
    stretches: np.ndarray = field(default_factory=lambda: np.zeros((0, 0)))
    rows_per_stretch: int = 1
    sample: pd.DataFrame = field(default_factory=pd.DataFrame)
    is_whole: bool = True


def scan_table(
    spec: PipelineSpec, batches: Batches, rows: int, *, sample_rows: int = SAMPLE_ROWS
) -> Scan:
    """Read a table once.

    Args:
        spec: Says what each column is, which are filled forward, and whether duplicates go.
        batches: Gives the table's frames from the start, in the order in which they are filled.
        rows: Number of its rows.
        sample_rows: About how many rows to keep; all of a smaller table.
    """
    names = [name for name, role in read_roles(spec).items() if has_values(role)]
    width = max(1, -(-rows // STRETCHES))
    stretches = np.zeros((len(spec.stored_columns), STRETCHES))
    scan = Scan(rows_per_stretch=width, stretches=stretches, is_whole=rows <= sample_rows)
    hashes: list[Hashes] = []
    tests: list[Mask] = []
    kept: list[pd.DataFrame] = []
    carried: dict[Hashable, Any] = {}
    filled_names = list_filled(spec)
    for raw in batches():
        frame = simplify(spec, raw)
        _count(scan, spec, raw, frame)
        hashes.append(hash_whole_rows(spec, raw))
        if PART in raw and spec.split.method == "given":
            tests.append((raw[PART] == "test").to_numpy(dtype=bool))
        if is_in_time(spec):
            filled = _fill_forward(scan, frame, name_groups(spec, raw), carried)
            frame = frame.assign(**{name: filled[name] for name in filled_names if name in filled})
        chosen = _choose(raw, rows, sample_rows)
        kept.append(frame.loc[chosen, names].assign(**{"": scan.rows + np.flatnonzero(chosen)}))
        scan.rows += len(raw)
    _finish(scan, spec, _find_dropped(hashes, tests), kept)
    return scan


def _count(scan: Scan, spec: PipelineSpec, raw: pd.DataFrame, frame: pd.DataFrame) -> None:
    place = np.minimum((scan.rows + np.arange(len(raw))) // scan.rows_per_stretch, STRETCHES - 1)
    for index, column in enumerate(spec.stored_columns):
        if column.name not in raw:
            continue
        counts = scan.counts.setdefault(column.name, ColumnCounts())
        is_missing = raw[column.name].isna().to_numpy()
        counts.add_gaps(is_missing)
        scan.stretches[index] += np.bincount(place[is_missing], minlength=STRETCHES)
        if column.name in frame and frame[column.name].dtype == np.float64:
            counts.add_values(frame[column.name].to_numpy())


def _fill_forward(
    scan: Scan, frame: pd.DataFrame, groups: pd.Series | None, carried: dict[Hashable, Any]
) -> pd.DataFrame:
    """Fill all columns, within groups if there are any, and count what that does to each."""
    changed = {}
    for name, column in frame.items():
        before = carried.get(name)
        filled = column.ffill() if groups is None else column.groupby(groups).ffill()
        if before is not None:
            rest = before if groups is None else groups.map(before)
            filled = filled.fillna(rest) if groups is None else filled.where(filled.notna(), rest)
        counts = scan.counts.get(str(name))
        if counts is not None:
            counts.filled_forward += int(column.isna().sum() - filled.isna().sum())
        carried[name] = _last_values(filled, groups, before)
        changed[str(name)] = filled
    return frame.assign(**changed)


def _last_values(filled: pd.Series, groups: pd.Series | None, before: Any) -> Any:
    if groups is None:
        present = filled.dropna()
        return present.iloc[-1] if len(present) else before
    latest = filled.groupby(groups).last().dropna()
    return latest if before is None else latest.combine_first(before)


def _choose(raw: pd.DataFrame, rows: int, sample_rows: int) -> np.ndarray:
    """Choose rows by their hashed number: the same ones every time, spread over the table."""
    if rows <= sample_rows:
        return np.ones(len(raw), dtype=bool)
    hashed = mix64(raw[ROW_ID].to_numpy(dtype=np.uint64))
    return hashed < np.uint64(int(sample_rows / rows * 2**64))


def _find_dropped(hashes: list[Hashes], tests: list[Mask]) -> Mask:
    """Find the rows that `prepare` calls duplicates, by its rule."""
    if not hashes:
        return np.zeros(0, dtype=bool)
    return find_duplicates(np.concatenate(hashes), np.concatenate(tests) if tests else None).dropped


def _finish(scan: Scan, spec: PipelineSpec, dropped: Mask, kept: list[pd.DataFrame]) -> None:
    scan.duplicates = int(dropped.sum())
    sample = pd.concat(kept, ignore_index=True) if kept else pd.DataFrame({"": np.zeros(0, int)})
    if spec.cleaning.duplicates == "drop":
        sample = sample[~dropped[sample[""].to_numpy()]].reset_index(drop=True)
    scan.sample = sample.drop(columns="")
