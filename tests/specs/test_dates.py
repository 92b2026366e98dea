"""The day of a run in what a source names."""

from datetime import date

import pytest
from pydantic import TypeAdapter

from include.specs.dates import at_day
from include.specs.sources import Source

DAY = date(2026, 3, 1)


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        (
            {"kind": "file", "uri": "day={date}/*.csv", "test_uri": "{year}-{month}/{day}.csv"},
            {"uri": "day=2026-03-01/*.csv", "test_uri": "2026-03/01.csv"},
        ),
        ({"kind": "http", "uri": "https://x.org/{date}"}, {"uri": "https://x.org/2026-03-01"}),
        (
            {"kind": "sql", "connection": "db", "query": "SELECT '{\"a\": 1}', '{date}'"},
            {"query": "SELECT '{\"a\": 1}', '2026-03-01'", "fingerprint": None},
        ),
        ({"kind": "builtin", "dataset": "iris"}, {"dataset": "iris"}),
    ],
    ids=["file", "http", "sql", "builtin"],
)
def test_a_source_may_name_the_day(source, expected):
    found = at_day(TypeAdapter(Source).validate_python(source), DAY)
    assert {name: getattr(found, name) for name in expected} == expected


def test_so_may_the_parts_of_a_join():
    parts = [{"kind": "file", "uri": f"{name}-{{date}}.csv"} for name in "ab"]
    source = {"kind": "join", "on": ["id"], "sources": parts}
    found = at_day(TypeAdapter(Source).validate_python(source), DAY)
    assert [each.uri for each in found.sources] == ["a-2026-03-01.csv", "b-2026-03-01.csv"]
