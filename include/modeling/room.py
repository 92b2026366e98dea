"""How much memory a fit needs at least, told before a network takes it."""

from math import prod
from typing import Final

from include.errors import RoomError
from include.modeling.memory import free_bytes
from include.records import FeatureInput, FeatureSchema
from include.specs.model import ModelSpec, TrainingSpec

# Kinds whose weights can be counted without building them.
OURS: Final = ("mlp", "cnn")
# Numbers that an optimizer keeps for each weight.
SLOTS: Final = {"adam": 2, "adamw": 2, "nadam": 2, "rmsprop": 1, "sgd": 0}
FLOAT_BYTES: Final = 4


def check_room(
    model: ModelSpec,
    training: TrainingSpec,
    schema: FeatureSchema,
    *,
    array_bytes: int = 0,
    built_weights: int = 0,
    total: int | None = None,
) -> None:
    """Refuse a fit that cannot go on in the memory that is free.

    What a builder of the user's own builds is known once it is built, and refused then.

    Args:
        model: The network.
        training: Its optimizer and batches.
        schema: What it takes in and gives out.
        array_bytes: What the rows to come will take in memory.
        built_weights: Weights of a network that is built, and in memory; 0 before.
        total: All memory that a process here can have, in bytes: a run that waits for its turn
            will not find what is free now. None asks for what is free.

    Raises:
        RoomError: Its rows, weights, their gradients, the optimizer and one batch need more.
    """
    weights = built_weights or (count_weights(model, schema) if model.kind in OURS else 0)
    needed = array_bytes + fit_bytes(weights, model, training) - FLOAT_BYTES * built_weights
    has, kind = (free_bytes(), "free") if total is None else (total, "all")
    if needed > has:
        raise RoomError(
            f"the fit must find room in {has / 1e9:.1f} GB of {kind} memory. Received: "
            f"model.hidden={list(model.hidden)}, {weights:,} weights; with their gradients, "
            f"{training.optimizer}, batches of {training.batch_size} rows and "
            f"{array_bytes / 1e9:.1f} GB of training rows it takes {needed / 1e9:.1f} GB. "
            "Take fewer units, fewer rows (row_limit), a smaller batch_size, or a larger machine."
        )


def fit_bytes(weights: int, model: ModelSpec, training: TrainingSpec) -> int:
    """Give the least memory of a fit: weights, gradients, the optimizer's slots, one batch.

    Example:
        >>> fit_bytes(1_000_000, ModelSpec(hidden=(8,)), TrainingSpec(optimizer="adam"))
        16002048
    """
    activations = 2 * training.batch_size * sum(model.hidden)
    return FLOAT_BYTES * (weights * (2 + SLOTS[training.optimizer]) + activations)


def count_weights(model: ModelSpec, schema: FeatureSchema) -> int:
    """Count the weights of a network of ours without building it."""
    encoded = [_encode(each, model) for each in schema.inputs]
    total = sum(weights for weights, _ in encoded)
    width = sum(width for _, width in encoded)
    for units in (*model.hidden, schema.outputs):
        total += (width + 1) * units
        width = units
    return total


def embedding_width(size: int) -> int:
    """Return how many numbers stand for one of `size` codes: 1.6 · size^0.56, at most 50.

    The rule of thumb is fast.ai's.

    Example:
        >>> embedding_width(10), embedding_width(100_000)
        (6, 50)
    """
    return int(min(50, max(1, round(1.6 * size**0.56))))


def _encode(each: FeatureInput, model: ModelSpec) -> tuple[int, int]:
    """Give the weights of an input's own layers, and how many numbers come out of them."""
    if each.kind in {"index", "tokens"}:
        width = embedding_width(each.size)
        return each.size * width, width * (prod(each.shape) if each.kind == "index" else 1)
    if each.kind != "tensor" or model.kind != "cnn":
        return 0, prod(each.shape)
    places, channels = (each.shape, 1) if len(each.shape) <= 2 else (each.shape[:2], each.shape[2])
    weights = 0
    for filters in model.filters:
        weights += (3 ** len(places) * channels + 1) * filters
        channels = filters
        if min(places) >= 4:
            places = tuple(place // 2 for place in places)
    return weights, prod(places) * channels
