"""Integrated gradients of small real networks whose shares are known."""

from typing import Any

import keras
import numpy as np
import pytest

from include.errors import ParamError
from include.explaining.gradients import Integrator


def first(outputs: Any, _: Any) -> Any:
    return outputs[:, 0]


def at_class(outputs: Any, target: Any) -> Any:
    import jax.numpy as jnp

    return jnp.take(outputs, target, axis=1)


def dense(*values: float) -> dict[str, np.ndarray]:
    return {"dense": np.array([values], dtype=np.float32)}


def test_of_a_linear_model_each_input_adds_its_weight_times_its_distance():
    inputs = keras.Input((3,), name="dense")
    layer = keras.layers.Dense(1, name="out")
    network = keras.Model({"dense": inputs}, layer(inputs))
    layer.set_weights([np.array([[2.0], [-1.0], [0.0]]), np.array([5.0])])

    shares = Integrator(network, first).explain(dense(3, 4, 9), dense(1, 1, 1))

    np.testing.assert_allclose(shares.amounts["dense"], [4, -3, 0], atol=1e-5)
    assert (shares.output, shares.reference_output) == pytest.approx((7, 6))


def test_an_interaction_is_shared_by_its_two_inputs():
    inputs = keras.Input((3,), name="dense")
    product = keras.ops.multiply(inputs[:, :1], inputs[:, 1:2])
    network = keras.Model({"dense": inputs}, product)

    shares = Integrator(network, first).explain(dense(2, 3, 7), dense(0, 0, 0))

    # ∫ 2 · 3a da for each of both
    np.testing.assert_allclose(shares.amounts["dense"], [3, 3, 0], atol=1e-4)


def test_of_an_image_only_the_telling_patch_gets_shares():
    images = np.random.default_rng(0).random((400, 6, 6)).astype(np.float32)
    labels = (images[:, 1:3, 4:6].mean(axis=(1, 2)) > 0.5).astype(np.int32)
    keras.utils.set_random_seed(0)
    inputs = keras.Input((6, 6), name="image")
    hidden = keras.layers.Dense(16, activation="relu", name="hidden")(
        keras.layers.Flatten()(inputs)
    )
    network = keras.Model(
        {"image": inputs}, keras.layers.Dense(2, activation="softmax", name="out")(hidden)
    )
    network.compile(keras.optimizers.Adam(0.01), "sparse_categorical_crossentropy")
    network.fit({"image": images}, labels, epochs=40, verbose=0)
    image = images[labels == 1][:1].copy()
    image[:, 1:3, 4:6] = 1.0
    reference = images.mean(axis=0, keepdims=True)

    shares = Integrator(network, at_class).explain({"image": image}, {"image": reference}, target=1)

    heat = shares.amounts["image"]
    assert shares.output > 0.9
    assert abs(shares.gap) <= 0.01 * abs(shares.output - shares.reference_output)
    assert heat[1:3, 4:6].sum() > 0.7 * (shares.output - shares.reference_output)
    assert {tuple(place) for place in np.argwhere(heat >= np.sort(heat.ravel())[-4])} == {
        (1, 4),
        (1, 5),
        (2, 4),
        (2, 5),
    }


def build_coded_network() -> keras.Model:
    keras.utils.set_random_seed(3)
    numbers = keras.Input((2,), name="dense")
    code = keras.Input((1,), name="job", dtype="int32")
    vector = keras.layers.Flatten()(keras.layers.Embedding(6, 3)(code))
    joined = keras.layers.Concatenate()([numbers, vector])
    hidden = keras.layers.Dense(32, activation="relu", name="hidden")(joined)
    output = keras.layers.Dense(3, activation="softmax", name="out")(hidden)
    return keras.Model({"dense": numbers, "job": code}, output)


@pytest.mark.filterwarnings("error")
def test_codes_take_part_by_their_embeddings_and_the_sum_is_complete():
    network = build_coded_network()
    row = {**dense(2, -1), "job": np.array([[4]], np.int32)}
    reference = {**dense(0, 0), "job": np.array([[1]], np.int32)}

    shares = Integrator(network, at_class, codes=["job"]).explain(row, reference, target=2)

    outputs = [np.asarray(network(each))[0, 2] for each in (row, reference)]
    assert (shares.output, shares.reference_output) == pytest.approx(outputs, abs=1e-6)
    assert shares.amounts["job"].any()
    assert abs(shares.gap) < 1e-3


def test_a_row_equal_to_the_reference_has_nothing_to_explain():
    network = build_coded_network()
    row = {**dense(1, 1), "job": np.array([[2]], np.int32)}

    shares = Integrator(network, at_class, codes=["job"]).explain(row, row)

    assert not any(each.any() for each in shares.amounts.values())
    assert shares.gap == 0


def test_codes_that_are_used_otherwise_are_refused():
    code = keras.Input((1,), name="job", dtype="int32")
    network = keras.Model({"job": code}, keras.ops.cast(code, "float32"))

    with pytest.raises(ParamError, match="goes into one keras.layers.Embedding. Received: .*'job'"):
        Integrator(network, first, codes=["job"])
