"""What a training leaves in its run's directory: the network, its history, and that it is done."""

import csv
import io
import tempfile
from pathlib import Path

import keras
import pandas as pd
from upath import UPath

from include.modeling.training import FitResult
from include.records import Record, TrainRecord
from include.records.names import HISTORY, NETWORK, TRAINED
from include.tables.run_files import RunFiles
from include.tracking.names import in_group
from include.tracking.run_log import RunLog


class FinishedTraining(Record):
    """What a further try of the same run finds."""

    fingerprint: str
    trained: TrainRecord


def store_candidate(
    files: RunFiles, log: RunLog, *, network: keras.Model, result: FitResult, array_bytes: int
) -> TrainRecord:
    """Store network and history; log the history."""
    with tempfile.TemporaryDirectory() as scratch:
        place = Path(scratch) / NETWORK
        network.save(place)
        model_uri = files.write_bytes(NETWORK, place.read_bytes())
    table = pd.DataFrame(result.history, index=pd.RangeIndex(1, result.epochs + 1, name="epoch"))
    content = table.to_csv(lineterminator="\n").encode()
    history_uri = files.write_bytes(HISTORY, content)
    log.log_bytes(content, HISTORY)
    fit = {"best_epoch": result.best_epoch, "epochs": result.epochs}
    log.log_metrics(in_group("train", fit) | in_group("cost", {"fit_seconds": result.seconds}))
    return TrainRecord(
        model_uri=model_uri,
        parameters=network.count_params(),
        epochs=result.epochs,
        best_epoch=result.best_epoch,
        is_stopped_early=result.is_stopped_early,
        seconds=round(result.seconds, 3),
        metrics=result.history[-1],
        history_uri=history_uri,
        array_bytes=array_bytes,
    )


def mark_finished(files: RunFiles, fingerprint: str, trained: TrainRecord) -> None:
    """Note that the training is done, and by which inputs."""
    content = FinishedTraining(fingerprint=fingerprint, trained=trained).model_dump_json()
    files.write_bytes(TRAINED, content.encode())


def find_finished(files: RunFiles, fingerprint: str) -> TrainRecord | None:
    """Find a training of the same run by the same inputs; None if there is none."""
    finished = _read_finished(files)
    if finished is None or finished.fingerprint != fingerprint or not files.exists(NETWORK):
        return None
    return finished.trained


def read_finished(files: RunFiles) -> TrainRecord | None:
    """Read the training of a run, by whatever inputs; None if it did not come to its end."""
    finished = _read_finished(files)
    return finished.trained if finished else None


def _read_finished(files: RunFiles) -> FinishedTraining | None:
    if not files.exists(TRAINED):
        return None
    finished = FinishedTraining.model_validate_json(files.read_bytes(TRAINED))
    # The data root may have been moved since: the files lie beside what says so.
    places = {"model_uri": files.uri(NETWORK), "history_uri": files.uri(HISTORY)}
    return finished.model_copy(update={"trained": finished.trained.model_copy(update=places)})


def read_history(trained: TrainRecord) -> tuple[dict[str, float], ...]:
    """Read the metrics of every epoch."""
    text = UPath(trained.history_uri).read_text(encoding="utf-8")
    rows = csv.DictReader(io.StringIO(text))
    return tuple(
        {name: float(value) for name, value in row.items() if name != "epoch"} for row in rows
    )
