"""Which lines of a block of CSV are sound, found with array operations, and what of the rest is.

A line is sound if it has the right number of fields, its quotes open and close where they may,
and its bytes are UTF-8 without NUL. Only the other lines are read one by one: they continue over
several lines, are blank, or are rejected with line number and reason. A quote that is never
closed costs its own line, not the rest of the file.

Of a block in which every line closes its quotes, fields are not counted here: the parser does, and
where a count is wrong the block is scanned again. Files without such lines are read faster.
"""

from typing import Final

import numpy as np

from include.sources.csv_block import BlockWork, Scanned
from include.sources.csv_records import (
    Dialect,
    RecordError,
    check_field_count,
    parse_record,
    write_record,
)

NEWLINE: Final = 10
INNER_SEPARATOR: Final = "\x1f"


class BlockScanner:
    """Scans blocks of one file, each of which ends with a line end."""

    # Whether fields are counted here, as they are once the parser found a wrong count.
    counts_fields = False

    def __init__(self, dialect: Dialect, fields: int) -> None:
        self._dialect = dialect
        self._fields = fields
        wide = len(dialect.separator.encode()) > 1 or len(dialect.quote.encode()) > 1
        self._is_wide = wide
        self.separator = INNER_SEPARATOR if wide else dialect.separator
        self.quote = '"' if wide and dialect.quote else dialect.quote

    def scan(self, block: bytes, first_line: int, *, is_last: bool) -> Scanned:
        """Sort the lines of a block.

        Args:
            block: Whole lines in UTF-8.
            first_line: Number of the block's first line in the file, from 1.
            is_last: Whether the file ends here; else an open quote at the end waits for more.
        """
        data = np.frombuffer(block, np.uint8)
        ends = np.flatnonzero(data == NEWLINE)
        starts = np.concatenate([[0], ends[:-1] + 1])
        if not self.counts_fields and self._closes_quotes(block, data, starts):
            work = BlockWork(block, starts, ends, first_line)
            work.is_record = ends > starts
            return work.finish(len(ends), is_counted=False)
        irregular, odd = self._find_irregular(block, data, starts, ends)
        work = BlockWork(block, starts, ends, first_line)
        work.is_record = (ends > starts) & ~irregular
        for line in np.flatnonzero(irregular):
            if line <= work.done_line:
                continue
            last = self._take_irregular(work, int(line), odd)
            if last is None and not is_last and work.can_wait(int(line)):
                return work.finish(int(line))
            if last is None:
                work.reject(int(line), "bad_quote", "a quote is opened and never closed")
        return work.finish(len(ends))

    def _closes_quotes(self, block: bytes, data: np.ndarray, starts: np.ndarray) -> bool:
        """Tell whether all lines are text whose quotes open and close fields within the line."""
        if self._is_wide or b"\x00" in block or b"\r" in block or not _is_utf8(block):
            return False
        if not self._dialect.quote or self._dialect.quote.encode() not in block:
            return True
        separator, quote = ord(self._dialect.separator), ord(self._dialect.quote)
        quotes = np.flatnonzero(data == quote)
        if len(quotes) & 1 or (np.searchsorted(quotes, starts) & 1).any():
            return False
        before = np.where(quotes[::2] > 0, data[quotes[::2] - 1], NEWLINE)
        borders = np.concatenate([before, data[quotes[1::2] + 1]])
        is_border = (borders == separator) | (borders == NEWLINE) | (borders == quote)
        return bool(is_border.all())

    def _take_irregular(self, work: "BlockWork", line: int, odd: np.ndarray) -> int | None:
        """Read an irregular line; None if it opens a quote that no line closes."""
        if self._dialect.quote and self._opens_quote(line, odd):
            partner = work.find_partner(line, odd)
            if partner is None:
                return self._take_record(work, line, line, is_open=True)
            taken = self._take_record(work, line, partner, is_open=True)
            return taken if taken is not None else self._take_record(work, line, line)
        return self._take_record(work, line, line)

    def _opens_quote(self, line: int, odd: np.ndarray) -> bool:
        place = int(np.searchsorted(odd, line))
        return place < len(odd) and int(odd[place]) == line

    def _take_record(
        self, work: "BlockWork", line: int, last: int, *, is_open: bool = False
    ) -> int | None:
        """Read the record from one line to another; None if that fails and more may be tried."""
        raw = work.text_bytes(line, last)
        try:
            text = _decode(raw)
            if not text.strip():
                work.skip(line)
                return line
            fields = parse_record(text, self._dialect)
            check_field_count(fields, self._fields)
            work.replace(line, last, write_record(fields, self.separator, self.quote))
        except RecordError as error:
            if is_open and error.rule in {"bad_quote", "missing_fields", "extra_fields"}:
                return None
            work.reject(line, error.rule, error.reason)
            return line
        return last

    def _find_irregular(
        self, block: bytes, data: np.ndarray, starts: np.ndarray, ends: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return which lines are not evidently sound, and which hold an odd number of quotes."""
        no_lines = np.zeros(0, dtype=np.int64)
        if self._is_wide:
            quotes = (
                np.array(
                    [
                        block[start:end].count(self._dialect.quote.encode()) & 1
                        for start, end in zip(starts, ends, strict=True)
                    ]
                )
                if self._dialect.quote
                else np.zeros(len(ends))
            )
            return np.ones(len(ends), dtype=bool), np.flatnonzero(quotes)
        borders = np.append(starts, len(data))
        separators = np.flatnonzero(data == ord(self._dialect.separator))
        counts = np.diff(np.searchsorted(separators, borders))
        odd = no_lines
        irregular = np.zeros(len(ends), dtype=bool)
        if self._dialect.quote and self._dialect.quote.encode() in block:
            irregular, odd, inside = self._check_quotes(data, borders, separators, counts)
            counts = counts - inside
        irregular |= (counts != self._fields - 1) & (ends > starts)
        for unusual in (b"\x00", b"\r"):
            if unusual in block:
                places = np.flatnonzero(data == unusual[0])
                irregular[np.searchsorted(ends, places)] = True
        _mark_not_utf8(block, data, starts, ends, irregular)
        return irregular, odd

    def _check_quotes(
        self, data: np.ndarray, borders: np.ndarray, separators: np.ndarray, counts: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Find lines whose quotes stand where they may not, or do not pair up."""
        separator, quote = ord(self._dialect.separator), ord(self._dialect.quote)
        lines = len(borders) - 1
        seen = np.cumsum(data == quote, dtype=np.uint8) & 1
        before_line = np.concatenate([[0], seen[borders[1:-1] - 1]]).astype(np.uint8)
        owner = np.repeat(np.arange(lines), counts)
        is_inside = (seen[separators] ^ before_line[owner]) == 1
        inside = np.bincount(owner[is_inside], minlength=lines)
        quotes = np.flatnonzero(data == quote)
        per_line = np.diff(np.searchsorted(quotes, borders))
        owner = np.repeat(np.arange(lines), per_line)
        is_opening = (seen[quotes] ^ before_line[owner]) == 1
        before = np.where(quotes > 0, data[quotes - 1], NEWLINE)
        neighbour = np.where(is_opening, before, data[quotes + 1])
        allowed = (neighbour == separator) | (neighbour == NEWLINE) | (neighbour == quote)
        irregular = (per_line & 1).astype(bool)
        irregular[owner[~allowed]] = True
        return irregular, np.flatnonzero(per_line & 1), inside


def _decode(raw: bytes) -> str:
    if b"\x00" in raw:
        raise RecordError("nul_byte", f"a NUL byte at byte {raw.index(0) + 1} of the line")
    try:
        return raw.decode("utf-8").rstrip("\r")
    except UnicodeDecodeError as error:
        raise RecordError(
            "bad_encoding",
            f"byte 0x{raw[error.start]:02X} at byte {error.start + 1} of the line is not of the "
            "source's encoding",
        ) from error


def _is_utf8(block: bytes) -> bool:
    if block.isascii():
        return True
    try:
        block.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def _mark_not_utf8(
    block: bytes, data: np.ndarray, starts: np.ndarray, ends: np.ndarray, irregular: np.ndarray
) -> None:
    if _is_utf8(block):
        return
    for line in np.unique(np.searchsorted(ends, np.flatnonzero(data >= 0x80))):
        irregular[line] |= not _is_utf8(block[starts[line] : ends[line]])
