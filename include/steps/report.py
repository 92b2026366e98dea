"""Write the page of a run: what went in, whether it passed, how good the model is."""

import logging
from collections.abc import Mapping
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import PurePosixPath
from typing import Final

from include.promotion.key_metrics import list_key_metrics
from include.promotion.wording import tell_outcome
from include.records import (
    STEPS,
    EvaluateRecord,
    Evidence,
    KeyMetric,
    LearningCurve,
    PromoteRecord,
    QualityReport,
    Record,
    ReportRecord,
    RunContext,
    RunRecords,
    StepCost,
    StepFailure,
    ValidateRecord,
    Verdict,
)
from include.records.explanations import Explanations
from include.records.names import (
    CURVE,
    DETAILS,
    EVIDENCE,
    EXPLANATIONS,
    FAILURE,
    QUALITY,
    REPORT_PAGE,
    cost_file,
)
from include.reporting.details import Addresses, EvaluationDetails
from include.reporting.headline import list_warnings
from include.reporting.run_report import RunEvidence, render_run_report
from include.settings import load_settings
from include.specs import PipelineSpec
from include.steps.plan_curve import SHARES, name_fit
from include.tables.run_files import RunFiles
from include.tracking.aliases import find_run_of_version
from include.tracking.run_log import DESCRIPTION
from include.tracking.runs import RunLog, describe_run, open_run

logger = logging.getLogger(__name__)

LIBRARIES: Final = ("apache-airflow-core", "great-expectations", "pandas", "keras", "jax", "mlflow")


def report(spec: PipelineSpec, run: RunContext, *handed_on: Record | None) -> ReportRecord:
    """Render what the run came to, store it in the run's directory and log it to MLflow.

    Args:
        spec: The pipeline with this run's parameters written in.
        run: The run it works for.
        handed_on: The records of its steps; None where a failed run did not come so far.
    """
    records = RunRecords(*handed_on)
    return write_report(spec, run, records, gather_evidence(spec, run, records))


def gather_evidence(
    spec: PipelineSpec, run: RunContext, records: RunRecords, *, is_waiting: bool = False
) -> RunEvidence:
    """Collect what lies behind the records of a run.

    Args:
        spec: The pipeline with this run's parameters written in.
        run: The run.
        records: What its steps handed on.
        is_waiting: Whether a person is being asked about the candidate.
    """
    settings = load_settings()
    files, log = RunFiles(settings.data, run), open_run(settings, run)
    quality = _read_quality(files, records.get(ValidateRecord))
    evaluated, verdict = records.get(EvaluateRecord), records.get(Verdict)
    outcome = None
    if evaluated and verdict:
        promoted = records.get(PromoteRecord)
        outcome = tell_outcome(verdict, evaluated, promoted, is_waiting=is_waiting)
    return RunEvidence(
        quality=quality,
        outcome=outcome,
        failure=_read_failure(files),
        key_metrics=_read_key_metrics(spec, files),
        warnings=list_warnings(records, quality),
        details=_read_details(files),
        figures=_read_figures(files, evaluated),
        costs=_read_costs(files),
        curve=(curve := _read_curve(files)),
        curve_figure=files.read_bytes(curve.figure) if curve else b"",
        addresses=Addresses(
            report=log.artifact_url(REPORT_PAGE),
            comparison=_find_comparison(log, spec.name, evaluated),
            mlflow=log.url,
            airflow=run.airflow_url,
        ),
        explanations=_read_explanations(files),
        versions=_installed_versions(),
        spec_digest=spec.digest,
        written_at=f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC",
    )


def write_report(
    spec: PipelineSpec, run: RunContext, records: RunRecords, evidence: RunEvidence
) -> ReportRecord:
    """Render the page of a run, store it in the run's directory and log it to MLflow."""
    settings = load_settings()
    files, log = RunFiles(settings.data, run), open_run(settings, run)
    page = render_run_report(spec, run, records, evidence).encode("utf-8")
    uri = files.write_bytes(REPORT_PAGE, page)
    log.log_bytes(page, REPORT_PAGE)
    links = {"Report": log.artifact_url(REPORT_PAGE)}
    sentence = evidence.headline(records).sentence
    log.set_tags({DESCRIPTION: describe_run(run, sentence, links)})
    log.describe_experiment(sentence)
    logger.info("report of %s written: %d KB at %s", run.run_key, len(page) >> 10, uri)
    told = tuple(name for name, record in records.by_step.items() if record)
    return ReportRecord(
        uri=uri, size_bytes=len(page), artifact=REPORT_PAGE, sentence=sentence, steps=told
    )


def _read_failure(files: RunFiles) -> StepFailure | None:
    if not files.exists(FAILURE):
        return None
    return StepFailure.model_validate_json(files.read_bytes(FAILURE))


def _read_key_metrics(spec: PipelineSpec, files: RunFiles) -> tuple[KeyMetric, ...]:
    if not files.exists(EVIDENCE):
        return ()
    return list_key_metrics(spec, Evidence.model_validate_json(files.read_bytes(EVIDENCE)))


def _find_comparison(log: RunLog, name: str, evaluated: EvaluateRecord | None) -> str:
    """Give the page that shows this run beside the one that made the champion, if there is one."""
    version = evaluated.champion_version if evaluated else ""
    other = find_run_of_version(log.settings, name, version) if version else ""
    return log.comparison_url(other) if other else ""


def _read_quality(files: RunFiles, validated: ValidateRecord | None) -> QualityReport | None:
    """Read the rules' outcomes: they are there even if `validate` failed and gave no record."""
    name = PurePosixPath(validated.report_uri).name if validated else QUALITY
    if not files.exists(name):
        return None
    return QualityReport.model_validate_json(files.read_bytes(name))


def _read_details(files: RunFiles) -> EvaluationDetails:
    if not files.exists(DETAILS):
        return EvaluationDetails()
    return EvaluationDetails.model_validate_json(files.read_bytes(DETAILS))


def _read_explanations(files: RunFiles) -> Explanations | None:
    if not files.exists(EXPLANATIONS):
        return None
    return Explanations.model_validate_json(files.read_bytes(EXPLANATIONS))


def _read_figures(files: RunFiles, evaluated: EvaluateRecord | None) -> Mapping[str, bytes]:
    """Read the figures that `evaluate` drew; one that is gone is left out of the page."""
    names = evaluated.figures if evaluated else ()
    return {name: files.read_bytes(name) for name in names if files.exists(name)}


def _read_curve(files: RunFiles) -> LearningCurve | None:
    """Read the learning curve, if the run drew one."""
    if not files.exists(CURVE):
        return None
    return LearningCurve.model_validate_json(files.read_bytes(CURVE))


def _read_costs(files: RunFiles) -> tuple[StepCost, ...]:
    fits = map(name_fit, SHARES)
    names = [cost_file(step) for step in (*STEPS, *fits, "draw_curve")]
    return tuple(
        StepCost.model_validate_json(files.read_bytes(name)) for name in names if files.exists(name)
    )


def _installed_versions() -> dict[str, str]:
    found = {}
    for library in LIBRARIES:
        try:
            found[library] = version(library)
        except PackageNotFoundError:
            continue
    return found
