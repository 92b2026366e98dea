"""A small file that tells which rows were there, without holding them: a Bloom filter of hashes.

A row that is in is always found; of rows that are not, 0.3 % are found all the same (12 bits a
row and 8 places each: (1 - e^(-8/12))^8; Bloom 1970, with the two hashes of Kirsch and
Mitzenmacher 2006). That is 1.5 bytes a row and at most 16 MiB: beyond 11 million rows more of the
others are found. Rows are hashed over their values at rest, so a private value goes in as its keyed
hash; who holds a whole row at rest can ask whether it is in, and nothing can be read out.
"""

import json
from typing import Final

import numpy as np
import numpy.typing as npt

from include.errors import IntegrityError
from include.values.frames import Rows
from include.values.hashing import Hashes, hash_rows, mix64

_BITS_A_ROW: Final = 12
_PLACES: Final = 8
_MAX_BITS: Final = 2**27


class RowFilter:
    """Rows over some columns: added, written, and asked for.

    Example:
        >>> import pyarrow as pa
        >>> first, other = pa.table({"x": [1.0, 2.0]}), pa.table({"x": [2.0, 3.0]})
        >>> rows = RowFilter.sized(("x",), 2)
        >>> rows.add(rows.hash(first))
        >>> RowFilter.from_bytes(rows.to_bytes()).find(other).tolist()
        [True, False]
    """

    def __init__(self, columns: tuple[str, ...], bits: npt.NDArray[np.bool_]) -> None:
        """Put the parts together; `sized` makes an empty one."""
        self.columns = columns
        self._bits = bits

    @classmethod
    def sized(cls, columns: tuple[str, ...], rows: int) -> "RowFilter":
        """Make an empty filter for so many rows over the named columns."""
        size = min(max(_BITS_A_ROW * rows, 64), _MAX_BITS)
        return cls(columns, np.zeros(-(-size // 8) * 8, dtype=np.bool_))

    def hash(self, rows: Rows) -> Hashes:
        """Hash rows as `add` asks for them."""
        return hash_rows(rows, self.columns)

    def add(self, hashes: Hashes) -> None:
        """Add rows."""
        for places in self._list_places(hashes):
            self._bits[places] = True

    def find(self, rows: Rows) -> npt.NDArray[np.bool_]:
        """Tell for each row whether it is in."""
        hashes = self.hash(rows)
        found = np.ones(len(hashes), dtype=np.bool_)
        for places in self._list_places(hashes):
            found &= self._bits[places]
        return found

    def to_bytes(self) -> bytes:
        """Write it: a line of JSON with the columns, then the bits."""
        return json.dumps(self.columns).encode() + b"\n" + np.packbits(self._bits).tobytes()

    @classmethod
    def from_bytes(cls, content: bytes) -> "RowFilter":
        """Read what `to_bytes` wrote.

        Raises:
            IntegrityError: It is something else.
        """
        head, _, bits = content.partition(b"\n")
        try:
            columns = tuple(str(name) for name in json.loads(head))
        except (ValueError, TypeError):
            columns = ()
        if not columns or not bits:
            raise IntegrityError(
                "a filter of rows must begin with the names of its columns. Received: "
                f"{head[:50]!r}. Train the model again."
            )
        return cls(columns, np.unpackbits(np.frombuffer(bits, dtype=np.uint8)).view(np.bool_))

    def _list_places(self, hashes: Hashes) -> list[Hashes]:
        size, step = np.uint64(len(self._bits)), mix64(hashes) | np.uint64(1)
        return [(hashes + np.uint64(k) * step) % size for k in range(_PLACES)]
