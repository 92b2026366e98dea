"""Which networks are built of layers that treat every row by itself.

Of these more can be taken for granted than of a network of the user's own: rows may stand beside a
batch without changing it, and building one computes nothing but what its weights begin with.
"""

from collections.abc import Iterator, Mapping
from typing import Any, Final

# What `networks.py` builds with.
LAYERS: Final = frozenset(
    {
        "Add",
        "Concatenate",
        "Conv1D",
        "Conv2D",
        "Dense",
        "Dropout",
        "Embedding",
        "Flatten",
        "GlobalAveragePooling1D",
        "InputLayer",
        "MaxPooling1D",
        "MaxPooling2D",
        "Reshape",
    }
)


def is_plain(config: Mapping[str, Any]) -> bool:
    """Tell whether a network consists of such layers, and nothing in it is not of Keras.

    Args:
        config: The network as Keras writes it down.
    """
    inner = config.get("config")
    layers = inner.get("layers") if isinstance(inner, Mapping) else None
    if config.get("class_name") != "Functional" or not isinstance(layers, list) or not layers:
        return False
    return all(map(_is_plain_layer, layers)) and all(map(_is_of_keras, walk_objects(config)))


def _is_plain_layer(layer: Any) -> bool:
    """Tell whether a layer looks at each row alone: it joins none, and adds no mean to the loss."""
    inner = layer.get("config") if isinstance(layer, Mapping) else None
    return (
        isinstance(inner, Mapping)
        and layer.get("module") == "keras.layers"
        and layer.get("class_name") in LAYERS
        and inner.get("activity_regularizer") is None
        and inner.get("axis", -1) == -1
        and len(inner.get("batch_shape", (None, 1))) > 1
    )


def walk_objects(config: Any) -> Iterator[Mapping[str, Any]]:
    """Give all objects in a configuration, without recursion, whose depth its author chooses."""
    waiting = [config]
    while waiting:
        item = waiting.pop()
        if isinstance(item, dict):
            if "class_name" in item:
                yield item
            waiting.extend(item.values())
        elif isinstance(item, list | tuple):
            waiting.extend(item)


def _is_of_keras(item: Mapping[str, Any]) -> bool:
    """Tell whether an object is Keras' own; a function of the user's is one of `builtins`."""
    return str(item.get("module") or "keras").partition(".")[0] == "keras"
