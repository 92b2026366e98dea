"""One block of CSV lines while it is being sorted into sound records and rejected lines."""

from typing import Final, NamedTuple

import numpy as np

from include.sources.batches import TEXT_LIMIT, Reject

RECORD_BYTES: Final = 1024**2


class Scanned(NamedTuple):
    """A block after the scan: `clean` holds the sound records only, one per entry of `lines`."""

    clean: bytes
    has_inner_line_ends: bool
    lines: np.ndarray
    positions: np.ndarray
    spans: np.ndarray
    records: int
    rejects: tuple[Reject, ...]
    consumed_bytes: int
    consumed_lines: int
    is_counted: bool


class BlockWork:
    """What becomes of one block's lines while the irregular ones are read."""

    def __init__(self, block: bytes, starts: np.ndarray, ends: np.ndarray, first_line: int) -> None:
        self.block, self.starts, self.ends = block, starts, ends
        self.first_line = first_line
        self.done_line = -1
        self.is_record = np.zeros(len(ends), dtype=bool)
        self._is_rejected = np.zeros(len(ends), dtype=bool)
        self._last_line: dict[int, int] = {}
        self._rejects: list[tuple[int, str, str]] = []
        self._pieces: list[bytes] = []
        self._copied = 0
        self._has_inner = False

    def text_bytes(self, line: int, last: int) -> bytes:
        """Return the bytes from one line to another, without the last line end."""
        return self.block[self.starts[line] : self.ends[last]]

    def can_wait(self, line: int) -> bool:
        """Tell whether an open quote may still be closed in the next block."""
        return len(self.block) - int(self.starts[line]) < RECORD_BYTES

    def find_partner(self, line: int, odd: np.ndarray) -> int | None:
        """Find the next line with an odd number of quotes, where an open quote may end."""
        place = int(np.searchsorted(odd, line)) + 1
        if place >= len(odd):
            return None
        partner = int(odd[place])
        return partner if self.ends[partner] - self.starts[line] <= RECORD_BYTES else None

    def skip(self, line: int) -> None:
        """Drop a blank line; it is no record."""
        self._cut(line, line, b"")

    def reject(self, line: int, rule: str, reason: str) -> None:
        """Set a line aside as a record that cannot be read."""
        self._is_rejected[line] = True
        self._rejects.append((line, rule, reason))
        self._cut(line, line, b"")

    def replace(self, line: int, last: int, record: bytes) -> None:
        """Put a record, written plainly, in the place of the lines it was read from."""
        self._cut(line, last, record)
        self.is_record[line] = True
        self._last_line[line] = last
        self._has_inner |= record.count(b"\n") > 1 or b"\r" in record

    def _cut(self, line: int, last: int, record: bytes) -> None:
        self._pieces += [self.block[self._copied : self.starts[line]], record]
        self._copied = int(self.ends[last]) + 1
        self.is_record[line : last + 1] = False
        self.done_line = last

    def finish(self, lines: int, *, is_counted: bool = True) -> Scanned:
        """Put the block together up to a line, which with all after it waits for more."""
        size = int(self.starts[lines]) if lines < len(self.ends) else len(self.block)
        clean = self.block[:size]
        if self._pieces:
            clean = b"".join([*self._pieces, self.block[self._copied : size]])
        is_record = self.is_record[:lines]
        places = np.cumsum(is_record | self._is_rejected[:lines]) - 1
        sound = np.flatnonzero(is_record)
        last = sound.copy()
        for line, end in self._last_line.items():
            last[np.searchsorted(sound, line)] = end
        return Scanned(
            clean=clean,
            has_inner_line_ends=self._has_inner,
            lines=sound + self.first_line,
            positions=places[sound],
            spans=np.stack([self.starts[sound], self.ends[last]], axis=1),
            records=int(places[-1]) + 1 if lines else 0,
            rejects=tuple(self._build_reject(place, places) for place in self._rejects),
            consumed_bytes=size,
            consumed_lines=lines,
            is_counted=is_counted,
        )

    def _build_reject(self, found: tuple[int, str, str], places: np.ndarray) -> Reject:
        line, rule, reason = found
        text = self.text_bytes(line, line)[: 4 * TEXT_LIMIT].decode("utf-8", "replace")
        return Reject(
            position=int(places[line]),
            line=line + self.first_line,
            column="",
            rule=rule,
            reason=reason,
            text=text[:TEXT_LIMIT],
        )
