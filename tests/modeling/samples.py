"""Small sets with a known effect, for all tests of modeling."""

from typing import Any

import numpy as np

from include.modeling.arrays import Arrays
from include.records import FeatureInput, FeatureSchema
from include.specs.model import ModelSpec, TrainingSpec

DENSE = FeatureInput(name="dense", kind="dense", shape=(3,))
SCHEMAS = {
    "many": FeatureSchema(
        inputs=(DENSE,), task="classification", target="kind", classes=("a", "b", "c")
    ),
    "binary": FeatureSchema(
        inputs=(DENSE,), task="classification", target="kind", classes=("no", "yes")
    ),
    "regression": FeatureSchema(
        inputs=(DENSE,), task="regression", target="price", target_mean=100.0, target_std=20.0
    ),
}
SMALL = ModelSpec(hidden=(8,))


def make_training(**changes: Any) -> TrainingSpec:
    values = {"epochs": 3, "batch_size": 16, "learning_rate": 0.02, "early_stopping": None}
    return TrainingSpec.model_validate({**values, **changes})


def make_arrays(kind: str = "many", rows: int = 200, seed: int = 0) -> Arrays:
    """Make rows whose target rises with the first feature and nothing else."""
    random = np.random.default_rng(seed)
    dense = random.standard_normal((rows, 3)).astype("float32")
    effect = dense[:, 0]
    if kind == "regression":
        return Arrays({"dense": dense}, 100.0 + 20.0 * effect.astype("float64"))
    edges = [-0.5, 0.5] if kind == "many" else [0.0]
    return Arrays({"dense": dense}, np.digitize(effect, edges).astype("int32"))
