"""The pairs as CSV, safe to open in a spreadsheet."""

import csv
import io
from collections.abc import Sequence
from typing import Final

from include.records.analysis import Association

HEADER: Final = ("left", "right", "measure", "value", "absolute_value", "spearman", "rows")
# A cell that starts so is run as a formula by spreadsheets.
FORMULA_STARTS: Final = ("=", "+", "-", "@", "\t", "\r")


def write_pairs(associations: Sequence[Association]) -> bytes:
    """Write each pair as a line of CSV, in the given order, in UTF-8."""
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow(HEADER)
    for pair in associations:
        names = (neutralize(pair.left), neutralize(pair.right), pair.measure)
        spearman = "" if pair.spearman is None else pair.spearman
        writer.writerow((*names, pair.value, pair.strength, spearman, pair.rows))
    return text.getvalue().encode("utf-8")


def neutralize(text: str) -> str:
    """Put an apostrophe before a text that a spreadsheet would run; numbers stay numbers.

    Example:
        >>> neutralize("=HYPERLINK(1)"), neutralize("TEMP")
        ("'=HYPERLINK(1)", 'TEMP')
    """
    return f"'{text}" if text.startswith(FORMULA_STARTS) else text
