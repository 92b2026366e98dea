from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import keras
import numpy as np
import pytest

from include.modeling.networks import build_network
from include.modeling.prediction import predict, predict_outputs
from tests.modeling.samples import SCHEMAS, SMALL, make_arrays

KINDS = ["many", "binary", "regression"]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("rows", [1, 8, 77])
def test_each_row_gets_an_answer_whatever_the_batch(kind: str, rows: int) -> None:
    network, arrays = build_network(SMALL, SCHEMAS[kind]), make_arrays(kind, rows)
    answers = predict(network, arrays.inputs, schema=SCHEMAS[kind])
    expected = np.asarray(network(arrays.inputs)).astype("float64")
    if kind == "regression":
        np.testing.assert_allclose(answers, expected[:, 0] * 20 + 100, rtol=1e-4)
    else:
        assert answers.shape == (rows, len(SCHEMAS[kind].classes))
        np.testing.assert_allclose(answers.sum(axis=1), 1)
        np.testing.assert_allclose(answers[:, -1], expected[:, -1], rtol=1e-4)
    batched = predict(network, arrays.inputs, schema=SCHEMAS[kind], batch_size=10)
    np.testing.assert_allclose(answers, batched, rtol=1e-4)


def test_no_rows_give_no_answers() -> None:
    network = build_network(SMALL, SCHEMAS["many"])
    rows = {"dense": np.zeros((0, 3), "float32")}
    assert predict(network, rows, schema=SCHEMAS["many"]).shape == (0, 3)


def test_answers_are_blind_to_the_order_of_rows() -> None:
    network, arrays = build_network(SMALL, SCHEMAS["many"]), make_arrays(rows=50)
    order = np.random.default_rng(0).permutation(50)
    straight = predict(network, arrays.inputs, schema=SCHEMAS["many"])
    mixed = predict(network, {"dense": arrays.inputs["dense"][order]}, schema=SCHEMAS["many"])
    np.testing.assert_allclose(straight[order], mixed, rtol=1e-5)


def test_a_saved_network_gives_the_same_answers(tmp_path: Path) -> None:
    network, arrays = build_network(SMALL, SCHEMAS["many"]), make_arrays(rows=20)
    network.save(tmp_path / "network.keras")
    loaded = keras.saving.load_model(tmp_path / "network.keras")
    np.testing.assert_array_equal(
        predict(network, arrays.inputs, schema=SCHEMAS["many"]),
        predict(loaded, arrays.inputs, schema=SCHEMAS["many"]),
    )


def test_new_weights_give_new_answers() -> None:
    network, arrays = build_network(SMALL, SCHEMAS["many"]), make_arrays(rows=5)
    before = predict_outputs(network, arrays.inputs)
    network.set_weights([weight + 1 for weight in network.get_weights()])
    assert not np.allclose(before, predict_outputs(network, arrays.inputs))


def test_several_threads_may_ask_at_once() -> None:
    network, arrays = build_network(SMALL, SCHEMAS["many"]), make_arrays(rows=30)
    expected = predict_outputs(network, arrays.inputs)
    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda _: predict_outputs(network, arrays.inputs), range(40)))
    assert all(np.array_equal(answer, expected) for answer in answers)
