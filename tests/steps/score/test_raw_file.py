"""Rows as a caller would send them, read of a file as the pipeline's own file is read."""

from pathlib import Path

import pytest

from include.errors import SchemaError, SourceError
from include.settings import load_settings
from include.steps.score.raw_file import read_raw_file
from tests.builders import make_spec

PRICES = "name;price\nJürgen;1.034,50\nAnna;k.A.\nUwe;7\n"
EUROPEAN = {"kind": "file", "uri": "any.csv", "separator": ";", "encoding": "cp1252"}


def make_european(**source: object):
    columns = [
        {"name": "name", "kind": "category"},
        {"name": "price", "kind": "number", "decimal": ",", "thousands": "."},
    ]
    target = {"column": "name", "task": "classification"}
    return make_spec(source=EUROPEAN | source, columns=columns, target=target, quality=[])


@pytest.mark.parametrize(
    ("file", "text", "source"),
    [
        ("rows.csv", PRICES, {}),
        ("rows.tsv", PRICES, {}),
        ("rows.csv", PRICES.partition("\n")[2], {"header": False}),
    ],
    ids=["separator and encoding", "another ending", "no header"],
)
def test_cells_stay_as_they_are_written(data_root: Path, tmp_path: Path, file, text, source):
    place = tmp_path / file
    place.write_text(text, encoding="cp1252")
    rows = read_raw_file(make_european(**source), load_settings(), place, max_rows=2)
    assert rows.to_dict("list") == {"name": ["Jürgen", "Anna"], "price": ["1.034,50", "k.A."]}


def test_a_line_that_is_no_row_is_told(data_root: Path, tmp_path: Path):
    place = tmp_path / "rows.csv"
    place.write_text(PRICES.replace("Uwe;7", "Uwe;7;8"), encoding="cp1252")
    with pytest.raises(SchemaError, match=r"rows\.csv\. Received: line 4: "):
        read_raw_file(make_european(), load_settings(), place, max_rows=9)


def test_a_file_that_is_not_there_is_told(data_root: Path, tmp_path: Path):
    with pytest.raises(SourceError, match=r"gone\.csv"):
        read_raw_file(make_european(), load_settings(), tmp_path / "gone.csv", max_rows=9)
