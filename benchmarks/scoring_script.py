"""What a user would write instead: `python -m benchmarks.scoring_script fit|score FOLDER FILE`.

`fit` fits a `ColumnTransformer` and makes a network of the layers that the pipeline `adult` has.
`score` reads a CSV file with pandas, transforms it, calls `model.predict` and writes Parquet, all
in memory, without a contract; it prints its seconds without imports, its peak megabytes and its CPU
seconds as JSON.
"""

import json
import os
import pickle
import resource
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.compose import ColumnTransformer
from sklearn.impute import SimpleImputer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, OneHotEncoder, StandardScaler

from benchmarks.adult_like import COLUMNS, WORDS

os.environ.setdefault("KERAS_BACKEND", "jax")
import keras

LOGARITHMIC = ["fnlwgt", "capital_gain", "capital_loss"]
NUMBERS = ["age", "education_num", "hours_per_week"]
CLASSES = np.array(["<=50K", ">50K"])
# Keras takes 32 unless told otherwise, which is many times slower.
BATCH_ROWS = 1_024


def read(file: str) -> pd.DataFrame:
    """Read a file."""
    return pd.read_csv(file, names=COLUMNS, na_values="?")


def fit(folder: Path, file: str) -> None:
    """Fit the transformer, and make a network; how good it is makes no difference here."""
    words = make_pipeline(
        SimpleImputer(strategy="constant", fill_value="missing"),
        OneHotEncoder(sparse_output=False, handle_unknown="ignore", dtype=np.float32),
    )
    logarithms = make_pipeline(FunctionTransformer(np.log1p), StandardScaler())
    transformer = ColumnTransformer(
        [
            ("numbers", StandardScaler(), NUMBERS),
            ("logarithms", logarithms, LOGARITHMIC),
            ("words", words, list(WORDS)),
        ]
    )
    width = transformer.fit_transform(read(file)).shape[1]
    layers = [keras.Input((width,))]
    for units in (64, 32):
        layers += [keras.layers.Dense(units, activation="relu"), keras.layers.Dropout(0.2)]
    network = keras.Sequential([*layers, keras.layers.Dense(1, activation="sigmoid")])
    (folder / "transformer.pickle").write_bytes(pickle.dumps(transformer))
    network.save(folder / "network.keras")


def score(folder: Path, file: str) -> None:
    """Score a file in memory."""
    stored = (folder / "transformer.pickle").read_bytes()
    transformer = pickle.loads(stored)  # noqa: S301 - what `fit` wrote a moment ago
    network = keras.saving.load_model(folder / "network.keras")
    rows = transformer.transform(read(file)).astype(np.float32)
    sure = network.predict(rows, batch_size=BATCH_ROWS, verbose=0)[:, 0]
    said = {"prediction": CLASSES[(sure >= 0.5).astype(int)], CLASSES[0]: 1 - sure}
    pd.DataFrame({**said, CLASSES[1]: sure}).to_parquet(folder / "predictions.parquet")


if __name__ == "__main__":
    started, cpu = time.perf_counter(), time.process_time()
    {"fit": fit, "score": score}[sys.argv[1]](Path(sys.argv[2]), sys.argv[3])
    seconds, cpu_seconds = time.perf_counter() - started, time.process_time() - cpu
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    sys.stdout.write("\n" + json.dumps([seconds, peak, cpu_seconds]) + "\n")
