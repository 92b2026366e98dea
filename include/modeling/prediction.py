"""Predictions of a network: probabilities of every class, or numbers in the target's unit.

Rows are padded to a few sizes, so that a service that is asked for 1, 2, 3 … rows compiles the
network a few times and not once for each number of rows.
"""

import inspect
import weakref
from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import numpy.typing as npt

from include.records import FeatureSchema
from include.values.scaling import unscale_target

BATCH_ROWS = 1_024
# Bounds what one batch of large tensors takes, before the network multiplies it.
BATCH_BYTES = 32 << 20
MIN_BATCH = 8

Forward = Callable[[dict[str, npt.NDArray[Any]]], npt.NDArray[Any]]
_forwards: weakref.WeakKeyDictionary[keras.Model, Forward] = weakref.WeakKeyDictionary()


def predict(
    network: keras.Model,
    inputs: dict[str, npt.NDArray[Any]],
    *,
    schema: FeatureSchema,
    batch_size: int = BATCH_ROWS,
) -> npt.NDArray[np.float64]:
    """Predict rows, each for itself.

    Args:
        network: A network of this schema.
        inputs: One array per input, shape (rows, *input shape).
        schema: What the network gives out.
        batch_size: Most rows at a time.

    Returns:
        Classification: shape (rows, classes), the probability of every class, also of two.
        Regression: shape (rows,), in the target's own unit.
    """
    outputs = predict_outputs(network, inputs, batch_size=batch_size).astype(np.float64)
    if schema.task == "regression":
        return unscale_target(outputs[:, 0], schema.scaling)
    if schema.outputs == 1:
        return np.concatenate([1 - outputs, outputs], axis=1)
    return np.asarray(outputs / outputs.sum(axis=1, keepdims=True))


def predict_outputs(
    network: keras.Model, inputs: dict[str, npt.NDArray[Any]], *, batch_size: int = BATCH_ROWS
) -> npt.NDArray[Any]:
    """Return the network's outputs as they are, shape (rows, outputs)."""
    forward = _forward_of(network)
    rows = len(next(iter(inputs.values())))
    size = _choose_batch(inputs, rows, batch_size)
    parts = [
        forward({name: _padded(array[at : at + size], size) for name, array in inputs.items()})
        for at in range(0, max(rows, 1), size)
    ]
    return np.concatenate(parts)[:rows]


def training_argument(network: keras.Model, is_training: bool) -> dict[str, bool]:
    """Return the keyword by which a network is told its mode; a user's own may take none."""
    parameters = inspect.signature(network.call).parameters
    return {"training": is_training} if "training" in parameters else {}


def _choose_batch(inputs: dict[str, npt.NDArray[Any]], rows: int, most: int) -> int:
    row_bytes = sum(
        array.dtype.itemsize * int(np.prod(array.shape[1:])) for array in inputs.values()
    )
    most = max(1, min(most, BATCH_BYTES // max(row_bytes, 1)))
    power_of_two = 1 << max(rows - 1, 0).bit_length()
    return min(most, max(MIN_BATCH, power_of_two))


def _padded(array: npt.NDArray[Any], rows: int) -> npt.NDArray[Any]:
    missing = rows - len(array)
    if not missing:
        return array
    return np.concatenate([array, np.zeros((missing, *array.shape[1:]), array.dtype)])


def _forward_of(network: keras.Model) -> Forward:
    if network not in _forwards:
        is_jax = keras.config.backend() == "jax"
        _forwards[network] = _compile_jax(network) if is_jax else _wrap_keras(network)
    return _forwards[network]


def _compile_jax(network: keras.Model) -> Forward:
    """Compile a pure function: unlike Keras' own `predict` it may run in several threads."""
    import jax

    # The cache must not keep the network alive.
    reference = weakref.ref(network)
    mode = training_argument(network, is_training=False)

    def compute(trainable: Any, fixed: Any, inputs: Any) -> Any:
        outputs, _ = _alive(reference).stateless_call(trainable, fixed, inputs, **mode)
        return outputs

    compiled = jax.jit(compute)

    def forward(inputs: dict[str, npt.NDArray[Any]]) -> npt.NDArray[Any]:
        network = _alive(reference)
        trainable = [variable.value for variable in network.trainable_variables]
        fixed = [variable.value for variable in network.non_trainable_variables]
        return np.asarray(compiled(trainable, fixed, inputs))

    return forward


def _wrap_keras(network: keras.Model) -> Forward:
    reference = weakref.ref(network)
    return lambda inputs: np.asarray(_alive(reference).predict_on_batch(inputs))


def _alive(reference: Any) -> Any:
    """Return what the caller of `predict` holds, so it cannot be gone."""
    return reference()
