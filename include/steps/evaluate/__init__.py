"""Step `evaluate`: candidate, trivial baseline and champion on the same test rows."""

import logging
import tempfile
from pathlib import Path
from typing import Final

from upath import UPath

from include.features.reference_row import pack_reference
from include.modeling.baselines import predict_baseline, predict_past
from include.modeling.curves import trace_curves
from include.promotion.gates import find_best_guess
from include.records import EvaluateRecord, ModelMetrics, PrepareRecord, RunContext, TrainRecord
from include.records.names import DETAILS, GOLDEN, TRAINED_ROWS
from include.serving.loading import load_version
from include.serving.network_file import load_network
from include.settings import load_settings
from include.specs import PipelineSpec
from include.steps.evaluate.champion import LoadChampion, score_champion
from include.steps.evaluate.court import Court, find_dependence
from include.steps.evaluate.evidence import (
    count_this_try,
    gather_evidence,
    name_past,
    summarise_comparison,
)
from include.steps.evaluate.explanations import (
    Candidate,
    find_reference_row,
    start_explaining,
    store_explanations,
)
from include.steps.evaluate.files import (
    EvaluationDetails,
    log_candidate,
    name_metrics,
    read_preprocessor,
    store_details,
    store_evidence,
    store_figures,
    store_predictions,
)
from include.steps.evaluate.origin import describe_origin
from include.steps.evaluate.part_metrics import (
    measure_test_slices,
    measure_validation,
    score_test_rows,
)
from include.steps.evaluate.reference import find_reference_model
from include.steps.train.feature_arrays import read_schema, read_target
from include.steps.train.files import read_history
from include.tables.run_files import RunFiles
from include.tables.store import read_file
from include.tracking.aliases import settle_disturbance
from include.tracking.runs import open_run
from include.values.row_filter import RowFilter

ALWAYS_ALIKE: Final = "always alike"
logger = logging.getLogger(__name__)


def evaluate(
    spec: PipelineSpec,
    run: RunContext,
    prepared: PrepareRecord,
    trained: TrainRecord,
    *,
    load_champion: LoadChampion = load_version,
) -> EvaluateRecord:
    """Measure the candidate, compare it with the champion, and log its bundle.

    Args:
        spec: The pipeline.
        run: The run; its directory takes details, figures and golden rows.
        prepared: The features.
        trained: The candidate.
        load_champion: Loads the champion by settings, name and version.

    Raises:
        TrackingUnavailableError: The MLflow server does not answer.
    """
    settings = load_settings()
    files, log = RunFiles(settings.data, run), open_run(settings, run)
    schema, names = read_schema(prepared.features), spec.metric_names
    preprocessor = read_preprocessor(prepared.features)
    reference_row = find_reference_row(prepared.features, preprocessor)
    with tempfile.TemporaryDirectory() as scratch:
        network_file = Path(scratch) / "model.keras"
        network_file.write_bytes(UPath(trained.model_uri).read_bytes())
        network = load_network(network_file)
        test = score_test_rows(network, prepared.features, schema)
        slices = measure_test_slices(spec, schema, test)
        candidate = Candidate(network, preprocessor, reference_row, prepared.features, test, slices)
        explaining = start_explaining(spec, candidate)
        validation = measure_validation(network, prepared.features, schema, names=names)
        bundle_uri, golden = log_candidate(
            log,
            describe_origin(spec, files, prepared.features),
            test,
            network=network_file,
            features=prepared.features,
            reference_row=pack_reference(reference_row),
        )
    champion = score_champion(
        settings,
        spec.name,
        test.frame,
        schema=schema,
        candidate=preprocessor,
        split=spec.split.model_dump_json(),
        trained_rows=RowFilter.from_bytes(read_file(prepared.features, TRAINED_ROWS)),
        load=load_champion,
    )
    baseline = predict_baseline(schema, read_target(prepared.features, "train"), len(test.y))
    past = predict_past(schema, test.frame, _list_lags(spec))
    court = Court(schema, test.y, find_dependence(spec, test.frame), names)
    evidence = gather_evidence(
        spec,
        court,
        test.frame,
        candidate=test.predictions,
        guesses={ALWAYS_ALIKE: baseline} | {name_past(each): past[each] for each in past},
        champion=champion,
        cleaning=prepared.cleaning,
        disturbance=settle_disturbance(settings, spec.name, seen_by=run.run_key),
    )
    reference = find_reference_model(settings, spec, prepared.features, schema)
    evidence = reference.enter(court, test.predictions, evidence)
    rival = evidence.reference
    evidence = count_this_try(spec, log, evidence, prepared.features, test.predictions)
    always_alike, *pasts = evidence.guesses
    hardest = find_best_guess(pasts, spec.compare_metric)
    details = EvaluationDetails(
        slices=slices,
        curves=trace_curves(schema, test.y, test.predictions),
        history=read_history(trained),
    )
    evaluated = EvaluateRecord(
        validation=validation,
        test=ModelMetrics(
            metrics={name: found.value for name, found in evidence.estimates.items()},
            rows=evidence.rows,
        ),
        baseline=ModelMetrics(metrics=always_alike.metrics, rows=evidence.rows),
        persistence=hardest and ModelMetrics(metrics=hardest.metrics, rows=evidence.rows),
        reference=rival and ModelMetrics(metrics=rival.metrics, rows=evidence.rows),
        champion=evidence.champion
        and ModelMetrics(
            metrics=evidence.champion.metrics, rows=evidence.rows - evidence.rows_left_out
        ),
        champion_version=champion.version if champion else "",
        comparison=summarise_comparison(spec, evidence),
        details_uri=files.uri(DETAILS),
        figures=store_figures(files, log, details, spec=spec, best_epoch=trained.best_epoch),
        bundle_uri=bundle_uri,
        golden_uri=files.write_bytes(GOLDEN, golden),
        evidence_uri=store_evidence(files, evidence),
        explanations_uri=store_explanations(files, explaining.result(), reference.tell(evidence)),
    )
    store_predictions(files, schema, test, champion.predictions if champion else None)
    store_details(files, log, details)
    log.log_metrics(name_metrics(evaluated, spec.compare_metric))
    logger.info("metrics over %d test rows: %s", len(test.y), evaluated.test.metrics)
    return evaluated


def _list_lags(spec: PipelineSpec) -> list[int]:
    """List how far back the spec looks in the target."""
    own = [lag.lags for lag in spec.cleaning.lags if lag.column == spec.target.column]
    return [step for steps in own for step in steps]
