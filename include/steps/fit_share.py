"""Step `fit_share`: fit the network on a share of the training rows, for the learning curve."""

import logging
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import keras
from upath import UPath

from include.modeling.metrics import compute_metrics
from include.modeling.networks import build_network
from include.modeling.prediction import predict
from include.modeling.progress import EpochProgress
from include.modeling.row_shares import choose_rows
from include.modeling.training import fit_network
from include.records import CurvePoint, PrepareRecord, RunContext, TableRef, TrainRecord
from include.serving.network_file import load_network
from include.settings import load_settings
from include.specs import PipelineSpec
from include.specs.names import ROW_ID
from include.steps.train.feature_arrays import read_arrays, read_schema
from include.tables.run_files import RunFiles
from include.tables.store import read_table
from include.tracking.names import epoch_metrics, in_group
from include.tracking.runs import KIND, child_run, open_run

logger = logging.getLogger(__name__)


class Fitted(NamedTuple):
    """A network and what its fit took."""

    network: keras.Model
    rows: int
    epochs: int
    seconds: float


def fit_share(
    spec: PipelineSpec,
    run: RunContext,
    prepared: PrepareRecord,
    trained: TrainRecord,
    *,
    share: float,
    stop: Callable[[], bool] | None = None,
) -> CurvePoint:
    """Fit on a share of the training rows and measure on all test rows, in a nested MLflow run.

    Everything but the rows is as in `train`: network, seed, epochs, validation rows. The shares
    are nested: a larger one holds all rows of a smaller one. Of all rows the candidate itself is
    measured. The metrics are those of the test rows, as in the verdict: the validation rows
    chose the epoch and would flatter.

    Args:
        spec: The pipeline.
        run: The run.
        prepared: The features.
        trained: The candidate, which is the fit on all rows.
        share: Of the training rows; above 0, at most 1.
        stop: Asked several times an epoch; True ends the fit.

    Raises:
        TrainingError: The loss is not finite.
        StoppedError: `stop` said so.
    """
    settings = load_settings()
    parent, schema = open_run(settings, run), read_schema(prepared.features)
    scratch = RunFiles(settings.data, run).local_directory / "arrays"
    with child_run(settings, parent, f"learning curve {share:.0%}") as child:
        child.set_tags({KIND: "learning_curve"})
        fitted = (
            _load_candidate(prepared, trained)
            if share >= 1
            else fit_features(
                spec,
                prepared.features,
                share=share,
                scratch=scratch,
                on_epoch=lambda each: child.log_metrics(
                    epoch_metrics(each.metrics), step=each.epoch
                ),
                stop=stop,
            )
        )
        child.log_params({"share": share, "rows": fitted.rows, "epochs": fitted.epochs})
        test = read_arrays(prepared.features, schema, "test", scratch=scratch)
        predictions = predict(fitted.network, test.inputs, schema=schema)
        metrics = compute_metrics(schema, test.y, predictions, spec.metric_names)
        child.log_metrics(
            in_group("test", metrics)
            | in_group("cost", {"fit_seconds": fitted.seconds})
            | in_group("data", {"train_rows": fitted.rows})
        )
    shown = metrics.get(spec.compare_metric)
    logger.info(
        "%d training rows (%.0f %%): %s %s", fitted.rows, 100 * share, spec.compare_metric, shown
    )
    return CurvePoint(
        share=share,
        rows=fitted.rows,
        metrics=metrics,
        epochs=fitted.epochs,
        seconds=round(fitted.seconds, 3),
        run_id=child.run_id,
    )


def fit_features(
    spec: PipelineSpec,
    features: TableRef,
    *,
    share: float = 1.0,
    scratch: Path | None = None,
    on_epoch: Callable[[EpochProgress], None] | None = None,
    stop: Callable[[], bool] | None = None,
) -> Fitted:
    """Fit the spec's network on a share of the training rows of a features table.

    Args:
        spec: The pipeline.
        features: The table.
        share: Of the training rows; above 0, at most 1.
        scratch: Directory for arrays larger than memory should hold.
        on_epoch: Told after every epoch.
        stop: Asked several times an epoch; True ends the fit.

    Raises:
        TrainingError: The loss is not finite.
        StoppedError: `stop` said so.
    """
    started, schema = time.monotonic(), read_schema(features)
    row_ids = read_table(features, [ROW_ID], "train").column(ROW_ID).to_numpy()
    keep = choose_rows(row_ids, share, seed=spec.training.seed)
    train = read_arrays(features, schema, "train", scratch=scratch, keep=keep)
    network = build_network(spec.model, schema, seed=spec.training.seed)
    result = fit_network(
        network,
        train,
        read_arrays(features, schema, "validation", scratch=scratch),
        schema=schema,
        training=spec.training,
        on_epoch=on_epoch,
        stop=stop,
    )
    return Fitted(network, train.rows, result.epochs, time.monotonic() - started)


def _load_candidate(prepared: PrepareRecord, trained: TrainRecord) -> Fitted:
    with tempfile.TemporaryDirectory() as directory:
        file = Path(directory) / "model.keras"
        file.write_bytes(UPath(trained.model_uri).read_bytes())
        network = load_network(file)
    return Fitted(network, prepared.train_rows, trained.epochs, trained.seconds)
