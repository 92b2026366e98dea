"""The state of a fit on disk: written whole or not at all, after every epoch.

One `.npz` file holds weights, the optimizer's variables, the best weights so far and, as JSON,
the history. A kill at any moment leaves the file of the epoch before or of this one. Nothing in
it is pickled.
"""

import json
import logging
import os
import secrets
import zipfile
from pathlib import Path
from typing import Any, Final, NamedTuple

import keras
import numpy as np

from include.modeling.progress import FitState, Weights

logger = logging.getLogger(__name__)
FORMAT: Final = 1
META: Final = "meta"


class Checkpoint(NamedTuple):
    """What a checkpoint holds."""

    state: FitState
    weights: Weights
    slots: Weights


class CheckpointFile:
    """The checkpoint of one fit.

    Args:
        path: Where it lies.
        fingerprint: Digest of all that the fit depends on; a checkpoint with another one is of
            another fit and is not used.
    """

    def __init__(self, path: Path, fingerprint: str) -> None:
        """Name the file; it need not exist."""
        self.path, self.fingerprint = path, fingerprint

    def write(self, checkpoint: Checkpoint) -> None:
        """Replace the file."""
        state = checkpoint.state
        meta = {
            "format": FORMAT,
            "fingerprint": self.fingerprint,
            "history": state.history,
            "best_loss": state.best_loss,
            "best_epoch": state.best_epoch,
            "seconds": state.seconds,
        }
        groups = {
            "weights": checkpoint.weights,
            "slots": checkpoint.slots,
            "best": state.best_weights,
        }
        arrays = {
            f"{name}_{place}": array
            for name, group in groups.items()
            for place, array in enumerate(group)
        }
        text = np.frombuffer(json.dumps(meta).encode(), dtype=np.uint8)
        self.path.parent.mkdir(parents=True, exist_ok=True)
        temporary = self.path.with_name(f".{self.path.name}.{os.getpid()}-{secrets.token_hex(4)}")
        try:
            with temporary.open("wb") as file:
                np.savez(file, allow_pickle=False, **{META: text}, **arrays)
                file.flush()
                os.fsync(file.fileno())
            temporary.replace(self.path)
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise

    def read(self) -> Checkpoint | None:
        """Read the file; None if there is none of this fit that can be used."""
        if not self.path.exists():
            return None
        try:
            with self.path.open("rb") as file, np.load(file, allow_pickle=False) as arrays:
                meta = json.loads(arrays[META].tobytes())
                if (meta["format"], meta["fingerprint"]) != (FORMAT, self.fingerprint):
                    logger.info("the checkpoint at %s is of another fit; starts anew", self.path)
                    return None
                return _build_checkpoint(meta, arrays)
        except (OSError, EOFError, KeyError, ValueError, zipfile.BadZipFile) as error:
            logger.warning("the checkpoint at %s is damaged (%s); starts anew", self.path, error)
            return None

    def delete(self) -> None:
        """Remove the file, and what a killed process left of its temporary ones."""
        self.path.unlink(missing_ok=True)
        for leftover in self.path.parent.glob(f".{self.path.name}.*"):
            leftover.unlink(missing_ok=True)


def read_variables(variables: list[Any]) -> Weights:
    """Copy the values of Keras variables; a view would change with the next step."""
    return [
        np.array(keras.ops.convert_to_numpy(variable.value), copy=True) for variable in variables
    ]


def write_variables(variables: list[Any], values: Weights) -> None:
    """Set Keras variables.

    Raises:
        ValueError: Number or shapes differ.
    """
    for variable, value in zip(variables, values, strict=True):
        variable.assign(value)


def _build_checkpoint(meta: dict[str, Any], arrays: Any) -> Checkpoint:
    def group(name: str) -> Weights:
        count = sum(key.startswith(f"{name}_") for key in arrays.files)
        return [arrays[f"{name}_{place}"] for place in range(count)]

    state = FitState(
        history=tuple(meta["history"]),
        best_loss=float(meta["best_loss"]),
        best_epoch=int(meta["best_epoch"]),
        best_weights=group("best"),
        seconds=float(meta["seconds"]),
    )
    return Checkpoint(state=state, weights=group("weights"), slots=group("slots"))
