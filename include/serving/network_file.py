"""Look into a `.keras` file before Keras does.

Keras refuses lambdas, foreign modules and links out of the file by itself (safe mode); this
check comes first, names the file, and bounds what reading it may cost.
"""

import json
import tempfile
import warnings
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from include.errors import IntegrityError
from include.modeling.plain_networks import is_plain, walk_objects

if TYPE_CHECKING:
    import keras

MAX_UNPACKED_BYTES: Final = 4 << 30
MAX_CONFIG_BYTES: Final = 32 << 20
# Weights barely shrink; a file that unpacks to hundreds of times its size is not one of ours.
MAX_RATIO: Final = 200
CONFIG: Final = "config.json"
WEIGHTS: Final = "model.weights.h5"
MEMBERS: Final = frozenset({"metadata.json", CONFIG, WEIGHTS})


def load_network(path: Path) -> "keras.Model":
    """Load a network after looking at its file.

    Args:
        path: A `.keras` file.

    Raises:
        IntegrityError: The file is not a plain Keras archive, or holds code or links.
    """
    config = check_network_file(path)
    import keras

    try:
        if keras.config.backend() == "jax" and is_plain(config):
            network = _load_plain(path, config)
        else:
            network = keras.saving.load_model(path, compile=False, safe_mode=True)
    except (ValueError, TypeError, OSError, KeyError, AttributeError) as error:
        raise _refusal(path, f"{type(error).__name__}: {str(error)[:300]}") from error
    if not isinstance(network, keras.Model):
        raise _refusal(path, f"an object of class {type(network).__name__}")
    return network


def _load_plain(path: Path, config: dict[str, Any]) -> "keras.Model":
    """Load a network without computing what its weights begin with, which is overwritten.

    JAX would trace, lower and look up each of these values by itself, 0.15 s of a small network;
    while it works out their shapes alone it computes nothing.
    """
    import jax
    import keras

    built: list[keras.Model] = []
    plain = {**config, "compile_config": None}
    jax.eval_shape(
        lambda: built.append(keras.saving.deserialize_keras_object(plain, safe_mode=True))
    )
    (network,) = built
    with (
        zipfile.ZipFile(path) as archive,
        tempfile.TemporaryDirectory() as scratch,
        warnings.catch_warnings(),
    ):
        # Keras warns of weights that are not there; below they are found by having no value.
        warnings.simplefilter("ignore")
        network.load_weights(archive.extract(WEIGHTS, scratch))
    for variable in network.variables:
        if isinstance(variable.value, jax.core.Tracer):
            if not variable.path.endswith("seed_generator_state"):  # which no file holds
                raise ValueError(f"no value of {variable.path}")
            variable.assign(np.zeros(variable.shape, variable.dtype))
    return network


def check_network_file(path: Path) -> dict[str, Any]:
    """Check form, size and layers of a `.keras` file without loading it.

    Returns:
        The network as Keras wrote it down.

    Raises:
        IntegrityError: The file is not a plain Keras archive, is too large unpacked, or holds
            a Lambda layer.
    """
    if path.suffix != ".keras":
        raise _refusal(path, f"a file ending in {path.suffix!r}")
    try:
        with zipfile.ZipFile(path) as archive:
            _check_members(path, archive)
            config = json.loads(archive.read(CONFIG))
    except (OSError, zipfile.BadZipFile, ValueError, RecursionError) as error:
        raise _refusal(path, f"{type(error).__name__}: {error}") from error
    if not isinstance(config, dict):
        raise _refusal(path, f"a configuration of {type(config).__name__}")
    if any(item["class_name"] == "Lambda" for item in walk_objects(config)):
        raise _refusal(path, "a Lambda layer, which carries code")
    return config


def _check_members(path: Path, archive: zipfile.ZipFile) -> None:
    members = {member.filename: member for member in archive.infolist()}
    if set(members) != MEMBERS or len(archive.infolist()) != len(MEMBERS):
        raise _refusal(path, f"an archive of {sorted(members)[:10]}")
    unpacked = sum(member.file_size for member in members.values())
    packed = max(1, sum(member.compress_size for member in members.values()))
    is_bomb = unpacked > MAX_UNPACKED_BYTES or unpacked / packed > MAX_RATIO
    if is_bomb or members[CONFIG].file_size > MAX_CONFIG_BYTES:
        raise _refusal(path, f"{unpacked} bytes unpacked from {packed}")


def _refusal(path: Path, received: str) -> IntegrityError:
    return IntegrityError(
        f"{path.name} must be a Keras archive of configuration and weights, without code. "
        f"Received: {received}. It was not loaded; train the model again."
    )
