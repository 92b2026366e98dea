"""The pairs as CSV: every pair a line, and nothing that a spreadsheet would run."""

import csv
import io

import pytest

from include.analysis.pairs_csv import neutralize, write_pairs
from include.records.analysis import Association


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r"])
def test_a_name_that_a_spreadsheet_would_run_is_made_text(start: str) -> None:
    pair = Association(
        left=f"{start}HYPERLINK(1)", right="b,\nc", measure="pearson", value=-0.5, rows=20
    )
    lines = list(csv.reader(io.StringIO(write_pairs([pair]).decode(), newline="")))
    assert lines[1] == [f"'{start}HYPERLINK(1)", "b,\nc", "pearson", "-0.5", "0.5", "", "20"]


def test_numbers_are_left_alone() -> None:
    assert neutralize("TEMP") == "TEMP"
    assert neutralize("") == ""
