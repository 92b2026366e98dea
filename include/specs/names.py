"""Names of columns that are ours: no column of a source may have them."""

from typing import Final

ROW_ID: Final = "row_id"
PART: Final = "part"
RESERVED_COLUMNS: Final = frozenset({ROW_ID, PART})
