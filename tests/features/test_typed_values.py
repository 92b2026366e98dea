import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from include.errors import DataError, SchemaError
from include.features.typed_values import (
    check_present,
    read_numbers,
    read_tensors,
    read_texts,
    read_times,
)


@pytest.mark.parametrize(
    ("series", "numbers"),
    [
        (pd.Series([1.5, np.nan, 3.0]), [1.5, np.nan, 3.0]),
        (pd.Series([1, None, 3], dtype="Int64"), [1, np.nan, 3]),
        (pd.Series([True, None, False], dtype="boolean"), [1, np.nan, 0]),
        (pd.Series([True, False]), [1, 0]),
    ],
    ids=["float64", "Int64", "boolean", "bool"],
)
def test_numbers_are_read_from_what_stands_at_rest(series: pd.Series, numbers: list[float]) -> None:
    np.testing.assert_array_equal(read_numbers(series, "age"), numbers)


@pytest.mark.parametrize(
    "values", [["1", "2"], pd.to_datetime(["2024-01-01"])], ids=["texts", "times"]
)
def test_what_is_no_number_at_rest_is_not_parsed(values: object) -> None:
    with pytest.raises(SchemaError, match="'age': expected numbers at rest. Received: "):
        read_numbers(pd.Series(values), "age")


def test_infinite_numbers_are_refused() -> None:
    with pytest.raises(DataError, match="expected finite numbers. Received: 1 infinite"):
        read_numbers(pd.Series([1.0, np.inf]), "age")


@pytest.mark.parametrize(
    ("series", "texts"),
    [
        (pd.Series([3, None], dtype="Int64"), ["3", None]),
        (pd.Series([True, False]), ["true", "false"]),
        (pd.Series([True, None], dtype="boolean"), ["true", None]),
        (pd.Series(["a", None]), ["a", None]),
    ],
    ids=["Int64", "bool", "boolean", "str"],
)
def test_classes_have_one_text_whatever_their_type(
    series: pd.Series, texts: list[str | None]
) -> None:
    assert read_texts(series).to_pylist() == texts


@pytest.mark.parametrize("zone", [None, "UTC"])
def test_times_are_read_in_utc(zone: str | None) -> None:
    series = pd.Series(pd.to_datetime(["2024-03-01 10:00", None])).dt.tz_localize(zone)
    times = read_times(series, "at")
    assert times[0] == np.datetime64("2024-03-01T10:00:00", "us")
    assert np.isnat(times).tolist() == [False, True]


def test_a_text_is_no_time_at_rest() -> None:
    with pytest.raises(SchemaError, match="expected points in time at rest"):
        read_times(pd.Series(["2024-03-01"]), "at")


def to_tensors(rows: list[list[int] | None]) -> pd.Series:
    array = pa.array(rows, pa.list_(pa.uint8(), 4))
    return pd.Series(pd.arrays.ArrowExtensionArray(array))


def test_tensors_keep_the_type_of_their_elements() -> None:
    column = to_tensors([[0, 1, 2, 3], [4, 5, 6, 7], [8, 9, 10, 11]])
    stored = read_tensors(column, (2, 2), "image")
    assert stored.dtype == np.uint8
    np.testing.assert_array_equal(stored, np.arange(12).reshape(3, 4))
    np.testing.assert_array_equal(read_tensors(column.iloc[1:], (2, 2), "image"), stored[1:])


def test_another_shape_and_missing_arrays_are_refused() -> None:
    with pytest.raises(SchemaError, match=r"'image': expected arrays of shape \(3,\)"):
        read_tensors(to_tensors([[1, 2, 3, 4]]), (3,), "image")
    with pytest.raises(SchemaError, match=r"shape \(2, 2\) in all rows. Received: 1 of 2 missing"):
        read_tensors(to_tensors([[1, 2, 3, 4], None]), (2, 2), "image")


def test_missing_columns_are_named() -> None:
    with pytest.raises(SchemaError, match=r"a table without \['b'\]"):
        check_present(pd.DataFrame({"a": [1]}), ("a", "b"))
