"""Builders of small real model bundles: a fitted preprocessor and a network of four units."""

from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from include.features.preprocessor import Preprocessor, fit_preprocessor
from include.serving.bundle import NETWORK, Bundle, write_bundle
from include.specs import PipelineSpec
from include.tracking.run_log import RunLog
from tests.builders import make_frame, make_spec


class SmallBundle(NamedTuple):
    """A bundle directory and what it was made from."""

    directory: Path
    bundle: Bundle
    spec: PipelineSpec
    frame: pd.DataFrame
    preprocessor: Preprocessor
    network: Any

    @property
    def predictions(self) -> np.ndarray:
        """What the run predicts for the frame, past the scoring model."""
        from include.modeling.prediction import predict

        inputs = self.preprocessor.transform(self.frame)
        return predict(self.network, inputs, schema=self.preprocessor.schema)

    def log_to(self, log: RunLog, name: str = "loans", golden: bytes = b"{}") -> str:
        """Log the bundle as a model of a run; gives the model's address."""
        from include.tracking.bundles import log_bundle

        return log_bundle(
            log,
            self.directory,
            name=name,
            columns=self.bundle.columns,
            schema=self.bundle.features,
            example=self.frame,
            golden=golden,
        )


def make_bundle(
    directory: Path, *, spec: PipelineSpec | None = None, frame: pd.DataFrame | None = None
) -> SmallBundle:
    """Write the bundle of an untrained network into `directory`/bundle."""
    import keras

    keras.utils.set_random_seed(1)
    spec = spec or make_spec()
    frame = make_frame(64) if frame is None else frame
    preprocessor = fit_preprocessor(spec, lambda: iter([frame]))
    network = build_small_network(preprocessor)
    directory.mkdir(exist_ok=True)
    path = directory / "network.keras"
    network.save(path)
    place = directory / "bundle"
    bundle = write_bundle(
        place, spec=spec, preprocessor=preprocessor.model_dump_json().encode(), network=path
    )
    return SmallBundle(place, bundle, spec, frame, preprocessor, network)


def build_small_network(preprocessor: Preprocessor) -> Any:
    """Build a network that fits the preprocessor's inputs."""
    import keras

    schema = preprocessor.schema
    inputs = [
        keras.Input(shape=each.shape, name=each.name, dtype=each.dtype) for each in schema.inputs
    ]
    flat = [keras.layers.Flatten()(each) for each in inputs]
    joined = keras.layers.Concatenate()(flat) if len(flat) > 1 else flat[0]
    hidden = keras.layers.Dense(4, activation="relu", name="hidden")(joined)
    activation = "sigmoid" if schema.outputs == 1 else "softmax"
    if schema.task == "regression":
        activation = "linear"
    output = keras.layers.Dense(schema.outputs, activation=activation, name="output")(hidden)
    return keras.Model({each.name: each for each in inputs}, output)


def sabotage(directory: Path, said: str) -> SmallBundle:
    """Make a bundle that answers every row alike, and otherwise than `said`."""
    made = make_bundle(directory)
    weights = made.network.get_weights()
    is_last = made.preprocessor.schema.classes[1] == said
    weights[-1] = weights[-1] + (-50.0 if is_last else 50.0)
    made.network.set_weights(weights)
    made.network.save(made.directory / NETWORK)
    return made
