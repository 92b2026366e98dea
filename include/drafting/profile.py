"""What is known of a file and its columns once they were counted."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import NamedTuple

from include.drafting.file_form import FileForm
from include.drafting.readings import ColumnReading, Misfits
from include.drafting.text_copy import TextCopy
from include.drafting.tracking import ArrayForm, TimeForm


class ColumnProfile(NamedTuple):
    """One column: counts of what its values could be, and examples of what they are."""

    name: str
    key: str
    rows: int
    filled: int
    distinct: int
    low: float | None
    high: float | None
    mean: float | None
    shortest: int
    words: float
    integers: int
    numbers: int
    zeros: int
    long: int
    whole_floats: int
    powers: int
    booleans: int
    emails: int
    phones: int
    dialled: int
    addresses: int
    titles: int
    capitals: int
    lettered: int
    digitless: int
    clocks: int
    quantities: int
    wrapped: int
    dated: int
    is_distinct_exact: bool
    is_rising: bool
    values: Mapping[str, int]
    time: TimeForm | None
    array: ArrayForm | None
    is_nested: bool
    reading: ColumnReading
    misfits: Misfits | None

    @property
    def null_share(self) -> float:
        """Share of missing values."""
        return 1 - self.filled / self.rows if self.rows else 1.0

    @property
    def is_unique(self) -> bool:
        """Whether no value occurs twice, as far as every row was counted."""
        return self.is_distinct_exact and self.distinct == self.filled

    @property
    def is_boolean(self) -> bool:
        """Whether every value is one of two opposites."""
        lower = {value.lower() for value in self.values}
        is_pair = len(lower) == 2 and self.booleans == self.filled
        return is_pair or set(self.values) == {"0", "1"}

    @property
    def whole(self) -> int:
        """How many values are whole numbers, however long they are or written as 1.0."""
        return self.integers + self.long + self.whole_floats

    @property
    def is_numeric(self) -> bool:
        """Whether every value is a number."""
        return self.numbers == self.filled > 0


class FileProfile(NamedTuple):
    """A file: how it is read, and its columns."""

    form: FileForm
    missing: tuple[str, ...]
    rows: int
    duplicates: int
    columns: tuple[ColumnProfile, ...]
    has_valid_days: bool
    copy: TextCopy
    unfit: tuple[int, ...]
    count_distinct: Callable[..., int]

    @property
    def file_name(self) -> str:
        """Name of the file, without its place."""
        return Path(self.form.source.uri).name

    @property
    def lost_share(self) -> float:
        """Share of rows that cannot be read or do not fit."""
        lost = self.copy.rejected + len(self.unfit)
        return lost / max(1, self.copy.rows + self.copy.rejected)
