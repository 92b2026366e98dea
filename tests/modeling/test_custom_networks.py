import sys
import types
from collections.abc import Callable
from typing import Any

import keras
import pytest

from include.errors import TrainingError
from include.modeling.networks import build_network
from include.modeling.training import fit_network
from include.records import FeatureSchema
from include.specs.model import ModelSpec
from tests.modeling.samples import SCHEMAS, make_arrays, make_training

SCHEMA = SCHEMAS["many"]


def build_well(schema: FeatureSchema, model: ModelSpec) -> keras.Model:
    inputs = {each.name: keras.Input(each.shape, name=each.name) for each in schema.inputs}
    hidden = keras.layers.Dense(int(model.options["units"]), "relu")(inputs["dense"])
    hidden = keras.layers.BatchNormalization()(hidden)
    return keras.Model(inputs, keras.layers.Dense(schema.outputs, "softmax")(hidden))


def build_three_outputs_too_many(schema: FeatureSchema, model: ModelSpec) -> keras.Model:
    inputs = {each.name: keras.Input(each.shape, name=each.name) for each in schema.inputs}
    return keras.Model(inputs, keras.layers.Dense(schema.outputs + 3)(inputs["dense"]))


def build_other_inputs(schema: FeatureSchema, model: ModelSpec) -> keras.Model:
    inputs = {"pixels": keras.Input((3,), name="pixels")}
    return keras.Model(inputs, keras.layers.Dense(schema.outputs)(inputs["pixels"]))


def build_one_tensor(schema: FeatureSchema, model: ModelSpec) -> keras.Model:
    tensor = keras.Input((3,))
    return keras.Model(tensor, keras.layers.Dense(schema.outputs)(tensor))


def build_lambda(schema: FeatureSchema, model: ModelSpec) -> keras.Model:
    inputs = {each.name: keras.Input(each.shape, name=each.name) for each in schema.inputs}
    doubled = keras.layers.Lambda(lambda tensor: tensor * 2, output_shape=(3,))(inputs["dense"])
    return keras.Model(inputs, keras.layers.Dense(schema.outputs)(doubled))


def build_nothing(schema: FeatureSchema, model: ModelSpec) -> Any:
    return None


def fail(schema: FeatureSchema, model: ModelSpec) -> Any:
    raise ValueError("my own mistake")


@pytest.fixture
def register(monkeypatch: pytest.MonkeyPatch) -> Callable[..., ModelSpec]:
    def put(builder: object) -> ModelSpec:
        module = types.ModuleType("their_networks")
        module.build = builder  # type: ignore[attr-defined]
        monkeypatch.setitem(sys.modules, "their_networks", module)
        return ModelSpec(kind="their_networks.build", options={"units": 4})

    return put


def test_a_network_of_the_users_own_is_built_and_fitted(
    register: Callable[..., ModelSpec],
) -> None:
    network = build_network(register(build_well), SCHEMA)
    before = network.get_weights()
    rows = make_arrays()
    result = fit_network(network, rows, rows, schema=SCHEMA, training=make_training(epochs=15))
    assert result.history[-1]["accuracy"] > 0.85
    moved = [(b != a).any() for b, a in zip(before, network.get_weights(), strict=True)]
    assert all(moved), "also the moving averages of the normalisation"


@pytest.mark.parametrize(
    ("builder", "message"),
    [
        (build_three_outputs_too_many, r"shape \(rows, 3\).*Received: \(2, 6\)"),
        (build_other_inputs, "must take a dict with the inputs .*dense.*Received: .*pixels"),
        (build_one_tensor, "must take a dict with the inputs .*dense"),
        (build_lambda, "must load from its file without running code.*no Lambda"),
        (build_nothing, "must return a keras.Model. Received: NoneType"),
        (fail, "must return a network. Received: ValueError: my own mistake"),
        ("text", "must name a function.*which is a str"),
    ],
    ids=["outputs", "inputs", "no dict", "lambda", "none", "raises", "no function"],
)
def test_a_wrong_builder_is_refused_before_training(
    register: Callable[..., ModelSpec], builder: object, message: str
) -> None:
    with pytest.raises(TrainingError, match=message):
        build_network(register(builder), SCHEMA)


@pytest.mark.parametrize("path", ["no_such_package.build", "include.records.no_such_function"])
def test_a_builder_that_is_not_there_is_named(path: str) -> None:
    with pytest.raises(TrainingError, match=f"{path}.*cannot be imported"):
        build_network(ModelSpec(kind=path), SCHEMA)
