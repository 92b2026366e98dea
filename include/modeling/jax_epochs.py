"""One epoch on JAX: many optimizer steps in each compiled call.

`model.fit` comes back to Python after every batch. On small networks that takes as long as the
arithmetic. Here a loop over the batches of a chunk is compiled as a whole, from the functions
that Keras documents for training loops of one's own (`stateless_call`, `stateless_apply`), while
numpy assembles the next chunk at the side. A last, shorter batch is filled up with rows that do
not count, so that it needs no compilation of its own; where a layer might look at the rows beside
it, it is a call of its own and is not filled up.
"""

from collections import deque
from collections.abc import Iterator
from typing import Any, NamedTuple

import jax
import keras
import numpy as np

from include.modeling.epochs import FitRows, StopCheck
from include.modeling.objectives import build_loss, build_optimizer, metric_name, score_rows
from include.modeling.plain_networks import is_plain
from include.modeling.prediction import training_argument
from include.records import FeatureSchema
from include.specs.model import TrainingSpec

CALLS_PER_EPOCH = 24
MIN_STEPS_PER_CALL = 64
CHUNK_BYTES = 16 << 20
# Calls that may wait for the device: one runs while the next is assembled.
CALLS_IN_FLIGHT = 2


class Chunk(NamedTuple):
    """Rows of several steps: every array has the shape (steps, batch, …).

    `counts` is 1 for a row of its batch, and 0 for one that only fills it up.
    """

    inputs: dict[str, Any]
    target: Any
    weights: Any
    counts: Any
    steps: int


class JaxEpochs:
    """Epochs by compiled loops over chunks of batches."""

    def __init__(
        self, network: keras.Model, rows: FitRows, *, schema: FeatureSchema, training: TrainingSpec
    ) -> None:
        """Prepare a network for a fit; nothing is compiled yet."""
        self._network, self._rows, self._training = network, rows, training
        self._metric = metric_name(schema)
        self.optimizer = build_optimizer(training)
        self.optimizer.build(network.trainable_variables)
        self._is_plain = is_plain(keras.saving.serialize_keras_object(network))
        step = build_step(network, self.optimizer, schema, training)
        self._run_chunk = jax.jit(build_loop(step), donate_argnums=0)

    def run_epoch(self, epoch: int, check_stop: StopCheck) -> dict[str, float]:
        """Run one epoch; its shuffle depends on seed and epoch alone, so it can be resumed."""
        order = np.random.default_rng([self._training.seed, epoch]).permutation(self._rows.rows)
        state, total = self._read_state(), np.zeros(2)
        waiting: deque[Any] = deque()
        size = self._training.batch_size
        for chunk in cut_chunks(self._rows, order, size, is_filled=self._is_plain):
            check_stop()
            state, sums = self._run_chunk(state, chunk)
            waiting.append(sums)
            if len(waiting) > CALLS_IN_FLIGHT:
                total += np.asarray(waiting.popleft())
            if not np.isfinite(total[0]):
                break  # the epoch is lost: the caller says so now and not at its end
        total += np.sum([np.asarray(sums) for sums in waiting], axis=0)
        self._write_state(state)
        loss, score = (total / self._rows.rows).tolist()
        return {"loss": loss, self._metric: score}

    def _read_state(self) -> Any:
        return [[variable.value for variable in group] for group in self._variables()]

    def _write_state(self, state: Any) -> None:
        for group, values in zip(self._variables(), state, strict=True):
            for variable, value in zip(group, values, strict=True):
                variable.assign(value)

    def _variables(self) -> tuple[list[Any], list[Any], list[Any]]:
        network = self._network
        return (
            network.trainable_variables,
            network.non_trainable_variables,
            self.optimizer.variables,
        )


def build_step(
    network: keras.Model,
    optimizer: keras.optimizers.Optimizer,
    schema: FeatureSchema,
    training: TrainingSpec,
) -> Any:
    """Build the function of one step: (state, batch) → (state, [sum of losses, of scores]).

    Keras' losses divide by the number of rows, those that do not count included.
    """
    loss_of = build_loss(schema, training.loss)
    mode = training_argument(network, is_training=True)

    def compute_loss(
        trainable: Any, fixed: Any, inputs: Any, target: Any, weights: Any, counts: Any
    ) -> Any:
        outputs, fixed, penalties = network.stateless_call(
            trainable, fixed, inputs, return_losses=True, **mode
        )
        shares = counts * (len(target) / counts.sum())
        weights = shares if weights is None else shares * weights
        loss = loss_of(target, outputs, sample_weight=weights) + sum(penalties)
        return loss, (fixed, (score_rows(schema, target, outputs) * counts).sum())

    def step(state: Any, inputs: Any, target: Any, weights: Any, counts: Any) -> Any:
        trainable, fixed, slots = state
        compute = jax.value_and_grad(compute_loss, has_aux=True)
        (loss, (fixed, score)), gradients = compute(
            trainable, fixed, inputs, target, weights, counts
        )
        trainable, slots = optimizer.stateless_apply(slots, gradients, trainable)
        sums = jax.numpy.stack([loss * counts.sum(), score.astype("float32")])
        return [list(trainable), list(fixed), list(slots)], sums

    return step


def build_loop(step: Any) -> Any:
    """Build the function that runs all steps of a chunk.

    The number of steps is an argument, so that a chunk with fewer than its arrays have room for
    needs no compilation of its own.
    """

    def run_chunk(state: Any, chunk: Chunk) -> Any:
        def body(position: Any, carry: Any) -> Any:
            state, sums = carry
            batch = jax.tree.map(lambda array: array[position], tuple(chunk[:-1]))
            state, more = step(state, *batch)
            return state, sums + more

        start = (state, jax.numpy.zeros(2, "float32"))
        return jax.lax.fori_loop(0, chunk.steps, body, start)

    return run_chunk


def cut_chunks(rows: FitRows, order: Any, batch_size: int, *, is_filled: bool) -> Iterator[Chunk]:
    """Cut the rows, in the given order, into chunks of batches.

    Every row counts exactly once. The last chunk may have fewer `steps` than its arrays have room
    for; what fills that room is never used.

    Args:
        rows: All rows.
        order: Their places, in the order of this epoch.
        batch_size: Rows of a batch.
        is_filled: Whether the last batch is as long as the others, with rows that do not count.
    """
    size = min(batch_size, rows.rows)
    whole = rows.rows // size
    steps = -(-rows.rows // size) if is_filled else whole
    room = choose_steps_per_call(rows, steps, size)
    for first in range(0, steps, room):
        places = order[first * size : min(first + room, steps) * size]
        yield _gather(rows, places, (room, size), min(room, steps - first))
    rest = order[whole * size :]
    if len(rest) and not is_filled:
        yield _gather(rows, rest, (1, len(rest)), 1)


def choose_steps_per_call(rows: FitRows, steps: int, size: int) -> int:
    """Choose how many steps one call takes: a few dozen calls an epoch, of bounded memory."""
    arrays = [*rows.inputs.values(), rows.target]
    row_bytes = sum(a.dtype.itemsize * int(np.prod(a.shape[1:])) for a in arrays)
    wanted = max(MIN_STEPS_PER_CALL, -(-steps // CALLS_PER_EPOCH))
    fitting = max(1, CHUNK_BYTES // max(1, row_bytes * size))
    most = min(wanted, fitting, steps)
    return -(-steps // -(-steps // most))  # even chunks: the last one is nearly full


def _gather(rows: FitRows, places: Any, shape: tuple[int, int], steps: int) -> Chunk:
    filled = np.resize(places, shape)

    def take(array: Any) -> Any:
        return array[filled]

    return Chunk(
        inputs={name: take(array) for name, array in rows.inputs.items()},
        target=take(rows.target),
        weights=None if rows.weights is None else take(rows.weights),
        counts=(np.arange(filled.size) < len(places)).astype("float32").reshape(shape),
        steps=steps,
    )
