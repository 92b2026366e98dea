"""The networks that a spec can name: `mlp`, `cnn`, or a builder of the user's own.

Every network takes a dict with one array per input of the feature schema and ends in one dense
layer: softmax for several classes, sigmoid for two, linear for a regression.
"""

import logging
from typing import Any

import keras
import numpy as np

from include.errors import TrainingError
from include.modeling.custom_networks import build_custom_network
from include.modeling.room import embedding_width
from include.records import FeatureInput, FeatureSchema
from include.specs.model import ModelSpec

logger = logging.getLogger(__name__)


def build_network(model: ModelSpec, schema: FeatureSchema, *, seed: int = 0) -> keras.Model:
    """Build a network with fresh weights; the same seed gives the same weights.

    Args:
        model: What the spec says of the network.
        schema: Inputs and outputs it must have.
        seed: Seed of weights and dropout. It is set for Python, numpy and Keras as a whole.

    Raises:
        TrainingError: The user's builder is missing, fails or builds something else.
    """
    keras.utils.set_random_seed(seed)
    reserve_names(schema)
    if model.kind in {"mlp", "cnn"}:
        network = _build_known_network(model, schema)
    else:
        network = build_custom_network(model, schema)
    logger.info("network %s with %d parameters", model.kind, network.count_params())
    return network


def reserve_names(schema: FeatureSchema) -> None:
    """Keep Keras from naming a layer like an input: an input may be called `dense`, too."""
    for each in schema.inputs:
        stem, _, number = each.name.rpartition("_")
        is_numbered = bool(stem) and number.isdecimal() and len(number) <= 3
        for _ in range(int(number) + 1 if is_numbered else 1):
            keras.backend.get_uid(stem if is_numbered else each.name)


def _build_known_network(model: ModelSpec, schema: FeatureSchema) -> keras.Model:
    inputs = {
        each.name: keras.Input(shape=each.shape, dtype=each.dtype, name=each.name)
        for each in schema.inputs
    }
    parts = [_encode(each, inputs[each.name], model) for each in schema.inputs]
    if not parts:
        raise TrainingError("a network needs at least one input. Received: none. Check columns.")
    hidden = keras.layers.Concatenate()(parts) if len(parts) > 1 else parts[0]
    for units in model.hidden:
        hidden = keras.layers.Dense(
            units, activation=model.activation, kernel_regularizer=_penalty(model)
        )(hidden)
        hidden = _drop(hidden, model)
    if model.change_from is not None:
        change = keras.layers.Dense(schema.outputs, kernel_initializer="zeros")(hidden)
        outputs = _start_from(model.change_from, inputs, change, schema)
    else:
        output = keras.layers.Dense(schema.outputs, activation=_last_activation(schema))
        outputs = output(hidden)
    return keras.Model(inputs=inputs, outputs=outputs)


def _start_from(name: str, inputs: dict[str, Any], change: Any, schema: FeatureSchema) -> Any:
    """Add a linear path that begins as one feature itself: the network learns what changes."""
    dense = next((each for each in schema.inputs if each.kind == "dense"), None)
    if dense is None or name not in dense.columns or schema.task != "regression":
        raise TrainingError(
            "model.change_from names a number among the features of a regression. "
            f"Received: {name!r} of a {schema.task}; numbers: "
            f"{list(dense.columns)[:20] if dense else []}."
        )
    path = keras.layers.Dense(1, use_bias=False, kernel_initializer="zeros")
    start = path(inputs[dense.name])
    path.set_weights([np.eye(len(dense.columns), 1, -dense.columns.index(name))])
    return keras.layers.Add()([start, change])


def _encode(each: FeatureInput, tensor: Any, model: ModelSpec) -> Any:
    if each.kind == "index":
        embedded = keras.layers.Embedding(each.size, embedding_width(each.size))(tensor)
        return keras.layers.Flatten()(embedded)
    if each.kind == "tokens":
        embedded = keras.layers.Embedding(each.size, embedding_width(each.size))(tensor)
        return keras.layers.GlobalAveragePooling1D()(embedded)
    if each.kind == "tensor":
        convolved = _convolve(each.shape, tensor, model) if model.kind == "cnn" else tensor
        return keras.layers.Flatten()(convolved)
    return tensor


def _convolve(shape: tuple[int, ...], tensor: Any, model: ModelSpec) -> Any:
    """Add one block per entry of `filters`: convolution, pooling while there is room, dropout."""
    dimensions = 1 if len(shape) == 1 else 2
    if len(shape) <= 2:
        # A sequence or a grey image has one channel that its shape does not name.
        tensor, places = keras.layers.Reshape((*shape, 1))(tensor), shape
    elif len(shape) == 3:
        places = shape[:2]
    else:
        raise TrainingError(
            "a cnn takes tensors of shape (steps,), (height, width) or (height, width, channels). "
            f"Received: shape={list(shape)}. Use model.kind mlp or a builder of your own."
        )
    convolution = keras.layers.Conv1D if dimensions == 1 else keras.layers.Conv2D
    pooling = keras.layers.MaxPooling1D if dimensions == 1 else keras.layers.MaxPooling2D
    for filters in model.filters:
        tensor = convolution(
            filters,
            3,
            padding="same",
            activation=model.activation,
            kernel_regularizer=_penalty(model),
        )(tensor)
        if min(places) >= 4:
            tensor, places = pooling(2)(tensor), tuple(place // 2 for place in places)
        tensor = _drop(tensor, model)
    return tensor


def _drop(tensor: Any, model: ModelSpec) -> Any:
    return keras.layers.Dropout(model.dropout)(tensor) if model.dropout else tensor


def _penalty(model: ModelSpec) -> Any:
    return keras.regularizers.L2(model.l2) if model.l2 else None


def _last_activation(schema: FeatureSchema) -> str:
    if schema.task == "regression":
        return "linear"
    return "softmax" if schema.outputs > 1 else "sigmoid"
