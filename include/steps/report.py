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
    PromoteRecord,
    QualityReport,
    Record,
    ReportRecord,
    RunContext,
    RunRecords,
    StepCost,
    ValidateRecord,
    Verdict,
)
from include.records.names import CURVE, DETAILS, QUALITY, REPORT_PAGE, cost_file
from include.reporting.details import EvaluationDetails
from include.reporting.headline import write_headline
from include.reporting.run_report import RunEvidence, render_run_report
from include.settings import load_settings
from include.specs import PipelineSpec
from include.steps.plan_curve import SHARES, name_fit
from include.tables.run_files import RunFiles
from include.tracking.runs import DESCRIPTION, describe_run, open_run

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
        mlflow_url=log.url,
        versions=_installed_versions(),
        spec_digest=spec.digest,
        written_at=f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC",
    )
    page = render_run_report(spec, run, records, evidence).encode("utf-8")
    uri = files.write_bytes(REPORT_PAGE, page)
    log.log_bytes(page, REPORT_PAGE)
    headline = write_headline(
        quality=evidence.quality,
        evaluated=records.get(EvaluateRecord),
        verdict=records.get(Verdict),
        promoted=records.get(PromoteRecord),
        last_step=records.last_step,
    )
    links = {"Report": log.artifact_url(REPORT_PAGE)}
    log.set_tags({DESCRIPTION: describe_run(run, headline.sentence, links)})
    logger.info("report of %s written: %d KB at %s", run.run_key, len(page) >> 10, uri)
    return ReportRecord(
        uri=uri, size_bytes=len(page), artifact=REPORT_PAGE, sentence=headline.sentence
    )


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
