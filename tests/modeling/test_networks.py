from typing import Any

import keras
import numpy as np
import pytest

from include.errors import TrainingError
from include.modeling.networks import build_network
from include.records import FeatureInput, FeatureSchema
from include.specs.model import ModelSpec

CLASSES = tuple("0123456789")


def make_schema(*inputs: FeatureInput, **changes: Any) -> FeatureSchema:
    values = {"task": "classification", "target": "y", "classes": CLASSES, **changes}
    return FeatureSchema.model_validate({"inputs": inputs, **values})


def image(*shape: int) -> FeatureInput:
    return FeatureInput(name="image", kind="tensor", shape=shape)


def test_mnist_gets_the_classic_network() -> None:
    network = build_network(ModelSpec(hidden=(256, 128)), make_schema(image(28, 28)))
    dense = [each for each in network.layers if isinstance(each, keras.layers.Dense)]
    assert [each.units for each in dense] == [256, 128, 10]
    assert [each.activation.__name__ for each in dense] == ["relu", "relu", "softmax"]
    assert network.count_params() == 784 * 256 + 256 + 256 * 128 + 128 + 128 * 10 + 10
    assert all(each.kernel_regularizer is None for each in dense)
    assert not any(isinstance(each, keras.layers.Dropout) for each in network.layers)


@pytest.mark.parametrize(
    ("changes", "outputs", "activation"),
    [
        ({"classes": ("no", "yes")}, 1, "sigmoid"),
        ({"classes": ("a", "b", "c")}, 3, "softmax"),
        ({"classes": (), "task": "regression"}, 1, "linear"),
    ],
    ids=["binary", "many", "regression"],
)
def test_the_last_layer_fits_the_task(
    changes: dict[str, Any], outputs: int, activation: str
) -> None:
    network = build_network(ModelSpec(hidden=(2,)), make_schema(image(4), **changes))
    last = network.layers[-1]
    assert (last.units, last.activation.__name__) == (outputs, activation)


def test_every_kind_of_input_reaches_the_output() -> None:
    schema = make_schema(
        FeatureInput(name="dense", kind="dense", shape=(3,)),
        FeatureInput(name="city", kind="index", shape=(1,), dtype="int32", size=12),
        FeatureInput(name="words", kind="tokens", shape=(5,), dtype="int32", size=40),
        image(4, 4),
    )
    network = build_network(ModelSpec(hidden=(16,), dropout=0.1, l2=0.01), schema)
    one = {
        "dense": np.ones((1, 3), "float32"),
        "city": np.ones((1, 1), "int32"),
        "words": np.ones((1, 5), "int32"),
        "image": np.ones((1, 4, 4), "float32"),
    }
    before = np.asarray(network(one))
    assert before.shape == (1, 10)
    for name, values in one.items():
        changed = {**one, name: values * 2}
        assert not np.allclose(before, np.asarray(network(changed))), name
    assert len(network.losses) == 1


@pytest.mark.parametrize("shape", [(12,), (8, 8), (8, 8, 3), (2, 2), (1, 9)])
def test_a_cnn_takes_sequences_and_images_of_any_size(shape: tuple[int, ...]) -> None:
    model = ModelSpec(kind="cnn", filters=(4, 4, 4), hidden=(4,))
    network = build_network(model, make_schema(image(*shape)))
    rank = 1 if len(shape) == 1 else 2
    name = f"Conv{rank}D"
    assert [type(each).__name__ for each in network.layers].count(name) == 3
    assert network({"image": np.zeros((2, *shape), "float32")}).shape == (2, 10)


def test_a_cnn_refuses_what_is_no_image() -> None:
    with pytest.raises(TrainingError, match=r"Received: shape=\[2, 2, 2, 2\]"):
        build_network(ModelSpec(kind="cnn"), make_schema(image(2, 2, 2, 2)))


def test_the_seed_decides_the_weights() -> None:
    schema, model = make_schema(image(4)), ModelSpec(hidden=(3,))
    first, again, other = (build_network(model, schema, seed=seed) for seed in (1, 1, 2))
    same = zip(first.get_weights(), again.get_weights(), strict=True)
    assert all(np.array_equal(*pair) for pair in same)
    assert not np.array_equal(first.get_weights()[0], other.get_weights()[0])


@pytest.mark.parametrize("name", ["dense", "dense_2", "flatten", "output"])
def test_an_input_may_be_named_as_keras_names_its_layers(name: str) -> None:
    keras.backend.clear_session()  # as in a fresh process: Keras counts its names from the start
    each = FeatureInput(name=name, kind="tensor", shape=(2, 2))
    network = build_network(ModelSpec(hidden=(2, 2, 2)), make_schema(each))
    assert set(network.input) == {name}


def test_a_network_that_learns_the_change_begins_with_no_change() -> None:
    columns = ("dust_lag_1", "wind", "dust_lag_24")
    dense = FeatureInput(name="dense", kind="dense", shape=(3,), columns=columns)
    schema = FeatureSchema(inputs=(dense,), task="regression", target="dust")
    rows = np.random.default_rng(0).standard_normal((5, 3)).astype("float32")
    for place, name in enumerate(columns):
        network = build_network(ModelSpec(hidden=(4,), change_from=name), schema)
        outputs = np.asarray(network({"dense": rows}))
        assert outputs[:, 0] == pytest.approx(rows[:, place])
    with pytest.raises(TrainingError, match="Received: 'rain' of a regression"):
        build_network(ModelSpec(change_from="rain"), schema)
