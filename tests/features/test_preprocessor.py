import json
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from include.errors import DataError, SchemaError
from include.features.preprocessor import Preprocessor, fit_preprocessor
from include.specs import PipelineSpec
from tests.builders import make_frame, make_spec

EVERY_KIND = [
    {"name": "n", "kind": "number", "nulls": 1, "indicator": True},
    {"name": "k", "kind": "integer", "nulls": 1, "scale": "log", "outliers": "clip"},
    {"name": "flag", "kind": "boolean", "nulls": 1},
    {"name": "c", "kind": "category", "nulls": 1},
    {"name": "e", "kind": "category", "nulls": 1, "encode": "embedding"},
    {"name": "h", "kind": "category", "nulls": 1, "encode": "hash", "hash_bins": 4},
    {"name": "at", "kind": "datetime", "nulls": 1, "parts": ["year", "month", "elapsed_days"]},
    {"name": "words", "kind": "text", "nulls": 1, "max_tokens": 12, "length": 3},
    {"name": "image", "kind": "tensor", "shape": [2, 2], "scale": 2},
    {"name": "y", "kind": "category", "values": ["no", "yes"]},
]


def make_every_kind_spec() -> PipelineSpec:
    return make_spec(
        target={"column": "y", "task": "classification"}, columns=EVERY_KIND, promotion={}
    )


def make_every_kind(rows: int, seed: int = 0) -> pd.DataFrame:
    random = np.random.default_rng(seed)
    pixels = pa.array(random.integers(0, 255, rows * 4).astype(np.uint8))
    words = ["red", "green", "blue", "Über", "x9"]
    frame = pd.DataFrame(
        {
            "n": random.normal(size=rows),
            "k": pd.array(random.integers(-5, 1_000, rows), dtype="Int64"),
            "flag": pd.array(random.random(rows) < 0.5, dtype="boolean"),
            "c": random.choice(["p", "q", "r"], rows),
            "e": random.choice(["s", "t"], rows),
            "h": random.choice(["u", "v", "w"], rows),
            "at": pd.to_datetime("2023-06-01", utc=True)
            + pd.to_timedelta(random.integers(0, 500, rows), unit="D"),
            "words": [" ".join(random.choice(words, random.integers(0, 6))) for _ in range(rows)],
            "y": np.where(np.arange(rows) % 3 == 0, "yes", "no"),
            "row_id": np.arange(rows),
        }
    )
    for name in ("n", "k", "flag", "c", "e", "h", "at", "words"):
        frame.loc[random.random(rows) < 0.1, name] = None
    tensors = pa.FixedSizeListArray.from_arrays(pixels, 4)
    return frame.assign(image=pd.Series(pd.arrays.ArrowExtensionArray(tensors)))


def fit(spec: PipelineSpec, frame: pd.DataFrame, batch: int = 1_000_000) -> Preprocessor:
    def batches() -> Iterable[pd.DataFrame]:
        return (frame.iloc[start : start + batch] for start in range(0, len(frame), batch))

    return fit_preprocessor(spec, batches)


FITTED = fit(make_every_kind_spec(), make_every_kind(300))


def assert_same(one: dict[str, np.ndarray], other: dict[str, np.ndarray]) -> None:
    assert list(one) == list(other)
    for name, array in one.items():
        np.testing.assert_array_equal(array, other[name])


@given(st.permutations(list(make_every_kind(1).columns)), st.integers(1, 40))
def test_the_order_of_columns_never_matters(order: list[str], rows: int) -> None:
    frame = make_every_kind(rows, seed=rows)
    assert_same(FITTED.transform(frame), FITTED.transform(frame[order].assign(more="x")))


@given(st.integers(1, 60), st.integers(1, 60), st.randoms(use_true_random=False))
def test_rows_are_transformed_one_by_one(rows: int, batch: int, random: Any) -> None:
    frame = make_every_kind(rows, seed=rows)
    order = list(range(rows))
    random.shuffle(order)
    whole = FITTED.transform(frame)
    shuffled = frame.iloc[order]
    pieces = [FITTED.transform(shuffled.iloc[n : n + batch]) for n in range(0, rows, batch)]
    for name, array in whole.items():
        joined = np.concatenate([piece[name] for piece in pieces])
        np.testing.assert_array_equal(joined, array[order])


@settings(max_examples=15)
@given(st.integers(5, 200))
def test_a_fit_does_not_depend_on_batches(batch: int) -> None:
    frame = make_every_kind(200)
    fitted = fit(make_every_kind_spec(), frame, batch)
    expected = fit(make_every_kind_spec(), frame)
    for name, array in expected.transform(frame).items():
        np.testing.assert_allclose(fitted.transform(frame)[name], array, rtol=1e-5, atol=1e-6)


@settings(max_examples=25)
@given(st.integers(20, 150), st.integers(0, 99), st.integers(5, 200))
def test_a_fit_is_deterministic_and_the_input_stays_as_it_was(
    rows: int, seed: int, batch: int
) -> None:
    frame = make_every_kind(rows, seed)
    before = frame.copy(deep=True)
    first, second = (fit(make_every_kind_spec(), frame, batch) for _ in range(2))
    assert first.model_dump_json() == second.model_dump_json()
    assert_same(first.transform(frame), second.transform(frame))
    pd.testing.assert_frame_equal(frame, before)


def test_it_is_json_and_comes_back_the_same() -> None:
    text = FITTED.model_dump_json()
    again = Preprocessor.model_validate_json(text)
    frame = make_every_kind(50, seed=9)
    assert again == FITTED
    assert json.loads(text)["format_version"] == 1
    assert_same(again.transform(frame), FITTED.transform(frame))


def test_the_schema_describes_the_arrays() -> None:
    arrays = FITTED.transform(make_every_kind(20))
    inputs = {each.name: each for each in FITTED.schema.inputs}
    assert list(arrays) == list(inputs) == ["dense", "e", "words", "image"]
    for name, array in arrays.items():
        assert array.shape == (20, *inputs[name].shape)
        assert array.dtype == inputs[name].dtype
        assert np.isfinite(array).all()
    assert len(inputs["dense"].columns) == inputs["dense"].shape[0]
    assert inputs["e"].size > arrays["e"].max()
    assert inputs["words"].size > arrays["words"].max()
    assert FITTED.schema.classes == ("no", "yes")


def one_column(**column: Any) -> PipelineSpec:
    columns = [{"name": "x", **column}, {"name": "y", "kind": "number"}]
    return make_spec(target={"column": "y", "task": "regression"}, columns=columns, promotion={})


def encode(values: Any, later: Any | None = None, **column: Any) -> np.ndarray:
    frame = pd.DataFrame({"x": values, "y": 1.0})
    fitted = fit(one_column(**column), frame)
    arrays = fitted.transform(frame if later is None else pd.DataFrame({"x": later}))
    return next(iter(arrays.values()))


@pytest.mark.parametrize(
    ("scale", "expected"),
    [
        ("standard", lambda x: (x - x.mean()) / x.std()),
        ("minmax", lambda x: (x - x.min()) / (x.max() - x.min())),
        ("robust", lambda x: (x - 3) / 2),
        ("log", lambda x: (np.log1p(x) - np.log1p(x).mean()) / np.log1p(x).std()),
        ("none", lambda x: x),
    ],
)
def test_numbers_are_scaled(scale: str, expected: Callable[[np.ndarray], np.ndarray]) -> None:
    values = np.array([1.0, 2.0, 3.0, 4.0, 100.0])
    encoded = encode(values, kind="number", scale=scale)
    np.testing.assert_allclose(encoded[:, 0], expected(values), rtol=1e-6)


@pytest.mark.parametrize(
    ("fill", "expected"),
    [("mean", 4.0), ("median", 2.0), ("most_frequent", 1.0), (7.5, 7.5), ("drop_row", 2.0)],
)
def test_gaps_are_filled(fill: str | float, expected: float) -> None:
    values = [1.0, 1.0, 2.0, 3.0, 13.0, None]
    encoded = encode(values, kind="number", fill=fill, scale="none", indicator=True)
    assert encoded[-1].tolist() == [expected, 1.0]
    assert encoded[:-1, 1].tolist() == [0.0] * 5


def test_outliers_are_clipped_to_training_quantiles() -> None:
    values = np.arange(101.0)
    encoded = encode(
        values,
        [-50.0, 50.0, 500.0],
        kind="number",
        outliers="clip",
        outlier_quantiles=[0.1, 0.9],
        scale="none",
    )
    assert encoded[:, 0].tolist() == [10.0, 50.0, 90.0]


def test_the_logarithm_bears_values_below_those_of_training() -> None:
    encoded = encode([-3.0, 0.0, 10.0], [-3.0, -99.0], kind="number", scale="log")
    assert encoded[0] == encoded[1]


def test_a_constant_column_becomes_zero_and_is_reported() -> None:
    fitted = fit(one_column(kind="number"), pd.DataFrame({"x": [5.0] * 4, "y": 1.0}))
    assert fitted.warnings == ("column 'x' is constant in training",)
    assert fitted.transform(pd.DataFrame({"x": [5.0, 6.0]}))["dense"].tolist() == [[0.0], [1.0]]


@pytest.mark.parametrize("scale", ["standard", "minmax", "robust"])
@pytest.mark.parametrize("value", [0.1, 1 / 3, -123456.789])
def test_a_constant_whose_mean_is_rounded_blows_no_other_value_up(value: float, scale: str) -> None:
    frame = pd.DataFrame({"x": [value] * 1_000, "y": 1.0})
    fitted = fit(one_column(kind="number", scale=scale), frame)
    assert fitted.warnings == ("column 'x' is constant in training",)
    written = fitted.transform(pd.DataFrame({"x": [value, value + 1]}))["dense"]
    np.testing.assert_allclose(written, [[0.0], [1.0]], atol=1e-6)


def test_a_constant_column_stays_small_on_a_logarithmic_scale() -> None:
    fitted = fit(
        one_column(kind="number", scale="log"), pd.DataFrame({"x": [0.1] * 1_000, "y": 1.0})
    )
    assert fitted.warnings == ("column 'x' is constant in training",)
    written = fitted.transform(pd.DataFrame({"x": [0.1, 0.2]}))["dense"]
    np.testing.assert_allclose(written, np.log1p([[0.1], [0.2]]) - np.log1p(0.1), atol=1e-6)


@pytest.mark.parametrize(
    ("options", "kind"),
    [
        ({"kind": "number", "fill": "median", "scale": "robust"}, "float64"),
        ({"kind": "number", "outliers": "clip", "indicator": True}, "float64"),
        ({"kind": "integer"}, "Int64"),
        ({"kind": "boolean"}, "boolean"),
        ({"kind": "category"}, "str"),
        ({"kind": "category", "fill": "most_frequent"}, "str"),
        ({"kind": "category", "encode": "embedding"}, "str"),
        ({"kind": "category", "encode": "hash"}, "str"),
        ({"kind": "datetime"}, "datetime64[us, UTC]"),
        ({"kind": "text"}, "str"),
    ],
)
def test_a_column_of_any_kind_without_a_value_is_left_out_and_reported(
    options: dict[str, Any], kind: str
) -> None:
    columns = [
        {"name": "x", "nulls": 1, **options},
        {"name": "z", "kind": "number"},
        {"name": "y", "kind": "number"},
    ]
    spec = make_spec(target={"column": "y", "task": "regression"}, columns=columns, promotion={})
    numbers = np.arange(40.0)
    frame = pd.DataFrame({"x": pd.Series([None] * 40, dtype=kind), "y": numbers, "z": numbers})
    fitted = fit(spec, frame, batch=13)
    assert [warning for warning in fitted.warnings if "'x'" in warning and "left out" in warning]
    assert {name: array.shape for name, array in fitted.transform(frame).items()} == {
        "dense": (40, 1)
    }


def test_a_column_without_values_is_left_out_and_reported() -> None:
    frame = make_frame(50).assign(income=np.nan)
    fitted = fit(make_spec(), frame)
    assert fitted.warnings == ("column 'income' has no value in training: left out",)
    assert "income" not in fitted.columns
    fitted.transform(frame.drop(columns="income"))


def test_huge_numbers_are_refused_rather_than_made_infinite() -> None:
    with pytest.raises(DataError, match="finite when scaled"):
        encode([1.0, 2.0], [1e300], kind="number")
    with pytest.raises(DataError, match="mean and deviation are finite"):
        encode([1e308, -1e308, 1e308], kind="number")


def test_gaps_in_tensors_become_zero_and_are_counted() -> None:
    values = pa.FixedSizeListArray.from_arrays(pa.array([1.0, np.nan, 3.0, 4.0]), 2)
    frame = pd.DataFrame({"x": pd.Series(pd.arrays.ArrowExtensionArray(values)), "y": 1.0})
    fitted = fit(one_column(kind="tensor", shape=[2], scale=2), frame)
    assert fitted.transform(frame)["x"].tolist() == [[0.5, 0.0], [1.5, 2.0]]
    assert fitted.count_changes(frame) == {"values_filled_zero": 1}


def test_missing_columns_are_named() -> None:
    with pytest.raises(SchemaError, match=r"a table without \['h', 'image'\]"):
        FITTED.transform(make_every_kind(3).drop(columns=["image", "h"]))


def test_text_in_a_number_column_is_a_schema_error() -> None:
    frame = make_every_kind(3).astype({"n": object})
    frame.loc[1, "n"] = "abc"
    with pytest.raises(SchemaError, match="column 'n': expected numbers at rest"):
        FITTED.transform(frame)


def test_hashed_private_columns_are_hashed_categories_and_masked_ones_no_features() -> None:
    columns = [
        {"name": "mail", "kind": "text", "private": "hash"},
        {"name": "phone", "kind": "integer", "private": "mask"},
        {"name": "y", "kind": "number"},
    ]
    spec = make_spec(target={"column": "y", "task": "regression"}, columns=columns, promotion={})
    frame = pd.DataFrame({"mail": ["a1", "b2"], "phone": ["**", "**"], "y": [1.0, 2.0]})
    fitted = fit(spec, frame)
    assert fitted.columns == ("mail",)
    assert fitted.transform(frame)["dense"].sum(axis=1).tolist() == [1.0, 1.0]
    assert "a1" not in fitted.model_dump_json()


def test_changes_are_counted() -> None:
    counts = fit(make_spec(), make_frame(200)).count_changes(make_frame(200))
    nulls = make_frame(200).isna().sum()
    assert counts == {
        "values_filled_median": nulls["age"] + nulls["income"],
        "values_filled_most_frequent": nulls["married"],
        "values_missing_own_category": nulls["job"],
    }
