"""Integrated gradients: what each input adds to an output, against a reference row.

The gradient of the output is averaged along the straight line from the reference row to the row,
and multiplied by how far the row is from it (Sundararajan, Taly and Yan 2017, "Axiomatic
Attribution for Deep Networks"). The amounts sum up to the difference of the two outputs; how far
they miss it tells whether the line was sampled finely enough. Codes of categories and words cannot
lie between two codes: of them the line joins their embeddings.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, NamedTuple

import keras
import numpy as np
import numpy.typing as npt

from include.errors import ParamError

Arrays = Mapping[str, npt.NDArray[Any]]
# From a network's outputs, shape (points, outputs), to the number that is explained, (points,).
Choose = Callable[[Any, int], Any]

POINTS: Final = 64
MAX_POINTS: Final = 2_048
POINT_BYTES: Final = 32 << 20
# Of the difference of the outputs; the line is sampled twice as finely until it is met.
TOLERANCE: Final = 0.01
MIN_DIFFERENCE: Final = 0.01
# A row that took so long is sampled no more finely; its gap tells what is missing.
SECONDS: Final = 2.0


class Shares(NamedTuple):
    """What each input adds to a row's output; shapes are those of one row's inputs."""

    amounts: dict[str, npt.NDArray[np.float64]]
    output: float
    reference_output: float

    @property
    def gap(self) -> float:
        """How far the sum of the amounts misses the difference of the outputs."""
        total = sum(float(each.sum()) for each in self.amounts.values())
        return total - (self.output - self.reference_output)


class _Renamed(NamedTuple):
    """A network, and what it calls some of its inputs."""

    network: keras.Model
    names: Mapping[str, str]

    def call(self, trainable: Any, fixed: Any, inputs: Mapping[str, Any]) -> Any:
        named = {self.names.get(name, name): array for name, array in inputs.items()}
        outputs, _ = self.network.stateless_call(trainable, fixed, named)
        return outputs


class Integrator:
    """Integrated gradients of one network."""

    def __init__(
        self,
        network: keras.Model,
        choose: Choose,
        *,
        codes: Sequence[str] = (),
        scale: float = 1.0,
    ) -> None:
        """Open the network behind its embeddings.

        Args:
            network: A network whose inputs are a dict.
            choose: Which number of the outputs is explained, for a class; in JAX.
            codes: Names of its inputs that are integers.
            scale: A difference of this size is a large one; of less than a hundredth of it only
                the hundredth must be met.

        Raises:
            ParamError: Keras does not run on JAX, or the network is not of a form whose integer
                inputs go into embeddings.
        """
        if keras.config.backend() != "jax":
            raise ParamError(
                "explanations need Keras on JAX. Received: KERAS_BACKEND="
                f"{keras.config.backend()}. Unset it, and start again."
            )
        self._tables, self._opened = open_embeddings(network, codes)
        self._choose = choose
        self._scale = scale
        self._compiled: Callable[..., Any] | None = None

    def explain(self, row: Arrays, reference: Arrays, *, target: int = 0) -> Shares:
        """Explain one row.

        Args:
            row: The network's inputs of the row, shape (1, …).
            reference: The same of the row that it is held against.
            target: The class whose output is explained, handed to `choose`.
        """
        end, start = self._embed(row), self._embed(reference)
        points, started = POINTS, time.monotonic()
        while True:
            shares = self._integrate(start, end, points, target)
            least = MIN_DIFFERENCE * self._scale
            difference = max(abs(shares.output - shares.reference_output), least)
            is_close = abs(shares.gap) <= TOLERANCE * difference
            if is_close or points >= MAX_POINTS or time.monotonic() - started > SECONDS:
                return shares
            points *= 2

    def _integrate(
        self, start: dict[str, Any], end: dict[str, Any], points: int, target: int
    ) -> Shares:
        size = max(1, min(POINTS, POINT_BYTES // max(1, sum(a.nbytes for a in end.values()))))
        places = (np.arange(points) + 0.5) / points
        sums = {name: np.zeros(array.shape[1:]) for name, array in end.items()}
        for first in range(0, points, size):
            some = places[first : first + size]
            _, slopes = self._slopes(_between(start, end, _fill(some, size)), target)
            for name, slope in slopes.items():
                sums[name] += slope[: len(some)].sum(axis=0, dtype=np.float64)
        outputs, _ = self._slopes(_between(start, end, _fill(np.array([0.0, 1.0]), size)), target)
        if size == 1:
            last, _ = self._slopes(_between(start, end, np.array([1.0])), target)
            outputs = np.concatenate([outputs, last])
        amounts = {
            name: (end[name][0] - start[name][0]).astype(np.float64) * sums[name] / points
            for name in end
        }
        return Shares(amounts, float(outputs[1]), float(outputs[0]))

    def _embed(self, inputs: Arrays) -> dict[str, npt.NDArray[np.float32]]:
        arrays = {}
        for name, array in inputs.items():
            table = self._tables.get(name)
            arrays[name] = np.asarray(
                array if table is None else table[np.asarray(array)], dtype=np.float32
            )
        return arrays

    def _slopes(
        self, points: dict[str, Any], target: int
    ) -> tuple[npt.NDArray[Any], dict[str, npt.NDArray[Any]]]:
        """Give outputs and gradients at some points."""
        if self._compiled is None:
            self._compiled = self._compile()
        network = self._opened.network
        trainable = [variable.value for variable in network.trainable_variables]
        fixed = [variable.value for variable in network.non_trainable_variables]
        outputs, slopes = self._compiled(trainable, fixed, points, np.int32(target))
        return np.asarray(outputs), {name: np.asarray(each) for name, each in slopes.items()}

    def _compile(self) -> Callable[..., Any]:
        import jax

        def total(points: Any, trainable: Any, fixed: Any, target: Any) -> Any:
            chosen = self._choose(self._opened.call(trainable, fixed, points), target)
            return chosen.sum(), chosen

        def slopes(trainable: Any, fixed: Any, points: Any, target: Any) -> Any:
            (_, outputs), found = jax.value_and_grad(total, has_aux=True)(
                points, trainable, fixed, target
            )
            return outputs, found

        compiled: Callable[..., Any] = jax.jit(slopes)
        return compiled


def open_embeddings(
    network: keras.Model, codes: Sequence[str]
) -> tuple[dict[str, npt.NDArray[Any]], "_Renamed"]:
    """Take the embeddings off a network: their tables, and the network that takes their vectors.

    Args:
        network: The network.
        codes: Names of its inputs that are integers.

    Returns:
        The table of each embedding, and what calls the rest by the names of the inputs.

    Raises:
        ParamError: An integer input goes elsewhere than into one embedding.
    """
    if not codes:
        return {}, _Renamed(network, {})
    inputs = dict(network.input) if isinstance(network, keras.Model) and network.inputs else {}
    tables = {}
    for name in codes:
        layers = [
            layer
            for layer in network.layers
            if isinstance(layer, keras.layers.Embedding) and layer.input is inputs.get(name)
        ]
        if len(layers) != 1:
            raise ParamError(
                "a network is explained if each input of codes goes into one "
                f"keras.layers.Embedding. Received: another use of {name!r}. Build the network "
                "with the functional interface of Keras."
            )
        tables[name] = np.asarray(layers[0].embeddings.value)
        inputs[name] = layers[0].output
    # Keras wants the keys to be the tensors' own names.
    opened = keras.Model(
        inputs={tensor.name: tensor for tensor in inputs.values()}, outputs=network.output
    )
    return tables, _Renamed(opened, {name: tensor.name for name, tensor in inputs.items()})


def _fill(places: npt.NDArray[Any], size: int) -> npt.NDArray[np.float64]:
    """Repeat the last place up to a fixed count, so that the network compiles once."""
    return np.concatenate([places, np.repeat(places[-1:], max(0, size - len(places)))])[:size]


def _between(
    start: Mapping[str, Any], end: Mapping[str, Any], places: npt.NDArray[Any]
) -> dict[str, npt.NDArray[np.float32]]:
    """Give points on the line from start to end, one for each place from 0 to 1."""
    points = {}
    for name, last in end.items():
        first = start[name]
        shares = places.reshape(-1, *(1,) * (last.ndim - 1))
        points[name] = (first + shares * (last - first)).astype(np.float32)
    return points
