"""Texts that stand for a missing value."""

from typing import Final

# Missing wherever they stand.
SURE: Final = (
    *("NA", "N/A", "n/a", "#N/A", "<NA>", "NaN", "nan", "null", "NULL", "None", "?"),
    r"\N",
)
# Missing if they are all that keeps a column from being numbers or times.
ONLY_AMONG_NUMBERS: Final = ("-", "--", ".", "*", "inf", "-inf", "Infinity", "-Infinity")
ALL_MARKS: Final = (*SURE, *ONLY_AMONG_NUMBERS)
