import datetime as dt
from typing import Any

import pyarrow as pa
import pytest
from pydantic import TypeAdapter

from include.sources.privacy import protect
from include.specs import Column


def make_column(private: str | None) -> Any:
    values = {"name": "x", "kind": "text", "private": private}
    return TypeAdapter(Column).validate_python(values)


@pytest.mark.parametrize(
    ("values", "masked"),
    [
        (["Zoë Müller-7", None, ""], ["xxx xxxxxx-0", None, ""]),
        (["+49 (0)30 1234"], ["+00 (0)00 0000"]),
        (["山田٣"], ["xx0"]),
        ([12.5, 3.0], ["00.0", "0"]),
        ([True], ["xxxx"]),
        ([dt.datetime(2024, 1, 31, tzinfo=dt.UTC)], ["0000-00-00 00:00:00.000000x"]),
        ([[1, 22]], ["[0, 00]"]),
    ],
    ids=["name", "phone", "scripts", "number", "boolean", "time", "list"],
)
def test_a_mask_keeps_the_shape_only(values: list[object], masked: list[object]) -> None:
    assert protect(make_column("mask"), pa.array(values), "").to_pylist() == masked


def test_a_hash_is_keyed_stable_and_leaves_missing_values() -> None:
    values = pa.array(["a", "b", None, "a"])
    one = protect(make_column("hash"), values, "key").to_pylist()
    other = protect(make_column("hash"), values, "other").to_pylist()
    assert one[0] == one[3]
    assert one[2] is None
    assert len({*one, *other}) == 5
    assert len(str(one[0])) == 32


def test_other_columns_pass() -> None:
    values = pa.array(["a"])
    assert protect(make_column(None), values, "") is values
