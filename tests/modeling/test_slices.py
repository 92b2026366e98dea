import numpy as np
import pandas as pd
import pytest

from include.modeling.slices import Rows, Slice, label_rows, measure_slices
from tests.modeling.samples import SCHEMAS


def measure(**columns: object) -> tuple[Slice, ...]:
    frame = pd.DataFrame(columns)
    y = np.arange(len(frame)) % 2
    shares = np.tile([0.9, 0.1], (len(frame), 1))
    rows = Rows(y, shares)
    return measure_slices(SCHEMAS["binary"], rows, frame, metrics=["accuracy", "roc_auc"])


def test_each_value_is_measured_on_its_own_rows() -> None:
    found = measure(sex=["f", "m"] * 15 + ["f", "f"])
    assert [(each.value, each.rows, each.is_small) for each in found] == [
        ("f", 17, False),
        ("m", 15, False),
    ]
    assert found[0].metrics["accuracy"] == pytest.approx(16 / 17)
    assert found[1].metrics == {"accuracy": 0.0}


def test_small_slices_are_flagged() -> None:
    found = measure(city=["a"] * 10 + ["b"] * 9)
    assert [(each.value, each.is_small) for each in found] == [("a", False), ("b", True)]


def test_numbers_are_cut_into_bins_of_about_equal_size() -> None:
    found = measure(age=np.arange(100, dtype="float64"))
    assert [each.rows for each in found] == [19, 20, 20, 20, 21]
    assert found[0].value == "0 to below 19"
    assert found[-1].value == "79 to 99"
    assert sum(each.rows for each in found) == 100


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (pd.array([1, None, 2, 1], dtype="Int64"), [("1", 2), ("2", 1), ("(missing)", 1)]),
        (
            pd.array([True, None, False, True], dtype="boolean"),
            [("false", 1), ("true", 2), ("(missing)", 1)],
        ),
        (pd.array(["b", None, "a", "b"], dtype="str"), [("a", 1), ("b", 2), ("(missing)", 1)]),
        (np.array([0.5, np.nan, 10.0, 2.0]), [("0.5", 1), ("2", 1), ("10", 1), ("(missing)", 1)]),
        (pd.array([None] * 4, dtype="str"), [("(missing)", 4)]),
        (np.full(4, np.nan), [("(missing)", 4)]),
    ],
    ids=["integer", "boolean", "text", "number", "all missing", "all NaN"],
)
def test_missing_values_are_a_slice_of_their_own(values: object, expected: list) -> None:
    assert [(each.value, each.rows) for each in measure(column=values)] == expected


def test_many_missing_numbers_stay_out_of_the_bins() -> None:
    values = np.arange(60, dtype="float64")
    values[::3] = np.nan
    found = measure(column=values)
    assert [each.rows for each in found][-1] == 20
    assert found[-1].value == "(missing)"
    assert sum(each.rows for each in found) == 60


def test_times_are_cut_into_periods() -> None:
    days = pd.date_range("2024-01-01", periods=100, tz="UTC").as_unit("us")
    found = measure(opened=days)
    assert found[0].value == "2024-01-01 00:00 to below 2024-01-20 00:00"
    assert [each.rows for each in found] == [19, 20, 20, 20, 21]
    with_gap = pd.Series(days).where(np.arange(100) > 4)
    assert measure(opened=with_gap)[-1].value == "(missing)"


def test_rare_values_share_a_slice() -> None:
    values = ["common"] * 50 + [f"rare {number}" for number in range(40)]
    found = measure(name=values)
    assert len(found) == 20
    assert (found[-1].value, found[-1].rows) == ("(other values)", 22)


def test_a_skewed_number_gets_fewer_bins() -> None:
    labels = label_rows(pd.Series([0.0] * 90 + list(range(1, 11))))
    assert labels.names == ("0 to 10", "(missing)")


def test_edges_that_read_alike_are_numbered() -> None:
    names = label_rows(pd.Series(1.0 + np.arange(50) * 1e-9)).names
    assert len(set(names)) == len(names) == 6
