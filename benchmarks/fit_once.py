"""One fit of the mnist network: `python -m benchmarks.fit_once ours|plain mnist.npz`.

Prints seconds of the fit (its compilation included), test accuracy and peak memory as JSON.
"""

import json
import sys
import time

import keras
import numpy as np

from include.modeling.arrays import Arrays
from include.modeling.networks import build_network
from include.modeling.prediction import predict
from include.modeling.training import fit_network
from include.records import FeatureInput, FeatureSchema
from include.settings import PROJECT_ROOT
from include.specs.loader import load_pipeline_spec
from include.steps.runner import memory_bytes


def main(which: str, source: str) -> None:
    """Fit once and print the figures."""
    spec = load_pipeline_spec(PROJECT_ROOT / "include" / "pipelines" / "mnist.yaml")
    train, test = read_images(source)
    schema = FeatureSchema(
        inputs=(FeatureInput(name="image", kind="tensor", shape=(28, 28)),),
        task="classification",
        target="label",
        classes=tuple("0123456789"),
    )
    keras.utils.set_random_seed(spec.training.seed)
    network = build_network(spec.model, schema)
    started = time.perf_counter()
    if which == "plain":
        network.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
        network.fit(train.inputs, train.y, epochs=spec.training.epochs, verbose=0)
    else:
        fit_network(
            network,
            train,
            None,
            schema=schema,
            training=spec.training,
            checkpoint=None,
            on_epoch=lambda _: None,
        )
    seconds = time.perf_counter() - started
    answers = predict(network, test.inputs, schema=schema).argmax(axis=1)
    figures = {
        "seconds": seconds,
        "accuracy": float((answers == test.y).mean()),
        "peak_memory_mb": memory_bytes("VmHWM:") / 1e6,
    }
    sys.stdout.write("\n" + json.dumps(figures) + "\n")


def read_images(source: str) -> tuple[Arrays, Arrays]:
    """Read MNIST, scaled by 255."""
    with np.load(source, allow_pickle=False) as file:
        parts = {name: file[name] for name in file.files}
    train, test = (
        Arrays(
            {"image": (parts[f"x_{part}"] / np.float32(255))}, parts[f"y_{part}"].astype("int32")
        )
        for part in ("train", "test")
    )
    return train, test


if __name__ == "__main__":
    main(*sys.argv[1:3])
