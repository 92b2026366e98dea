import datetime as dt
import decimal
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from pydantic import TypeAdapter

from include.specs import Column
from include.values.casts import cast_column
from include.values.reading import Reading
from include.values.texts import array_from_python

NOON = dt.datetime(2024, 1, 1, 12, tzinfo=dt.UTC)
BAD = "bad"
DOLLARS = {"unit": "$", "thousands": ","}

CASES: list[tuple[str, Any, list[object], dict[str, Any]]] = [
    ("number", ["1", " 2.5 ", "NA", "", "1e3", "+5"], [1, 2.5, None, None, 1000, 5], {}),
    ("number", ["12,5", "abc", "3", "inf"], [BAD, BAD, 3, float("inf")], {}),
    ("number", ["1_000", "0x1F", "٣"], [BAD, BAD, BAD], {}),
    ("number", ["1", "nan(1)", "NAN"], [1, BAD, None], {}),
    ("number", [decimal.Decimal("1.5"), None], [1.5, None], {}),
    ("number", [float("nan"), 1.0], [None, 1], {}),
    ("number", pa.array(np.array([0.1], "float32")), [0.1], {}),
    ("number", [dt.date(2024, 1, 1)], [BAD], {}),
    ("integer", ["1", "2.0", "3.5", "x", "1e3"], [1, 2, BAD, BAD, 1000], {}),
    ("integer", ["9223372036854775807", "9223372036854775808"], [2**63 - 1, BAD], {}),
    ("integer", ["-9223372036854775808", "-9223372036854775809"], [-(2**63), BAD], {}),
    ("integer", ["9007199254740993.0", "9.007199254740993e15"], [2**53 + 1, 2**53 + 1], {}),
    ("integer", ["9223372036854775807.0", "9223372036854775807.5"], [2**63 - 1, BAD], {}),
    ("integer", ["1e-400", "1e99999999999999999999", "1e18"], [BAD, BAD, 10**18], {}),
    ("integer", ["0x1F", "0x7FFFFFFFFFFFFFFF"], [31, 2**63 - 1], {}),
    ("integer", ["0xFFFFFFFFFFFFFFFF", "-1", "0x1F"], [BAD, -1, 31], {}),
    ("integer", [2.0**60, 0.5], [2**60, BAD], {}),
    ("integer", ["true", "False", "on"], [1, 0, BAD], {}),
    ("number", [True, False], [1, 0], {}),
    ("number", ["true", "False", "on"], [1, 0, BAD], {}),
    ("integer", [1.0, 2.5, None, float("nan")], [1, BAD, None, None], {}),
    ("integer", [True, False], [1, 0], {}),
    ("boolean", ["Yes", "no", "T", "0", "1.0", "maybe"], [True, False, True, False, True, BAD], {}),
    ("boolean", [1, 0, 2, None], [True, False, BAD, None], {}),
    ("number", ["$1,234.50", "950", "-$3", "1,23"], [1234.5, 950, -3, BAD], DOLLARS),
    ("number", ["12.5%", "7 %", "7 kg", "NA"], [12.5, 7, BAD, None], {"unit": "%"}),
    ("number", ["1.234,5", "980", "1.5"], [1234.5, 980, BAD], {"decimal": ",", "thousands": "."}),
    ("number", ["1 234 567", "5"], [1234567, 5], {"thousands": " "}),
    ("integer", ["1,234", "12", "1.5"], [1234, 12, BAD], {"thousands": ","}),
    ("number", ["1", "None"], [1, BAD], {"missing": [""]}),
    ("number", pa.array([90, None], pa.duration("s")), [90, None], {}),
    ("number", pa.array([1500], pa.duration("ms")), [1.5], {}),
    ("category", ["None", "NA", ""], ["None", "NA", None], {"missing": [""]}),
    ("datetime", ["1704110400", "x", ""], [NOON, BAD, None], {"format": "unix_s"}),
    ("datetime", [1704110400000, None], [NOON, None], {"format": "unix_ms"}),
    ("datetime", ["1704110400000000"], [NOON], {"format": "unix_us"}),
    ("datetime", [1704110400000000000], [NOON], {"format": "unix_ns"}),
    ("datetime", [1704110400.0], [NOON], {"format": "unix_s"}),
    ("category", [3.0, 2.5, None], ["3", "2.5", None], {}),
    ("category", [3, 4], ["3", "4"], {}),
    ("category", [True, False], ["true", "false"], {}),
    ("category", ["3.0", " x ", "-0.00", "1.50"], ["3", "x", "0", "1.50"], {}),
    ("category", ["3.0", "x"], ["3", "x"], {"values": [3, 4]}),
    ("category", [3.0, 4.0, 5.0], ["3.0", "4", "5"], {"values": ["3.0", "4"]}),
    ("category", [2.0**53, 2.0**60], [str(2**53), str(2**60)], {}),
    ("category", [b"abc"], ["abc"], {}),
    ("category", [["a"]], [BAD], {}),
    ("id", [1.0, 2.0], ["1", "2"], {}),
    ("text", ["a", "None"], ["a", None], {}),
    ("datetime", ["2024-01-01T12:00:00", "2024-01-01 14:00:00+02:00"], [NOON, NOON], {}),
    ("datetime", ["2024-01-01T12:00:00Z", "soon", None], [NOON, BAD, None], {}),
    ("datetime", [dt.datetime(2024, 1, 1, 12)], [NOON], {}),
    ("datetime", [dt.date(2024, 1, 1)], [NOON.replace(hour=0)], {}),
    ("datetime", ["01/02/2024"], [dt.datetime(2024, 2, 1, tzinfo=dt.UTC)], {"format": "%d/%m/%Y"}),
    (
        "datetime",
        [
            "01/01/2024 12",
            "2024-01-01T12:00:00+00:00",
            "2024-01-01 12:00",
            "today",
            "31/02/2024 12",
        ],
        [NOON, NOON, NOON, BAD, BAD],
        {"format": "%d/%m/%Y %H"},
    ),
    ("datetime", ["2024-01-02"], [dt.datetime(2024, 2, 1, tzinfo=dt.UTC)], {"format": "%Y-%d-%m"}),
    ("datetime", ["now", "today", "-1-1", "NaT"], [BAD, BAD, BAD, BAD], {}),
    (
        "datetime",
        ["1500-01-01", "2024-01-01T12:00:00.0000004"],
        [dt.datetime(1500, 1, 1, tzinfo=dt.UTC), NOON],
        {},
    ),
    ("datetime", [5], [BAD], {}),
    ("datetime", [20240101], [NOON.replace(hour=0)], {}),
    ("datetime", [dt.date(2024, 1, 1), NOON], [NOON.replace(hour=0), NOON], {}),
    ("tensor", [[1, 2, 3, 4], None, [1, 2], [1, None, 3, 4]], [[1, 2, 3, 4], BAD, BAD, BAD], {}),
    ("tensor", [[[1, 2], [3, 4]], [[5, 6], [7, 8]]], [[1, 2, 3, 4], [5, 6, 7, 8]], {}),
    ("tensor", ["[[1, 2], [3, 4]]", "x", "[1]"], [[1, 2, 3, 4], BAD, BAD], {}),
    ("tensor", [1, 2], [BAD, BAD], {}),
    ("tensor", ['["1", "2", "3", "4"]', "[true, 2, 3, 4]"], [BAD, [1, 2, 3, 4]], {}),
]


@pytest.mark.parametrize(
    ("kind", "values", "expected", "options"),
    CASES,
    ids=[f"{case[0]}-{number}" for number, case in enumerate(CASES)],
)
@pytest.mark.parametrize("times", [1, 3], ids=["once", "again"])
def test_each_cell_is_cast_or_reported(
    kind: str, values: Any, expected: list[object], options: dict[str, Any], times: int
) -> None:
    options = {"shape": [2, 2], **options} if kind == "tensor" else options
    column = TypeAdapter(Column).validate_python({"name": "x", "kind": kind, **options})
    array = values if isinstance(values, pa.Array) else array_from_python(values)
    result = cast_column(column, pa.concat_arrays([array] * times), Reading())
    found = result.values.to_pylist()
    if result.bad is not None:
        assert [found[place] for place in np.flatnonzero(result.bad)] == [None] * result.bad.sum()
        found = [BAD if is_bad else value for value, is_bad in zip(found, result.bad, strict=True)]
    assert found == expected * times


@pytest.mark.parametrize(
    ("kind", "good", "odd"),
    [("number", "1.25", "x"), ("integer", "7", "7.5"), ("datetime", "2024-01-01", "soon")],
)
def test_a_bad_neighbour_does_not_change_a_value(kind: str, good: str, odd: str) -> None:
    column = TypeAdapter(Column).validate_python({"name": "x", "kind": kind})
    alone = cast_column(column, pa.array([good]), Reading()).values
    beside = cast_column(column, pa.array([good, odd]), Reading()).values
    assert alone[0] == beside[0]


def test_a_suffix_is_stripped_from_categories_only() -> None:
    reading = Reading(strip_suffix=".")
    values = pa.array(["<=50K.", ">50K", " >50K. ", "a..", "NA."])
    category = TypeAdapter(Column).validate_python({"name": "x", "kind": "category"})
    text = TypeAdapter(Column).validate_python({"name": "x", "kind": "text"})
    cast = cast_column(category, values, reading).values
    assert cast.to_pylist() == ["<=50K", ">50K", ">50K", "a", None]
    cast = cast_column(text, values, reading).values
    assert cast.to_pylist() == ["<=50K.", ">50K", ">50K.", "a..", "NA."]


@pytest.mark.parametrize("kind", ["number", "integer", "category"])
@pytest.mark.parametrize("values", [["-9", "1"], ["-9.0", "1"], [-9, 1], [-9.0, 1.0]])
def test_a_number_that_is_a_mark_is_missing_however_it_is_written(
    kind: str, values: list[Any]
) -> None:
    column = TypeAdapter(Column).validate_python({"name": "x", "kind": kind})
    cast = cast_column(column, array_from_python(values), Reading(missing=("-9",)))
    assert cast.bad is None
    assert cast.values.is_null().to_pylist() == [True, False]


def test_a_mark_is_missing_from_a_listed_category_however_it_is_written() -> None:
    column = TypeAdapter(Column).validate_python({"name": "x", "kind": "category", "values": ["4"]})
    cast = cast_column(column, pa.array(["-9.0", "4.0", "5.0"]), Reading(missing=("-9",)))
    assert cast.values.to_pylist() == [None, "4", "5"]


@pytest.mark.parametrize("element", ["uint8", "float32", "int16"])
def test_a_tensor_keeps_the_type_of_its_elements(element: str) -> None:
    column = TypeAdapter(Column).validate_python({"name": "x", "kind": "tensor", "shape": [2]})
    kind = getattr(pa, element)()
    values = pa.array([[1, 2], [3, 4]], pa.list_(kind))
    assert cast_column(column, values, Reading()).values.type == pa.list_(kind, 2)


@pytest.mark.parametrize(
    "value",
    [True, 3, 2**70, 3.0, 1e-7, 2.5, float("nan"), None, decimal.Decimal("1E+3"), NOON, b"x"],
)
@pytest.mark.parametrize("kind", ["number", "integer", "boolean", "category", "datetime"])
@pytest.mark.parametrize("others", [["x", [1]], [2.5], [0.5, False], [7], [True]], ids=str)
def test_a_value_among_others_of_another_type_casts_as_it_does_alone(
    kind: str, value: Any, others: list[Any]
) -> None:
    column = TypeAdapter(Column).validate_python({"name": "x", "kind": kind})
    alone = cast_column(column, array_from_python([value]), Reading())
    for values, place in (([value, *others], 0), ([*others, value], len(others))):
        among = cast_column(column, array_from_python(values), Reading())
        assert among.values[place].as_py() == alone.values[0].as_py()
        assert (among.bad is not None and among.bad[place].item()) == (alone.bad is not None)
