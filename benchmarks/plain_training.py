"""The script that one would write without this project: digits, from the data to a page.

Run as a file, in a process of its own, with every library at its defaults. MLFLOW_TRACKING_URI
names the server.
"""

import html
import tempfile
from pathlib import Path

import great_expectations as gx
import keras
import mlflow
import pandas as pd
from great_expectations import expectations as gxe
from sklearn.datasets import load_digits
from sklearn.metrics import accuracy_score, f1_score, log_loss
from sklearn.model_selection import train_test_split


def check(frame: pd.DataFrame) -> None:
    """Hold the frame against a suite of Great Expectations."""
    context = gx.get_context(mode="ephemeral")
    asset = context.data_sources.add_pandas("pandas").add_dataframe_asset("digits")
    batch = asset.add_batch_definition_whole_dataframe("all")
    suite = gx.ExpectationSuite(name="digits")
    suite.add_expectation(gxe.ExpectTableRowCountToBeBetween(min_value=1_000))
    suite.add_expectation(gxe.ExpectColumnValuesToBeInSet(column="label", value_set=[*range(10)]))
    suite.add_expectation(gxe.ExpectColumnValuesToNotBeNull(column="label"))
    for name in frame.columns[:-1]:
        suite.add_expectation(gxe.ExpectColumnValuesToBeBetween(column=name, max_value=16))
    found = batch.get_batch({"dataframe": frame}).validate(context.suites.add(suite))
    if not found.success:
        raise ValueError("the digits must pass their suite")


def main() -> None:
    """Train, evaluate, log, and write a page."""
    pixels, labels = load_digits(return_X_y=True)
    frame = pd.DataFrame(pixels, columns=[f"pixel{place}" for place in range(pixels.shape[1])])
    check(frame.assign(label=labels))
    rest, test, rest_labels, test_labels = train_test_split(
        pixels / 16, labels, test_size=0.15, stratify=labels, random_state=0
    )
    train, validation, train_labels, validation_labels = train_test_split(
        rest, rest_labels, test_size=0.18, stratify=rest_labels, random_state=0
    )
    network = keras.Sequential(
        [
            keras.Input((64,)),
            keras.layers.Dense(256, activation="relu"),
            keras.layers.Dense(128, activation="relu"),
            keras.layers.Dense(10, activation="softmax"),
        ]
    )
    network.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    mlflow.set_experiment("plain")
    with mlflow.start_run():
        known = (validation, validation_labels)
        history = network.fit(train, train_labels, epochs=10, validation_data=known, verbose=0)
        for epoch, (loss, known_loss) in enumerate(
            zip(history.history["loss"], history.history["val_loss"], strict=True)
        ):
            mlflow.log_metrics({"loss": loss, "val_loss": known_loss}, step=epoch)
        predicted = network.predict(test, verbose=0)
        metrics = {
            "accuracy": float(accuracy_score(test_labels, predicted.argmax(axis=1))),
            "f1_macro": float(f1_score(test_labels, predicted.argmax(axis=1), average="macro")),
            "log_loss": float(log_loss(test_labels, predicted)),
        }
        mlflow.log_metrics(metrics)
        signature = mlflow.models.infer_signature(test[:5], predicted[:5])
        mlflow.keras.log_model(network, name="model", signature=signature)
        rows = "".join(f"<tr><td>{html.escape(k)}<td>{v:.4f}" for k, v in metrics.items())
        with tempfile.TemporaryDirectory() as directory:
            page = Path(directory) / "report.html"
            page.write_text(f"<!doctype html><title>digits</title><table>{rows}</table>")
            mlflow.log_artifact(str(page))


if __name__ == "__main__":
    main()
