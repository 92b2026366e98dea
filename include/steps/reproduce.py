"""Make a version again from its own records, and tell at which step it first differs.

The rows are those of the table that it was made from, where that is kept; all else is made anew
below the data root, which should be a scratch directory. Nothing is registered.
"""

import logging
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt
from pydantic import ValidationError
from upath import UPath

from include.errors import ParamError
from include.modeling.metrics import compute_metrics
from include.records import IngestRecord, Likeness, Origin, Reproduction, RunContext, Stage
from include.records.names import GOLDEN, ORIGIN
from include.serving.bundle import NETWORK
from include.serving.network_file import load_network
from include.serving.replay import TOLERANCE, GoldenRows
from include.serving.scoring_model import ScoringModel
from include.settings import load_settings
from include.specs import PipelineSpec
from include.steps.changed_settings import list_changed_settings
from include.steps.evaluate.origin import CHAIN, list_libraries, read_revision
from include.steps.evaluate.part_metrics import score_test_rows
from include.steps.ingest import ingest
from include.steps.prepare import prepare
from include.steps.runner import run_step
from include.steps.train import train
from include.steps.train.feature_arrays import read_schema
from include.steps.validate import validate
from include.tables.code import find_code
from include.tables.store import TableStore, read_frame, read_manifest
from include.tracking.aliases import find_run_of_version
from include.tracking.bundles import DATA
from include.tracking.connection import connect, tracking_calls
from include.tracking.registry import fetch_version
from include.tracking.runs import end_run, open_run

logger = logging.getLogger(__name__)

MAX_NAMED: Final = 5
Tell = Callable[[str], None]


class Kept(NamedTuple):
    """What the records of a version say."""

    directory: Path
    origin: Origin
    params: Mapping[str, str]
    metrics: Mapping[str, float]


def reproduce(
    name: str, version: str, *, now: PipelineSpec, kept_in: str, tell: Tell = logger.info
) -> Reproduction:
    """Train a version again and hold every step against its records.

    Args:
        name: Name of the registered model.
        version: The version's number.
        now: The pipeline as its file says it today; the version's own spec is what trains.
        kept_in: Data root where the rows of the version may still lie.
        tell: Told what differs today, before anything is trained, and then of every step.

    Raises:
        ParamError: The version does not say what it was made from.
        IntegrityError: Its files are not those that were sealed.
        TrackingUnavailableError: The MLflow server does not answer.
    """
    kept = read_records(name, version)
    for text in compare_today(kept.origin, now):
        tell(text)
    run = RunContext(
        pipeline=name,
        dag_id=f"reproduce__{name}",
        run_id=f"v{version}__{datetime.now(UTC):%Y%m%dT%H%M%S}",
    )
    stages = []
    try:
        for stage in _train_again(kept, run, kept_in):
            tell(f"{stage.name}: {stage.outcome}, {stage.detail}")
            stages.append(stage)
    except BaseException:
        end_run(load_settings(), run, "FAILED")
        raise
    found = Reproduction(version=version, stages=tuple(stages))
    said = {"reproduces": f"models:/{name}/{version}", "reason": found.sentence}
    open_run(load_settings(), run).set_tags({f"gatehouse.{key}": said[key] for key in said})
    end_run(load_settings(), run, "FINISHED")
    return found


def read_records(name: str, version: str) -> Kept:
    """Read what a version's bundle and its MLflow run say of how it was made.

    Raises:
        ParamError: There is no such version, or it does not say what it was made from.
    """
    settings = load_settings()
    directory = fetch_version(settings, name, version) / DATA
    try:
        origin = Origin.model_validate_json((directory / ORIGIN).read_bytes())
    except (FileNotFoundError, ValidationError) as error:
        advice = "Add --restore: the release that trained it reads them."
        if isinstance(error, FileNotFoundError):
            advice = "Train it again: versions from now on say it."
        raise ParamError(
            f"version {version} of {name} must say what it was made from, in words that this "
            f"release reads. Received: {type(error).__name__}. {advice}"
        ) from error
    with tracking_calls(settings.mlflow):
        run_id = find_run_of_version(settings, name, version)
        data = connect(settings).get_run(run_id).data
    return Kept(directory, origin, data.params, data.metrics)


def compare_today(origin: Origin, now: PipelineSpec) -> Iterator[str]:
    """Say what is not today as it was when a version was made: file, code, libraries."""
    changed = list_changed_settings(origin.spec, now)
    if changed:
        more = f"; and {len(changed) - MAX_NAMED} more" if len(changed) > MAX_NAMED else ""
        yield (
            "the version was trained with other settings, from its run or an older file, than the "
            f"pipeline's file has now: {'; '.join(changed[:MAX_NAMED])}{more}. Those of then train"
        )
    differences = list(compare_release(origin))
    yield from differences
    if differences and origin.revision not in {"", read_revision()}:
        yield f"add --restore to train it by code and libraries of then, {origin.revision[:12]}"


def compare_release(origin: Origin) -> Iterator[str]:
    """Say which code and libraries are not today as they were when a version was made."""
    code = find_code(*CHAIN)
    changed = [key for key in code if origin.code.get(key) != code[key]]
    if changed:
        more = f" and {len(changed) - MAX_NAMED} more" if len(changed) > MAX_NAMED else ""
        was, is_now = origin.revision[:12] or "unknown", read_revision()[:12] or "unknown"
        named = ", ".join(changed[:MAX_NAMED])
        which = f"revision {was} then, {is_now} now"
        if was == is_now != "unknown":
            which = f"revision {was} then and now, with changes that were not committed"
        yield f"the code differs in {named}{more} ({which})"
    today = list_libraries()
    for key, was in origin.libraries.items():
        if today.get(key) != was:
            yield f"{key} was {was}, and is {today.get(key, 'not here')}"


def _train_again(kept: Kept, run: RunContext, kept_in: str) -> Iterator[Stage]:
    spec, params = kept.origin.spec, kept.params
    ingested = run_step(ingest, spec, run)
    there = TableStore(kept_in).find("raw", spec.name, params["table"])
    is_same = ingested.raw.key == params["table"]
    detail = f"{ingested.raw.rows:,} rows of key {params['table'][:12]}"
    if not is_same:
        detail = f"the source holds other rows now, key {ingested.raw.key[:12]}"
        detail += "; those of then are kept and go on" if there else ", and those of then are gone"
    outcome: Likeness = "equal" if is_same or there else "different"
    yield Stage(name="ingest", outcome=outcome, detail=detail)
    if not is_same and there is not None:
        ingested = IngestRecord(raw=there, source=ingested.source, source_digest="")
    prepared = run_step(prepare, spec, run, run_step(validate, spec, run, ingested))
    is_same = read_manifest(prepared.features)["content"] == kept.origin.features
    detail = f"{prepared.rows:,} rows of key {prepared.features.key[:12]}"
    if is_same and prepared.features.key != params["features_key"]:
        detail += f", which the code of then called {params['features_key'][:12]}"
    yield Stage(name="features", outcome="equal" if is_same else "different", detail=detail)
    trained = run_step(train, spec, run, prepared)
    with tempfile.TemporaryDirectory() as scratch:
        file = Path(scratch) / NETWORK
        file.write_bytes(UPath(trained.model_uri).read_bytes())
        network = load_network(file)
    old = ScoringModel.load(kept.directory)
    yield _compare("weights", old.network.get_weights(), network.get_weights(), TOLERANCE)
    schema = read_schema(prepared.features)
    test = score_test_rows(network, prepared.features, schema)
    said = old.predict_stored(read_frame(prepared.features, part="test_rows"))
    before = said.select_dtypes("number").to_numpy(np.float64)
    golden = GoldenRows.model_validate_json((kept.directory / GOLDEN).read_bytes())
    after = test.predictions.reshape(len(test.y), -1)
    yield _compare("predictions", [before], [after], golden.tolerance, is_absolute=True)
    metrics = compute_metrics(schema, test.y, test.predictions, spec.metric_names)
    shared = [key for key in metrics if f"test/{key}" in kept.metrics]
    before = np.array([kept.metrics[f"test/{key}"] for key in shared])
    after = np.array([metrics[key] for key in shared])
    yield _compare("metrics", [before], [after], TOLERANCE)


def _compare(
    name: str,
    before: Sequence[npt.NDArray[Any]],
    after: Sequence[npt.NDArray[Any]],
    tolerance: float,
    *,
    is_absolute: bool = False,
) -> Stage:
    """Compare arrays number by number; the tolerance is a share of the largest unless absolute."""
    shapes = [[each.shape for each in arrays] for arrays in (before, after)]
    if shapes[0] != shapes[1]:
        detail = f"of other shapes: {shapes[0][:3]} then, {shapes[1][:3]} now"
        return Stage(name=name, outcome="different", detail=detail[:300])
    pairs = list(zip(before, after, strict=True))
    furthest = max((float(np.abs(a - b).max()) for a, b in pairs if a.size), default=0.0)
    largest = max((float(np.abs(a).max()) for a in before if a.size), default=0.0)
    bound = tolerance if is_absolute else tolerance * max(1.0, largest)
    size = sum(each.size for each in before)
    outcome: Likeness = "equal" if furthest == 0 else "within tolerance"
    if not furthest <= bound:  # so that NaN is different
        outcome = "different"
    detail = f"{size:,} numbers" + (f", off by up to {furthest:.3g}" if furthest else "")
    return Stage(name=name, outcome=outcome, detail=detail)
