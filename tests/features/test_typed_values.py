import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from include.errors import DataError, SchemaError
from include.features.typed_values import (
    check_present,
    is_missing,
    read_booleans,
    read_numbers,
    read_tensors,
    read_texts,
    read_times,
)


@pytest.mark.parametrize(
    "series",
    [
        pd.Series([1.5, np.nan, 3.0]),
        pd.Series(["1.5", None, "3"]),
        pd.Series(["1.5", "", " 3 "], dtype=object),
        pd.Series([1.5, None, 3], dtype=object),
        pd.Series([1.5, None, 3], dtype="Float64"),
    ],
    ids=["float64", "str", "object text", "object mixed", "Float64"],
)
def test_numbers_are_read_from_what_a_request_may_hold(series: pd.Series) -> None:
    np.testing.assert_array_equal(read_numbers(series), [1.5, np.nan, 3.0])


def test_text_in_a_number_column_is_shown() -> None:
    series = pd.Series(["1", "abc", "12,5", None], name="age")
    with pytest.raises(SchemaError, match=r"'age': expected numbers. Received: 2 of 4.*'abc', '12"):
        read_numbers(series)


def test_a_broken_number_is_not_whole() -> None:
    with pytest.raises(SchemaError, match="expected whole numbers.*2.5"):
        read_numbers(pd.Series([1.0, 2.5], name="age"), is_integer=True)


def test_infinite_numbers_are_refused() -> None:
    with pytest.raises(DataError, match="expected finite numbers. Received: 1 infinite"):
        read_numbers(pd.Series([1.0, np.inf], name="age"))


def test_times_are_no_numbers() -> None:
    with pytest.raises(SchemaError, match="expected numbers"):
        read_numbers(pd.Series(pd.to_datetime(["2024-01-01"]), name="at"))


@pytest.mark.parametrize(
    "series",
    [
        pd.Series([True, False, None], dtype="boolean"),
        pd.Series(["yes", "F", None]),
        pd.Series([1, 0, None], dtype="Int64"),
        pd.Series([1.0, 0.0, np.nan]),
        pd.Series([True, "n", None], dtype=object),
    ],
    ids=["boolean", "str", "Int64", "float64", "object"],
)
def test_booleans_are_read_in_the_usual_spellings(series: pd.Series) -> None:
    np.testing.assert_array_equal(read_booleans(series), [1.0, 0.0, np.nan])


def test_other_spellings_are_shown() -> None:
    with pytest.raises(SchemaError, match="expected true or false.*'maybe'"):
        read_booleans(pd.Series(["yes", "maybe"], name="married"))


@pytest.mark.parametrize(
    ("series", "texts"),
    [
        (pd.Series([3, None], dtype="Int64"), ["3", None]),
        (pd.Series([3.0, np.nan]), ["3", None]),
        (pd.Series([True, False]), ["true", "false"]),
        (pd.Series(["a", None]), ["a", None]),
        (pd.Series([3, "x", True, None], dtype=object), ["3", "x", "true", None]),
    ],
    ids=["Int64", "float64", "bool", "str", "object"],
)
def test_categories_have_one_text_whatever_their_type(
    series: pd.Series, texts: list[str | None]
) -> None:
    assert read_texts(series).to_pylist() == texts


@pytest.mark.parametrize(
    ("series", "pattern"),
    [
        (pd.Series(["2024-03-01T10:00:00Z", "2024-03-01 12:00:00+02:00", None]), None),
        (pd.Series(["01.03.2024 10", "01.03.2024 10", None]), "%d.%m.%Y %H"),
        (pd.Series(pd.to_datetime(["2024-03-01 10:00", "2024-03-01 10:00", None])), None),
        (pd.Series(pd.to_datetime(["2024-03-01 10:00", "2024-03-01 10:00", None], utc=True)), None),
    ],
    ids=["ISO", "pattern", "no zone", "UTC"],
)
def test_times_are_read_in_utc(series: pd.Series, pattern: str | None) -> None:
    times = read_times(series, pattern=pattern)
    moment = np.datetime64("2024-03-01T10:00:00", "us")
    assert (times[:2] == moment).all()
    assert np.isnat(times).tolist() == [False, False, True]


def test_a_text_that_is_no_time_is_shown() -> None:
    with pytest.raises(SchemaError, match="expected points in time.*'soon'"):
        read_times(pd.Series(["2024-03-01", "soon"], name="at"))


def test_tensors_are_read_from_columns_and_nested_lists_alike() -> None:
    numbers = np.arange(12, dtype=np.uint8)
    array = pa.FixedSizeListArray.from_arrays(pa.array(numbers), 4)
    column = pd.Series(pd.arrays.ArrowExtensionArray(array))
    stored = read_tensors(column, (2, 2))
    assert stored.dtype == np.uint8
    np.testing.assert_array_equal(stored, numbers.reshape(3, 4))
    np.testing.assert_array_equal(read_tensors(column.iloc[1:], (2, 2)), stored[1:])
    nested = pd.Series([numbers[n : n + 4].reshape(2, 2).tolist() for n in (0, 4, 8)])
    np.testing.assert_array_equal(read_tensors(nested, (2, 2)), stored)


@pytest.mark.parametrize("value", [[1, 2, 3], "abc", None], ids=["size", "text", "missing"])
def test_another_shape_is_refused(value: object) -> None:
    series = pd.Series([[1, 2, 3, 4], value], name="image", dtype=object)
    with pytest.raises(SchemaError, match=r"'image': expected arrays of shape \(2, 2\)"):
        read_tensors(series, (2, 2))


def test_blank_text_is_missing() -> None:
    assert is_missing(pd.Series(["a", "", None, " "], dtype=object)).tolist() == [
        False,
        True,
        True,
        True,
    ]


def test_missing_columns_are_named() -> None:
    with pytest.raises(SchemaError, match=r"a table without \['b'\]"):
        check_present(pd.DataFrame({"a": [1]}), ("a", "b"))
