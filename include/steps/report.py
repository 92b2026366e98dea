"""Write the page of a run: what went in, whether it passed, how good the model is."""

import logging
from collections.abc import Mapping
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import PurePosixPath
from typing import Final

from include.records import (
    STEPS,
    EvaluateRecord,
    LearningCurve,
    QualityReport,
    Record,
    ReportRecord,
    RunContext,
    RunRecords,
    StepCost,
    ValidateRecord,
)
from include.records.explanations import Explanations
from include.records.names import CURVE, DETAILS, EXPLANATIONS, QUALITY, REPORT_PAGE, cost_file
from include.reporting.details import EvaluationDetails
from include.reporting.run_report import RunEvidence, render_run_report
from include.settings import load_settings
from include.specs import PipelineSpec
from include.steps.plan_curve import SHARES, name_fit
from include.tables.run_files import RunFiles
from include.tracking.runs import open_run

logger = logging.getLogger(__name__)

LIBRARIES: Final = ("apache-airflow-core", "great-expectations", "pandas", "keras", "jax", "mlflow")


def report(spec: PipelineSpec, run: RunContext, *handed_on: Record | None) -> ReportRecord:
    """Render what the run came to, store it in the run's directory and log it to MLflow.

    Args:
        spec: The pipeline with this run's parameters written in.
        run: The run it works for.
        handed_on: The records of its steps; None where a failed run did not come so far.
    """
    settings = load_settings()
    files, log = RunFiles(settings.data, run), open_run(settings, run)
    records = RunRecords(*handed_on)
    evidence = RunEvidence(
        quality=_read_quality(files, records.get(ValidateRecord)),
        details=_read_details(files),
        figures=_read_figures(files, records.get(EvaluateRecord)),
        costs=_read_costs(files),
        curve=(curve := _read_curve(files)),
        curve_figure=files.read_bytes(curve.figure) if curve else b"",
        explanations=_read_explanations(files),
        mlflow_url=f"{settings.mlflow_public}/#/experiments/{log.experiment_id}/runs/{log.run_id}",
        versions=_installed_versions(),
        spec_digest=spec.digest,
        written_at=f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC",
    )
    page = render_run_report(spec, run, records, evidence).encode("utf-8")
    uri = files.write_bytes(REPORT_PAGE, page)
    log.log_bytes(page, REPORT_PAGE)
    logger.info("report of %s written: %d KB at %s", run.run_key, len(page) >> 10, uri)
    return ReportRecord(uri=uri, size_bytes=len(page), artifact=REPORT_PAGE)


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
