import numpy as np
import pytest

from include.explaining.boosting import explain_unfit, fit_boosting
from include.records import FeatureInput, FeatureSchema

DENSE = FeatureInput(name="dense", kind="dense", shape=(3,))
JOB = FeatureInput(name="job", kind="index", shape=(1,), dtype="int32", size=40)


def draw(rows: int = 600) -> dict[str, np.ndarray]:
    random = np.random.default_rng(0)
    return {
        "dense": random.standard_normal((rows, 3)).astype(np.float32),
        "job": random.integers(0, 40, (rows, 1)).astype(np.int32),
    }


def cut(inputs: dict[str, np.ndarray], rows: slice) -> dict[str, np.ndarray]:
    return {name: array[rows] for name, array in inputs.items()}


def test_it_learns_an_interaction_and_codes_that_have_no_order():
    inputs = draw()
    y = inputs["dense"][:, 0] * inputs["dense"][:, 1] + 3.0 * (inputs["job"][:, 0] % 2)
    schema = FeatureSchema(inputs=(DENSE, JOB), task="regression", target="y")

    found = fit_boosting(schema, cut(inputs, slice(500)), y[:500], cut(inputs, slice(500, None)))

    errors = np.square(found.predictions - y[500:]).mean()
    assert errors < 0.35 * y.var()
    assert not found.is_cut


def test_a_class_without_training_rows_gets_probability_zero():
    inputs = draw(200)
    y = np.where(inputs["dense"][:, 0] > 0, 2, 0)
    schema = FeatureSchema(
        inputs=(DENSE, JOB), task="classification", target="y", classes=("a", "b", "c")
    )

    found = fit_boosting(schema, inputs, y, inputs)

    assert found.predictions.shape == (200, 3)
    assert (found.predictions[:, 1] == 0).all()
    assert (found.predictions.argmax(axis=1) == y).mean() > 0.95
    np.testing.assert_allclose(found.predictions.sum(axis=1), 1)


def test_its_time_is_bounded_by_rounds():
    inputs = draw(200)
    schema = FeatureSchema(inputs=(DENSE, JOB), task="regression", target="y")

    found = fit_boosting(schema, inputs, inputs["dense"][:, 0], inputs, seconds=0)

    assert (found.trees, found.is_cut) == (10, True)


@pytest.mark.parametrize(
    ("inputs", "rows", "words"),
    [
        ((DENSE, JOB), 200_000, ""),
        ((DENSE,), 200_001, "at most 200,000 training rows, and there are 200,001"),
        ((FeatureInput(name="x", kind="tensor", shape=(8, 8)),), 10, "arrays or texts"),
    ],
)
def test_where_it_is_of_no_use_it_says_why(inputs, rows, words):
    schema = FeatureSchema(inputs=inputs, task="regression", target="y")

    assert words in explain_unfit(schema, rows)
    assert bool(words) == bool(explain_unfit(schema, rows))
