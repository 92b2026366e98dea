"""Task `validate`: check the raw table, move bad rows to quarantine, let only sound data go on."""

import logging
from typing import Final

from include.errors import QualityError
from include.quality.failure_table import render_failures
from include.records import IngestRecord, QualityReport, RunContext, ValidateRecord
from include.records.names import QUALITY
from include.settings import Settings, load_settings
from include.specs import PipelineSpec
from include.steps.validate.checked_tables import check_table
from include.tables.code import code_digest
from include.tables.run_files import RunFiles
from include.tables.store import TableStore, digest_key
from include.tracking.names import in_group
from include.tracking.runs import open_run

logger = logging.getLogger(__name__)

ARTIFACT: Final = "quality/report.json"
# What the verdict depends on; a change elsewhere in the spec reuses it.
SPEC_PARTS: Final = frozenset({"columns", "quality", "quarantine_limit", "min_rows", "target"})


def validate(spec: PipelineSpec, run: RunContext, ingested: IngestRecord) -> ValidateRecord:
    """Check a raw table against the contract and the spec's quality rules.

    Args:
        spec: The pipeline.
        run: The run; with `force` an unchanged table is checked again.
        ingested: The raw table, and the rows that could not be read.

    Raises:
        QualityError: A critical rule failed, or too many rows went to quarantine.
        SpecError: An entry under `quality` cannot be understood.
    """
    settings = load_settings()
    store = TableStore(settings.data)
    key = _build_key(spec, ingested)
    checked = check_table(spec, store, key, ingested, force=run.force)
    report = checked.report
    uri = _record(settings, run, report)
    if checked.table is None:
        table = render_failures(report)
        logger.error("%s", table)
        raise QualityError(
            f"expected data that passes every critical rule. Received: {table}\n"
            "Correct the source, or the contract where the data is right, and run again."
        )
    if report.failures:
        logger.warning("%s", render_failures(report))
    logger.info(
        "validated %d rows: %d rules, %d failed, %d rows in quarantine, %.1f s",
        *(report.rows, len(report.outcomes), len(report.failures), report.quarantined),
        report.seconds,
    )
    return ValidateRecord(
        checked=checked.table,
        quarantine=checked.quarantine,
        report_uri=uri,
        rules=len(report.outcomes),
        warnings=len(report.failures),
        quarantined=report.quarantined,
    )


def _build_key(spec: PipelineSpec, ingested: IngestRecord) -> str:
    return digest_key(
        ingested.raw.key,
        ingested.rejected.key if ingested.rejected else "",
        spec.model_dump(mode="json", include=set(SPEC_PARTS)),
        spec.cleaning.missing_target,
        code_digest(__name__),
    )


def _record(settings: Settings, run: RunContext, report: QualityReport) -> str:
    """Write the report to the run's directory and to MLflow; return where it lies."""
    data = report.model_dump_json(indent=1)
    uri = RunFiles(settings.data, run).write_bytes(QUALITY, data.encode())
    log = open_run(settings, run)
    counts = {
        "rules": len(report.outcomes),
        "rules_broken": len(report.failures),
        "quarantined_rows": report.quarantined,
    }
    log.log_metrics(in_group("data", counts) | in_group("cost", {"rules_seconds": report.seconds}))
    log.log_text(data, ARTIFACT)
    return uri
