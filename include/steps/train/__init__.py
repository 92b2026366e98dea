"""Step `train`: fit the network on the training rows, resumable, every epoch visible."""

import logging
from collections.abc import Callable, Mapping
from functools import partial
from typing import Final

import keras

from include.modeling.checkpoints import CheckpointFile
from include.modeling.networks import build_network
from include.modeling.progress import EpochProgress
from include.modeling.room import check_room
from include.modeling.training import fit_network
from include.records import PrepareRecord, RunContext, TrainRecord
from include.records.names import CHECKPOINT
from include.settings import load_settings
from include.specs import PipelineSpec
from include.steps.train.epoch_log import EpochLog
from include.steps.train.feature_arrays import held_bytes, read_arrays, read_schema
from include.steps.train.files import find_finished, mark_finished, store_candidate
from include.tables.code import code_digest
from include.tables.run_files import RunFiles
from include.tables.store import digest_key
from include.tracking.names import epoch_metrics
from include.tracking.runs import RunLog, open_run
from include.tracking.views import share_view

logger = logging.getLogger(__name__)

# Where what decides the weights begins; a change elsewhere resumes a fit all the same.
FIT_CODE: Final = (
    "include.modeling.networks",
    "include.modeling.training",
    "include.steps.train.feature_arrays",
)

PARTS: Final = ("train", "validation")


def train(
    spec: PipelineSpec,
    run: RunContext,
    prepared: PrepareRecord,
    *,
    on_progress: Callable[[EpochProgress], None] | None = None,
    stop: Callable[[], bool] | None = None,
) -> TrainRecord:
    """Fit the candidate.

    A further try of the same run goes on after the last epoch that ended; a training that is
    finished is not repeated unless `run.force` asks for it.

    Args:
        spec: The pipeline.
        run: The run; its directory takes checkpoint, history and network.
        prepared: The features.
        on_progress: Told after every epoch; if it fails, training goes on.
        stop: Asked several times an epoch; True ends the fit, to be resumed.

    Raises:
        RoomError: The network would not fit into memory.
        TrainingError: The loss is not finite, or the user's builder is wrong.
        StoppedError: `stop` said so.
    """
    settings = load_settings()
    files, log = RunFiles(settings.data, run), open_run(settings, run)
    fingerprint = describe_fit(spec, prepared)
    finished = None if run.force else find_finished(files, fingerprint)
    if finished is not None:
        logger.info("this run has trained on the same features and settings: not repeated")
        return finished
    schema, scratch = read_schema(prepared.features), files.local_directory / "arrays"
    room = partial(check_room, spec.model, spec.training, schema)
    array_bytes = held_bytes(prepared.features, schema, PARTS)
    room(array_bytes=array_bytes)
    network = build_network(spec.model, schema, seed=spec.training.seed)
    room(array_bytes=array_bytes, built_weights=network.count_params())
    share_view(log, deciding=spec.compare_metric, required=tuple(spec.promotion.require))
    _log_parameters(log, spec, network)
    checkpoint = CheckpointFile(files.local_directory / CHECKPOINT, fingerprint)
    if (killed := checkpoint.read()) is not None:
        log_missing_epochs(log, killed.state.history)
    arrays = [read_arrays(prepared.features, schema, part, scratch=scratch) for part in PARTS]
    with EpochLog(log, on_progress) as epochs:
        result = fit_network(
            network,
            *arrays,
            schema=schema,
            training=spec.training,
            checkpoint=checkpoint,
            on_epoch=epochs.tell,
            stop=stop,
        )
    trained = store_candidate(
        files, log, network=network, result=result, array_bytes=sum(a.size_bytes for a in arrays)
    )
    log.send()  # a try that finds the mark records nothing more
    mark_finished(files, fingerprint, trained)
    checkpoint.delete()
    logger.info(
        "trained %d epochs in %.1f s, kept epoch %d: %s",
        *(trained.epochs, trained.seconds, trained.best_epoch, trained.metrics),
    )
    return trained


def describe_fit(spec: PipelineSpec, prepared: PrepareRecord) -> str:
    """Digest all that a fit depends on: features, network, training and the code of both."""
    builder = spec.model.kind.rpartition(".")[0]
    code = code_digest(*FIT_CODE, *([builder] if builder else []))
    return digest_key(
        prepared.features.key, spec.model, spec.training, code, keras.version(), _backend()
    )


def log_missing_epochs(log: RunLog, history: tuple[dict[str, float], ...]) -> None:
    """Log the epochs that ended but were not logged before the process was killed."""
    log.flush()  # what waits on disk is not missing
    known = {point.step for point in log.client.get_metric_history(log.run_id, "train/loss")}
    numbered = enumerate(map(epoch_metrics, history), start=1)
    log.log_epochs({epoch: metrics for epoch, metrics in numbered if epoch not in known})


def _backend() -> str:
    return str(keras.config.backend())


def _log_parameters(log: RunLog, spec: PipelineSpec, network: keras.Model) -> None:
    groups: Mapping[str, Mapping[str, object]] = {
        "model": spec.model.model_dump(mode="json"),
        "training": spec.training.model_dump(mode="json"),
    }
    named = {
        f"{group}.{key}": value for group, part in groups.items() for key, value in part.items()
    }
    log.log_params({**named, "model.parameters": network.count_params(), "backend": _backend()})
