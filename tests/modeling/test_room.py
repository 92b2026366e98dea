"""What a fit needs is known before it is built, and a network that cannot fit is refused."""

import pytest

from include.errors import RoomError
from include.modeling.networks import build_network
from include.modeling.room import check_room, count_weights
from include.records import FeatureInput, FeatureSchema
from include.specs.model import ModelSpec, TrainingSpec
from tests.modeling.samples import SCHEMAS

DENSE = FeatureInput(name="d", kind="dense", shape=(5,))
INDEX = FeatureInput(name="i", kind="index", shape=(1,), dtype="int32", size=40)
TOKENS = FeatureInput(name="t", kind="tokens", shape=(12,), dtype="int32", size=300)
IMAGE = FeatureInput(name="p", kind="tensor", shape=(9, 7))
COLOUR = FeatureInput(name="c", kind="tensor", shape=(8, 8, 3))
SERIES = FeatureInput(name="s", kind="tensor", shape=(30,))


@pytest.mark.parametrize(
    ("model", "inputs"),
    [
        (ModelSpec(hidden=(8, 3)), (DENSE, INDEX, TOKENS, IMAGE)),
        (ModelSpec(hidden=()), (DENSE,)),
        (ModelSpec(kind="cnn", hidden=(4,), filters=(3, 5)), (IMAGE, DENSE)),
        (ModelSpec(kind="cnn", hidden=(4,), filters=(3, 5, 6)), (COLOUR, SERIES)),
    ],
    ids=["all inputs", "no hidden layer", "grey", "colour and series"],
)
def test_the_weights_are_those_of_the_network(model, inputs):
    schema = FeatureSchema(
        inputs=inputs, task="classification", target="y", classes=("a", "b", "c")
    )
    assert count_weights(model, schema) == build_network(model, schema).count_params()


def test_a_network_beyond_all_memory_is_refused_with_numbers():
    model = ModelSpec(hidden=(65_536,) * 50)
    with pytest.raises(RoomError, match=r"free memory. Received: model.hidden=.* weights; .* GB"):
        check_room(model, TrainingSpec(), SCHEMAS["many"])
    check_room(ModelSpec(hidden=(8,)), TrainingSpec(), SCHEMAS["many"])


def test_rows_that_fill_the_memory_are_refused_with_any_network():
    model = ModelSpec(kind="their_networks.build")
    check_room(model, TrainingSpec(), SCHEMAS["many"], array_bytes=1_000)
    with pytest.raises(RoomError, match=r"1000\.0 GB of training rows .* \(row_limit\)"):
        check_room(model, TrainingSpec(), SCHEMAS["many"], array_bytes=10**12)


def test_a_network_of_a_builder_is_refused_once_its_weights_are_known():
    model = ModelSpec(kind="their_networks.build")
    check_room(model, TrainingSpec(), SCHEMAS["many"], built_weights=1_000)
    with pytest.raises(RoomError, match=r"1,000,000,000,000 weights"):
        check_room(model, TrainingSpec(), SCHEMAS["many"], built_weights=10**12)
