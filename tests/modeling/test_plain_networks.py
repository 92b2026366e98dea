"""Networks of which more is taken for granted: all that a spec can name, and none with more."""

from typing import Any

import keras
import numpy as np
import pytest

from include.modeling.networks import build_network
from include.modeling.plain_networks import is_plain
from include.records import FeatureInput, FeatureSchema
from include.serving.network_file import load_network
from include.specs.model import ModelSpec

DENSE = FeatureInput(name="dense", kind="dense", columns=("a", "b", "c"), shape=(3,))
KINDS = {
    "numbers": ([DENSE], {}),
    "one number from which it starts": ([DENSE], {"change_from": "b"}),
    "categories and words": (
        [
            FeatureInput(name="city", kind="index", shape=(1,), dtype="int32", size=12),
            FeatureInput(name="words", kind="tokens", shape=(5,), dtype="int32", size=40),
            DENSE,
        ],
        {"dropout": 0.1, "l2": 0.01},
    ),
    "image": (
        [FeatureInput(name="image", kind="tensor", shape=(8, 8))],
        {"kind": "cnn", "filters": (4, 4), "dropout": 0.1},
    ),
    "series": (
        [FeatureInput(name="image", kind="tensor", shape=(8,))],
        {"kind": "cnn", "filters": (4,)},
    ),
}


def build(name: str) -> keras.Model:
    inputs, model = KINDS[name]
    task: dict[str, Any] = {"task": "classification", "target": "y", "classes": ("a", "b", "c")}
    if "change_from" in model:
        task = {"task": "regression", "target": "y"}
    schema = FeatureSchema.model_validate({"inputs": inputs, **task})
    return build_network(ModelSpec.model_validate({"hidden": (6, 4), **model}), schema, seed=4)


@pytest.mark.parametrize("name", KINDS)
def test_what_a_spec_can_name_is_plain_and_is_loaded_as_it_was(tmp_path, monkeypatch, name):
    network = build(name)
    network.set_weights([np.random.default_rng(1).random(w.shape) for w in network.get_weights()])
    network.save(tmp_path / "model.keras")
    assert is_plain(keras.saving.serialize_keras_object(network))
    # Keras' own way, in which every weight is drawn before it is read, is not taken.
    monkeypatch.setattr(keras.saving, "load_model", None)

    loaded = load_network(tmp_path / "model.keras")

    for one, other in zip(loaded.get_weights(), network.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)
    rows = {tensor.name: np.ones((2, *tensor.shape[1:]), tensor.dtype) for tensor in network.inputs}
    for is_training in (False, True):  # with a seed that no file holds
        outputs = np.asarray(loaded(rows, training=is_training))
        assert np.isfinite(outputs).all()
    np.testing.assert_array_equal(loaded(rows), network(rows))


@keras.saving.register_keras_serializable("tests")
class Same(keras.layers.Layer):
    """A layer of the user's own."""

    def call(self, rows):  # type: ignore[no-untyped-def]
        return rows


@keras.saving.register_keras_serializable("tests")
def centre(rows):  # type: ignore[no-untyped-def]
    """Let each row of a batch change the others."""
    return rows - keras.ops.mean(rows, axis=0)


@pytest.mark.parametrize(
    "layer",
    [
        keras.layers.BatchNormalization(),
        keras.layers.Normalization(mean=[0.0] * 4, variance=[1.0] * 4),
        keras.layers.Dense(4, activation=centre),
        keras.layers.Dense(4, activity_regularizer="l2"),
        lambda rows: keras.layers.Concatenate(axis=0)([rows, rows]),
        lambda rows: keras.ops.reshape(rows, (-1, 2)),
        Same(),
    ],
    ids=["batch", "constants", "function", "penalty", "joined", "operation", "own"],
)
def test_a_network_with_anything_else_is_not(tmp_path, layer):
    dense = keras.Input((3,), name="numbers")
    network = keras.Model({"numbers": dense}, layer(keras.layers.Dense(4)(dense)))
    network.save(tmp_path / "model.keras")
    assert not is_plain(keras.saving.serialize_keras_object(network))

    loaded = load_network(tmp_path / "model.keras")

    rows = {"numbers": np.ones((2, 3), "float32")}
    np.testing.assert_array_equal(loaded(rows), network(rows))
