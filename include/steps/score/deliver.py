"""Task `deliver`: bring predictions to where they are wanted, and write a receipt for each input.

What an input's receipt does not say yet is done again by the next try: a file takes its name when
it is complete, a database gets an input in one transaction, and both replace what was there.
"""

import logging
from collections.abc import Callable, Sequence
from typing import Final

from upath import UPath

from include.errors import DataError
from include.monitoring.drift import compare_counts, judge_window
from include.records import (
    Delivery,
    RunContext,
    ScoredInput,
    ScoringDetails,
    ScoringPlan,
    ShardScores,
    TableRef,
)
from include.serving.batch import INPUT, PredictionSummary
from include.settings import Settings, load_settings
from include.specs import PipelineSpec
from include.specs.names import ROW_ID
from include.steps.ingest import connection_from_environment
from include.steps.monitor.comparing import read_watched
from include.steps.score.exports import export_file
from include.steps.score.predict import sum_up
from include.steps.score.receipts import Receipts
from include.steps.score.sql_output import upsert
from include.tracking.runs import RunLog, open_run
from include.tracking.signatures import PREDICTION

logger = logging.getLogger(__name__)

MAX_CLASSES: Final = 50


def deliver(
    spec: PipelineSpec,
    run: RunContext,
    planned: ScoringPlan,
    shards: Sequence[ShardScores],
    *,
    connect: Callable[[str], str] | None = None,
) -> Delivery:
    """Deliver the predictions of all inputs.

    Args:
        spec: The pipeline.
        run: The run.
        planned: What `read_inputs` planned.
        shards: What `predict_shard` gave for each shard.
        connect: Gives the SQLAlchemy URL of a connection id; AIRFLOW_CONN_<ID> unless given.

    Raises:
        DataError: An input could not be scored; what could be is delivered.
        InfrastructureError: A server does not answer.
    """
    settings = load_settings()
    log = open_run(settings, run)
    details = ScoringDetails.model_validate_json(UPath(planned.details_uri).read_bytes())
    tables = {each.shard: each.predictions for each in shards}
    receipts = Receipts(settings.data, spec.name, details.version)
    outputs = []
    for place, one in enumerate(details.inputs):
        own = [tables[n] for n, shard in enumerate(details.shards) if shard.place == place]
        output = _deliver_input(
            spec, settings, one.name, own, details.version, connect or connection_from_environment
        )
        outputs.append(output)
        receipts.write(
            ScoredInput(
                name=one.name,
                version=details.version,
                stamp=one.stamp,
                table=one.table,
                predictions=tuple(own),
                rows=one.table.rows,
                quarantined=one.quarantined,
                output=output,
                run_key=run.run_key,
                scored_at=details.scored_at,
            )
        )
        logger.info(
            "%s: %d rows scored by version %s, %d in quarantine, written to %s",
            *(one.name, one.table.rows, details.version, one.quarantined, output),
        )
    summary = sum_up(tables.values())
    warnings = [
        *explain_summary(summary),
        *_compare_classes(spec, settings, details.version, summary),
        *(text for one in details.inputs for text in one.warnings),
    ]
    for text in warnings:
        logger.warning("%s", text)
    _log(log, details, summary)
    if details.refused:
        first, why = next(iter(details.refused.items()))
        raise DataError(
            f"expected inputs that can be scored. Received: {len(details.refused)} that cannot be, "
            f"such as {first}: {why} The other {len(details.inputs)} are delivered."
        )
    return Delivery(
        version=details.version,
        inputs=len(details.inputs),
        rows=summary.rows,
        quarantined=planned.quarantined,
        outputs=tuple(dict.fromkeys(outputs))[:10],
        warnings=tuple(text[:300] for text in warnings[:10]),
    )


def explain_summary(summary: PredictionSummary) -> list[str]:
    """Say what is odd about predictions; nothing if nothing is.

    Example:
        >>> explain_summary(PredictionSummary(rows=100, classes={"no": 100}))
        ["all 100 rows are predicted as 'no'"]
    """
    found = []
    if len(summary.classes) == 1 and summary.rows >= 30:
        found.append(f"all {summary.rows:,} rows are predicted as {next(iter(summary.classes))!r}")
    if summary.far:
        found.append(
            f"{summary.far:,} of {summary.rows:,} predictions lie more than ten standard "
            "deviations from the mean of the training rows"
        )
    return found


def _compare_classes(
    spec: PipelineSpec, settings: Settings, version: str, summary: PredictionSummary
) -> list[str]:
    """Hold the shares of the predicted classes against those of the champion's test rows."""
    reference = read_watched(settings, spec.name, version).reference
    if reference is None or not summary.classes:
        return []
    rules = spec.monitoring
    found = compare_counts(
        reference.prediction, PREDICTION, summary.classes, min_rows=rules.min_rows
    )
    (judged,) = judge_window([found], alpha=rules.alpha, min_shift=rules.min_shift)
    told = f"the shares of the predicted classes are not those of its test rows: {judged.reason}"
    return [told] if judged.state == "drift" else []


def _deliver_input(
    spec: PipelineSpec,
    settings: Settings,
    name: str,
    tables: list[TableRef],
    version: str,
    connect: Callable[[str], str],
) -> str:
    wanted = spec.scoring.output
    if wanted.format == "sql":
        key = spec.row_names or (INPUT, ROW_ID)
        upsert(connect(wanted.connection), wanted.table, tables, key=key)
        return f"table {wanted.table} on connection {wanted.connection}"
    return export_file(
        tables,
        directory=wanted.uri or f"{settings.data}/predictions/{spec.name}",
        name=name,
        version=version,
        file_format=wanted.format,
        formulas=wanted.formulas,
    )


def _log(log: RunLog, details: ScoringDetails, summary: PredictionSummary) -> None:
    figures = {
        "rows": float(summary.rows),
        "quarantined": float(sum(one.quarantined for one in details.inputs)),
        "inputs": float(len(details.inputs)),
    }
    common = summary.rank_classes()
    if len(common) > MAX_CLASSES:
        logger.warning(
            "MLflow gets the shares of the %d most common of %d predicted classes",
            MAX_CLASSES,
            len(common),
        )
    for name, count in common[:MAX_CLASSES]:
        figures[f"share/{name}"] = count / max(summary.rows, 1)
    if summary.total:
        figures["mean"] = summary.total / max(summary.rows, 1)
    log.log_metrics(figures)
    log.set_tags({"gatehouse.version": details.version})
