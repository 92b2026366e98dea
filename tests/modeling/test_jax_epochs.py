import keras
import numpy as np
import pytest

from include.modeling import jax_epochs
from include.modeling.arrays import Arrays, balance_rows, to_loss_target
from include.modeling.epochs import FitRows, KerasEpochs
from include.modeling.jax_epochs import JaxEpochs, cut_chunks
from include.modeling.networks import build_network
from include.modeling.objectives import measure_outputs
from include.modeling.prediction import predict_outputs
from include.modeling.training import choose_runner
from include.records import FeatureSchema
from include.specs.model import ModelSpec
from tests.modeling.samples import SCHEMAS, SMALL, make_arrays, make_training


def make_rows(rows: int) -> FitRows:
    numbers = np.arange(rows)
    return FitRows({"dense": numbers.reshape(-1, 1)}, numbers, numbers.astype("float32"))


@pytest.mark.parametrize("is_filled", [True, False])
@pytest.mark.parametrize(
    ("rows", "batch"), [(1, 32), (31, 32), (32, 32), (33, 32), (700, 7), (701, 7), (5, 1)]
)
def test_every_row_counts_once_and_no_other(
    monkeypatch: pytest.MonkeyPatch, rows: int, batch: int, is_filled: bool
) -> None:
    monkeypatch.setattr(jax_epochs, "MIN_STEPS_PER_CALL", 3)
    order = np.random.default_rng(0).permutation(rows)
    seen: list[int] = []
    shapes = set()
    for chunk in cut_chunks(make_rows(rows), order, batch, is_filled=is_filled):
        used = chunk.target[: chunk.steps]
        np.testing.assert_array_equal(used, chunk.inputs["dense"][: chunk.steps, :, 0])
        np.testing.assert_array_equal(used, chunk.weights[: chunk.steps])
        assert used.shape[1] <= batch
        shapes.add(chunk.target.shape)
        seen.extend(used[chunk.counts[: chunk.steps] == 1].tolist())
    assert seen == order.tolist()
    assert len(shapes) == (2 if rows % batch and rows > batch and not is_filled else 1)


def test_chunks_stay_small_in_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jax_epochs, "CHUNK_BYTES", 16 * 10 * 5)
    chunks = list(cut_chunks(make_rows(1000), np.arange(1000), 10, is_filled=True))
    assert [chunk.steps for chunk in chunks] == [5] * 20
    assert chunks[0].target.shape == (5, 10)


def fit_by_hand(network: keras.Model, rows: FitRows, batch: int, weights: bool) -> None:
    """Fit one epoch with Keras' own `train_on_batch`, in the order that JaxEpochs uses."""
    order = np.random.default_rng([0, 1]).permutation(rows.rows)
    for start in range(0, rows.rows, batch):
        places = order[start : start + batch]
        network.train_on_batch(
            {"dense": rows.inputs["dense"][places]},
            rows.target[places],
            sample_weight=rows.weights[places] if weights and rows.weights is not None else None,
        )


@pytest.mark.parametrize(
    ("kind", "optimizer"),
    [("many", "adam"), ("binary", "nadam"), ("regression", "adamw"), ("many", "rmsprop")],
)
def test_an_epoch_equals_one_of_keras_own_steps(kind: str, optimizer: str) -> None:
    schema, arrays = SCHEMAS[kind], make_arrays(kind, rows=70)
    weights = balance_rows(schema, arrays.y) if kind == "many" else None
    rows = FitRows(arrays.inputs, to_loss_target(schema, arrays.y), weights)
    training = make_training(batch_size=16, optimizer=optimizer)
    model = ModelSpec(hidden=(4,), l2=0.01)
    ours, theirs = (build_network(model, schema, seed=1) for _ in range(2))
    JaxEpochs(ours, rows, schema=schema, training=training).run_epoch(1, lambda: None)
    KerasEpochs(theirs, rows, schema=schema, training=training)  # compiles the network
    fit_by_hand(theirs, rows, 16, weights=weights is not None)
    for one, other in zip(ours.get_weights(), theirs.get_weights(), strict=True):
        np.testing.assert_allclose(one, other, rtol=2e-4, atol=2e-5)


def build_with_normalization(schema: FeatureSchema) -> keras.Model:
    """Build a network in which each row of a batch changes the others."""
    dense = keras.Input((3,), name="dense")
    # No bias: what follows takes it away, and Adam would follow the rounding of its gradient of 0.
    hidden = keras.layers.Dense(4, use_bias=False, name="hidden")(dense)
    hidden = keras.layers.BatchNormalization()(hidden)
    output = keras.layers.Dense(schema.outputs, activation="softmax", name="output")(hidden)
    return keras.Model({"dense": dense}, output)


def test_a_layer_that_looks_at_the_whole_batch_gets_no_rows_that_do_not_count() -> None:
    schema, arrays = SCHEMAS["many"], make_arrays("many", rows=70)
    rows = FitRows(arrays.inputs, to_loss_target(schema, arrays.y), None)
    training = make_training(batch_size=16)
    ours, theirs = build_with_normalization(schema), build_with_normalization(schema)
    theirs.set_weights(ours.get_weights())
    JaxEpochs(ours, rows, schema=schema, training=training).run_epoch(1, lambda: None)
    KerasEpochs(theirs, rows, schema=schema, training=training)  # compiles the network
    fit_by_hand(theirs, rows, 16, weights=False)
    for one, other in zip(ours.get_weights(), theirs.get_weights(), strict=True):
        np.testing.assert_allclose(one, other, rtol=2e-4, atol=2e-5)


def test_loss_and_metric_of_an_epoch_are_those_of_its_rows() -> None:
    schema, arrays = SCHEMAS["many"], make_arrays("many", rows=70)
    rows = FitRows(arrays.inputs, to_loss_target(schema, arrays.y), None)
    still = make_training(batch_size=16, optimizer="sgd", learning_rate=1e-30)
    network = build_network(ModelSpec(hidden=(4,)), schema, seed=1)
    metrics = JaxEpochs(network, rows, schema=schema, training=still).run_epoch(1, lambda: None)
    outputs = predict_outputs(network, arrays.inputs)
    assert metrics == pytest.approx(measure_outputs(schema, rows.target, outputs), rel=1e-5)


def test_the_epoch_of_keras_learns_as_well() -> None:
    schema, arrays = SCHEMAS["many"], make_arrays()
    rows = FitRows(arrays.inputs, to_loss_target(schema, arrays.y), None)
    network = build_network(SMALL, schema)
    runner = KerasEpochs(network, rows, schema=schema, training=make_training())
    history = [runner.run_epoch(epoch, lambda: None) for epoch in range(1, 9)]
    assert set(history[0]) == {"loss", "accuracy"}
    assert history[-1]["accuracy"] > 0.85


@keras.saving.register_keras_serializable("tests")
class OwnStep(keras.Model):
    """A network with a step of its own, which only `model.fit` knows how to call."""

    def train_step(self, state, data):  # type: ignore[no-untyped-def]
        return super().train_step(state, data)


def test_a_network_with_its_own_step_is_fitted_by_keras() -> None:
    inputs = {"dense": keras.Input((3,), name="dense")}
    network = OwnStep(inputs, keras.layers.Dense(3, "softmax")(inputs["dense"]))
    arrays: Arrays = make_arrays()
    runner = choose_runner(network, arrays, schema=SCHEMAS["many"], training=make_training())
    assert isinstance(runner, KerasEpochs)
    runner = choose_runner(
        build_network(SMALL, SCHEMAS["many"]),
        arrays,
        schema=SCHEMAS["many"],
        training=make_training(),
    )
    assert isinstance(runner, JaxEpochs)
