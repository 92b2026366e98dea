"""From sound CSV records to columns: numbers straight from the bytes, everything else as text.

Arrow's reader of CSV and its cast of text read numbers by one parser, so a column that it reads
whole is what `values/casts.py` makes of the same texts. Where a cell is none that it knows, the
column is given as text from there on, and the cast decides cell by cell.
"""

import re
from collections.abc import Iterable, Mapping
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pa_csv

from include.errors import SourceError
from include.sources.csv_block import Scanned
from include.sources.csv_scan import BlockScanner
from include.specs import Column
from include.specs.columns import DatetimeColumn
from include.values.numerals import describe_numerals

TYPES: Final[dict[str, pa.DataType]] = {"number": pa.float64(), "integer": pa.int64()}
MISCOUNT: Final = "CSV parse error"
COLUMN_IN_ERROR: Final = re.compile(r"In CSV column #(\d+)")


def list_number_types(contract: Iterable[Column]) -> dict[str, pa.DataType]:
    """Say which columns may come as numbers; the rest is wanted as it is written."""
    columns = tuple(contract)
    parts = {
        part
        for column in columns
        if isinstance(column, DatetimeColumn)
        for part in column.from_parts
    }
    return {
        column.name: TYPES[column.kind]
        for column in columns
        if column.kind in TYPES
        and column.name not in parts
        and column.missing is None
        and not describe_numerals(column)
    }


class MiscountError(SourceError):
    """Records have more or fewer fields than there are columns."""


class RecordParser:
    """Parses the blocks of one file.

    Args:
        scanner: What sorted the records, for how they are written.
        places: Where the wanted columns stand in a record, by name.
        fields: Number of fields of a record.
        types: Columns that may come as numbers.
        missing: Texts that mean a missing value.
    """

    def __init__(
        self,
        scanner: BlockScanner,
        places: Mapping[str, int],
        *,
        fields: int,
        types: Mapping[str, pa.DataType],
        missing: tuple[str, ...],
    ) -> None:
        self._scanner, self._missing = scanner, missing
        self._marks = _read_marks(missing)
        # Columns go by their numbers: names may be empty, or what Arrow takes for another.
        self._all = [str(number) for number in range(fields)]
        self._names = {str(place): name for name, place in places.items()}
        self._types = {number: types.get(name, pa.string()) for number, name in self._names.items()}

    def parse(self, scanned: Scanned) -> pa.Table:
        """Parse sound records; they are counted, so that no row can slip to another line.

        Raises:
            MiscountError: A record has more or fewer fields than there are columns.
        """
        if not len(scanned.lines):
            return pa.table({name: pa.array([], pa.string()) for name in self._names.values()})
        rows = self._read(scanned)
        if rows.num_rows != len(scanned.lines):
            raise MiscountError(
                f"expected {len(scanned.lines)} records in a block of lines. "
                f"Received: {rows.num_rows}. Check source.separator and source.quote."
            )
        return rows.rename_columns(list(self._names.values())).combine_chunks()

    def _read(self, scanned: Scanned) -> pa.Table:
        while True:
            try:
                rows = self._read_once(scanned)
            except pa.ArrowInvalid as error:
                self._give_as_text(error)
                continue
            unsure = [name for name in rows.column_names if self._is_unsure(rows.column(name))]
            if not unsure:
                return rows
            self._types.update(dict.fromkeys(unsure, pa.string()))

    def _is_unsure(self, column: pa.ChunkedArray) -> bool:
        """Tell whether numbers may be other spellings of what the contract takes for missing.

        Arrow knows more of "not a number", and does not know a mark like -999 beside a blank.
        """
        if pa.types.is_string(column.type):
            return False
        if pa.types.is_floating(column.type) and pc.any(pc.is_nan(column)).as_py():
            return True
        return (
            len(self._marks) > 0
            and pc.any(pc.is_in(column.cast(pa.float64(), safe=False), self._marks)).as_py()
        )

    def _give_as_text(self, error: pa.ArrowInvalid) -> None:
        """Take the column that an error names for text; all columns if it names none of numbers."""
        if MISCOUNT in str(error):
            raise MiscountError(f"expected records of equal length. Received: {error}.") from error
        found = COLUMN_IN_ERROR.search(str(error))
        numbers = [name for name, kind in self._types.items() if kind != pa.string()]
        if not numbers:
            raise error
        named = [found[1]] if found is not None and found[1] in numbers else numbers
        self._types.update(dict.fromkeys(named, pa.string()))

    def _read_once(self, scanned: Scanned) -> pa.Table:
        return pa_csv.read_csv(
            pa.BufferReader(scanned.clean),
            read_options=pa_csv.ReadOptions(
                column_names=self._all, block_size=len(scanned.clean) + 1
            ),
            parse_options=pa_csv.ParseOptions(
                delimiter=self._scanner.separator,
                quote_char=self._scanner.quote or False,
                double_quote=True,
                newlines_in_values=scanned.has_inner_line_ends,
            ),
            convert_options=pa_csv.ConvertOptions(
                include_columns=list(self._names),
                column_types=self._types,
                check_utf8=False,
                null_values=list(self._missing),
                strings_can_be_null=False,
            ),
        )


def _read_marks(missing: tuple[str, ...]) -> pa.Array:
    """Give the marks of a missing value that are numbers themselves."""
    texts = pa.array([mark.strip() for mark in missing], pa.string())
    is_number = pc.match_substring_regex(texts, r"^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$")
    return texts.filter(is_number).cast(pa.float64())
