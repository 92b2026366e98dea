"""The plan of a table's rows: the part of each, and the stream of those that stay."""

from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from include.features.encoders import Counts
from include.features.series import ReadBatches, SeriesPass, open_series
from include.features.series_plan import SeriesPlan
from include.features.splits import LEFT_OUT, Parts
from include.values.hashing import Hashes


class Batch(NamedTuple):
    """Some rows that stay, after cleaning and series features."""

    rows: pa.Table
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
        self.kept = kept
        self.hashes: Hashes | None = None
        self._series = series
        self._open_series: Callable[[], SeriesPass] = open_series(series, self.read_kept)
        self.parts: Parts = np.where(kept, 0, LEFT_OUT).astype(np.uint8)
        self.counts: Counts = {}
        self.warnings: list[str] = []

    @property
    def filled_columns(self) -> tuple[str, ...]:
        """Columns whose gaps are filled in order."""
        return (*self._series.forward, *self._series.backward)

    @property
    def series(self) -> SeriesPlan:
        """What is done to the rows in order."""
        return self._series

    def fill_within_parts(self) -> None:
        """Do the work in order anew, now that parts are known: no fill reaches into another."""
        self.counts.pop("values_filled_backward", None)
        self._open_series = open_series(self._series, self.read_kept, parts=self.parts[self.kept])

    def stream(self, columns: Sequence[str], *, part: int | None = None) -> Iterator[Batch]:
        """Stream the rows of one part, or of all, with the columns asked for, in table order."""
        work = self._open_series()
        for rows, positions in self._iterate((*columns, *self._series.inputs)):
            worked = work.apply(rows)
            parts = self.parts[positions]
            chosen = parts != LEFT_OUT if part is None else parts == part
            if chosen.any():  # none is where every row of a batch repeats an earlier one
                is_whole = chosen.all()
                yield Batch(
                    worked if is_whole else worked.filter(pa.array(chosen)), positions[chosen]
                )
        self.counts.update({name: count for name, count in work.counts.items() if count})

    def read_kept(self, columns: Sequence[str]) -> Iterator[pa.Table]:
        """Read all rows but duplicates as they are stored."""
        return (batch.rows for batch in self._iterate(columns))

    def _iterate(self, columns: Sequence[str]) -> Iterator[Batch]:
        stored = tuple(name for name in dict.fromkeys(columns) if name not in self._series.added)
        position = 0
        for rows in self._read(stored):
            positions = np.arange(position, position + len(rows))
            position += len(rows)
            kept = self.kept[positions]
            yield (
                Batch(rows, positions)
                if kept.all()
                else Batch(rows.filter(pa.array(kept)), positions[kept])
            )
