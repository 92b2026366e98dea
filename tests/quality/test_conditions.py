from datetime import UTC, datetime

import pytest

from include.quality.conditions import Where, parse_where

KINDS = {
    "age": "integer",
    "x.y": "number",
    "ok": "boolean",
    "job": "category",
    "at": "datetime",
    "net income": "number",
}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("age >= 18", Where("age", ">=", 18)),
        ("age=18.5", Where("age", "==", 18.5)),
        ("x.y<-1e3", Where("x.y", "<", -1000.0)),
        ("net income != 0", Where("net income", "!=", 0.0)),
        ("ok == TRUE", Where("ok", "==", True)),
        ("job == 'a = b'", Where("job", "==", "a = b")),
        ("job not in [a, 'b, c']", Where("job", "not in", ("a", "b, c"))),
        ("age in (1, 2)", Where("age", "in", (1, 2))),
        ("age IS NOT NULL", Where("age", "is not null")),
        ("at < 2024-01-01", Where("at", "<", datetime(2024, 1, 1, tzinfo=UTC))),
    ],
    ids=str,
)
def test_a_condition_is_read_with_the_type_of_its_column(text: str, expected: Where) -> None:
    assert parse_where(text, KINDS) == expected


@pytest.mark.parametrize(
    "text", ["", "age", "age >", "weight > 3", "age > x", "ok == 3", "age in []"]
)
def test_what_is_no_condition_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="expected"):
        parse_where(text, KINDS)
