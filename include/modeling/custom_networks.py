"""Networks of the user's own: found by dotted path, built, and checked before any training."""

import importlib
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np

from include.errors import TrainingError
from include.records import FeatureSchema
from include.specs.model import ModelSpec

FORM = "def build(schema: FeatureSchema, model: ModelSpec) -> keras.Model"


def build_custom_network(model: ModelSpec, schema: FeatureSchema) -> keras.Model:
    """Call the user's builder and check what it built.

    Raises:
        TrainingError: The builder cannot be imported, fails, returns something else, or its
            network has other inputs or outputs, or cannot be saved and loaded again.
    """
    builder = find_builder(model.kind)
    try:
        network = builder(schema, model)
    except Exception as error:
        raise TrainingError(
            f"the builder {model.kind} must return a network. "
            f"Received: {type(error).__name__}: {str(error)[:500]}. Correct the builder."
        ) from error
    if not isinstance(network, keras.Model):
        raise TrainingError(
            f"the builder {model.kind} must return a keras.Model. "
            f"Received: {type(network).__name__}. Its form is `{FORM}`."
        )
    _check_inputs(network, schema, model.kind)
    _check_outputs(network, schema, model.kind)
    _check_can_be_loaded(network, model.kind)
    return network


def find_builder(path: str) -> Callable[..., Any]:
    """Import a builder by its dotted path, `package.module.function`.

    Raises:
        TrainingError: There is no such module or function.
    """
    module_name, _, name = path.rpartition(".")
    try:
        builder = getattr(importlib.import_module(module_name), name)
    except Exception as error:  # a module of the user's may fail in any way
        raise TrainingError(
            f"model.kind must be mlp, cnn or the dotted path of a builder, `{FORM}`. "
            f"Received: {path!r}, which cannot be imported ({type(error).__name__}: "
            f"{str(error)[:300]}). Put its module into the project, e.g. include/networks/."
        ) from error
    if not callable(builder):
        raise TrainingError(
            f"model.kind must name a function, `{FORM}`. "
            f"Received: {path!r}, which is a {type(builder).__name__}."
        )
    return builder  # type: ignore[no-any-return]


def _check_inputs(network: keras.Model, schema: FeatureSchema, path: str) -> None:
    expected = {each.name: each.shape for each in schema.inputs}
    declared = getattr(network, "input", None)
    if declared is None:
        return  # a subclass: the call below shows whether it takes the inputs
    found = (
        {name: tuple(tensor.shape[1:]) for name, tensor in declared.items()}
        if isinstance(declared, dict)
        else f"{type(declared).__name__} of {declared!r}"[:200]
    )
    if found != expected:
        raise TrainingError(
            f"the network of {path} must take a dict with the inputs {expected}: "
            "keras.Model(inputs={each.name: keras.Input(each.shape, dtype=each.dtype, "
            f"name=each.name) …}}, outputs). Received: {found}."
        )


def _check_outputs(network: keras.Model, schema: FeatureSchema, path: str) -> None:
    rows = {each.name: np.zeros((2, *each.shape), each.dtype) for each in schema.inputs}
    try:
        outputs = network(rows, training=False)
    except Exception as error:
        raise TrainingError(
            f"the network of {path} must accept a dict with the inputs {sorted(rows)}. "
            f"Received: {type(error).__name__}: {str(error)[:500]}. Correct the builder."
        ) from error
    shape = tuple(getattr(outputs, "shape", ()))
    if shape != (2, schema.outputs):
        raise TrainingError(
            f"the network of {path} must give one tensor of shape (rows, {schema.outputs}) for "
            f"target {schema.target!r}. Received: {shape or type(outputs).__name__}. "
            "End it with keras.layers.Dense(schema.outputs, …)."
        )


def _check_can_be_loaded(network: keras.Model, path: str) -> None:
    """Find out now, and not after hours of training, that nobody could load the network."""
    with tempfile.TemporaryDirectory() as scratch:
        place = Path(scratch) / "network.keras"
        try:
            network.save(place)
            keras.saving.load_model(place, compile=False, safe_mode=True)
        except Exception as error:
            raise TrainingError(
                f"the network of {path} must load from its file without running code. "
                f"Received: {type(error).__name__}: {str(error)[:500]}. Use layers of Keras, or "
                "own layers registered with keras.saving.register_keras_serializable; no Lambda."
            ) from error
