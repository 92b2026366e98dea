from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from include.errors import DataError
from include.features.target import TargetEncoder, build_target_fitter
from include.records import TargetScale
from include.values.scaling import scale_target, unscale_target
from include.values.statistics import RowSample
from tests.builders import make_spec


def fit(
    values: Any, column: dict[str, Any], task: str = "classification", **target: Any
) -> TargetEncoder:
    spec = make_spec(
        target={"column": "y", "task": task, **target},
        columns=[{"name": "x", "kind": "number"}, {"name": "y", **column}],
        promotion={},
    )
    fitter = build_target_fitter(spec)
    array = pa.array(values)
    sample = RowSample(("y",))
    numbers = fitter.observe(array)
    if numbers is not None:
        sample.update(np.arange(len(array), dtype=np.uint64), {"y": numbers})
    fitter.settle(sample)
    fitter.refine(array)
    return fitter.finish()


@pytest.mark.parametrize(
    ("values", "column", "target", "classes"),
    [
        (["b", "a", "c"], {"kind": "category"}, {}, ("a", "b", "c")),
        (["a", "c", "b"], {"kind": "category", "values": ["c", "a", "b"]}, {}, ("c", "a", "b")),
        ([10, 2, 33], {"kind": "integer"}, {}, ("2", "10", "33")),
        (["a", "b", "b"], {"kind": "category"}, {}, ("b", "a")),
        (["a", "b", "b"], {"kind": "category"}, {"positive": "b"}, ("a", "b")),
        (["a", "b"], {"kind": "category"}, {}, ("a", "b")),
        ([True, False, False], {"kind": "boolean"}, {}, ("false", "true")),
    ],
    ids=["sorted", "contract", "integers", "rarer last", "positive last", "tie", "boolean"],
)
def test_classes_have_an_order(
    values: Any, column: dict[str, Any], target: dict[str, Any], classes: tuple[str, ...]
) -> None:
    encoder = fit(values, column, **target)
    assert encoder.classes == classes
    indices = encoder.encode(pa.array(values))
    assert indices.dtype == np.int32
    texts = [str(value).lower() for value in values]
    assert [classes[index] for index in indices] == texts


@pytest.mark.parametrize(
    ("values", "column", "target", "message"),
    [
        (["a", "a"], {"kind": "category"}, {}, r"at least two classes.*Received: \['a'\]"),
        (["a", "b"], {"kind": "category", "values": ["a", "b", "c"]}, {}, r"none of \['c'\]"),
        (["a", "b"], {"kind": "category"}, {"positive": "c"}, "target.positive.*Received: 'c'"),
    ],
    ids=["one class", "class without rows", "unknown positive"],
)
def test_classes_that_do_not_do(
    values: Any, column: dict[str, Any], target: dict[str, Any], message: str
) -> None:
    with pytest.raises(DataError, match=message):
        fit(values, column, **target)


@pytest.mark.parametrize(
    ("later", "message"),
    [(["c"], r"Received: \['c'\]"), ([None], "1 missing")],
    ids=["unseen", "missing"],
)
def test_targets_that_cannot_be_encoded(later: list[Any], message: str) -> None:
    encoder = fit(["a", "b"], {"kind": "category"})
    with pytest.raises(DataError, match=message):
        encoder.encode(pa.array(later, pa.string()))


def test_numbers_stay_in_their_unit() -> None:
    encoder = fit([10.0, 20.0, 30.0], {"kind": "number"}, task="regression")
    assert (encoder.mean, encoder.std) == (20.0, pytest.approx(8.16496580927726))
    assert encoder.encode(pa.array([7.0])).tolist() == [7.0]


def test_a_constant_target_has_a_deviation_of_one() -> None:
    assert fit([5.0, 5.0], {"kind": "number"}, task="regression").std == 1.0


Y = [0.0, 3.0, 10.0, 50.0, 900.0]


@pytest.mark.parametrize(
    ("scale", "expected"),
    [
        ("standard", TargetScale(center=float(np.mean(Y)), width=float(np.std(Y)))),
        ("minmax", TargetScale(center=0, width=900)),
        ("robust", TargetScale(center=10, width=47)),
        ("none", TargetScale()),
        (
            "log",
            TargetScale(
                center=float(np.log1p(Y).mean()), width=float(np.log1p(Y).std()), log_origin=0
            ),
        ),
    ],
)
def test_a_regression_is_scaled_as_its_column_says_and_back(
    scale: str, expected: TargetScale
) -> None:
    fitted = fit(Y, {"kind": "number", "scale": scale}, task="regression")
    assert fitted.mean == pytest.approx(np.mean(Y))
    found = fitted.scale
    assert found is not None
    assert found.log_origin == expected.log_origin
    assert (found.center, found.width) == pytest.approx((expected.center, expected.width))
    there_and_back = unscale_target(scale_target(np.array(Y), found), found)
    np.testing.assert_allclose(there_and_back, Y, atol=1e-9)


def test_a_logarithmic_target_is_never_predicted_below_what_was_seen() -> None:
    scale = fit([-3.0, 1.0, 40.0], {"kind": "number", "scale": "log"}, task="regression").scale
    assert scale is not None
    assert unscale_target(np.array([-50.0, -1e3]), scale).tolist() == [-3.0, -3.0]
