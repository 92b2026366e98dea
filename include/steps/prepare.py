"""`prepare`: clean, split, fit the preprocessor on the training rows only, transform, check."""

import json
import logging
from typing import Final

import numpy as np

from include.features.preparation import choose_batch_rows, fit_preparation
from include.records import FeatureSchema, PrepareRecord, RunContext, TableRef, ValidateRecord
from include.records.names import CLEANING, PREPROCESSOR, SCHEMA, TRAINED_ROWS
from include.settings import Settings, load_settings
from include.specs import PipelineSpec
from include.specs.names import PART
from include.tables.code import code_digest
from include.tables.store import (
    TableStore,
    digest_key,
    iter_batches,
    read_file,
    read_manifest,
)
from include.tables.writer import TableWriter
from include.tracking.names import in_group
from include.tracking.runs import open_run

logger = logging.getLogger(__name__)

# What the features depend on; a change elsewhere in the spec reuses them.
SPEC_PARTS: Final = ("columns", "target", "cleaning", "split", "selection", "min_rows")


def prepare(spec: PipelineSpec, run: RunContext, checked: ValidateRecord) -> PrepareRecord:
    """Make the feature tables and the fitted preprocessor of a checked table.

    Raises:
        DataError: The rows do not allow what the spec asks for.
        LeakageError: The target, or rows of another part, would reach training.
    """
    settings = load_settings()
    store = TableStore(settings.data)
    parts = spec.model_dump(mode="json", include=set(SPEC_PARTS))
    key = digest_key(checked.checked.key, parts, code_digest(__name__))
    table = None if run.force else store.find("features", spec.name, key)
    if table is None:
        why = "recomputing was asked for" if run.force else "no table has this key yet"
        logger.info("preparing features %s: %s", key, why)
        made_from = {"checked": checked.checked.uri, **parts}
        with store.write(
            "features", spec.name, key, made_from=made_from, packs_arrays=True
        ) as writer:
            write_features(spec, checked.checked, writer)
        table = writer.ref
    else:
        reason = f"the checked table, {', '.join(SPEC_PARTS)} and the code are the same"
        logger.info("reusing features %s: %s", key, reason)
    record = _build_record(table)
    _log_to_mlflow(settings, run, record)
    logger.info(
        "prepared %d train, %d validation and %d test rows, %d inputs; cleaning: %s",
        *(record.train_rows, record.validation_rows, record.test_rows, record.inputs),
        record.cleaning,
    )
    for warning in record.warnings:
        logger.warning(warning)
    return record


def write_features(spec: PipelineSpec, checked: TableRef, writer: TableWriter) -> None:
    """Write the features of checked rows, and what was fitted on those that train.

    Raises:
        DataError: The rows do not allow what the spec asks for.
        LeakageError: The target, or rows of another part, would reach training.
    """
    batch_rows = choose_batch_rows(spec)
    preparation = fit_preparation(
        spec,
        lambda columns: iter_batches(checked, columns, batch_rows=batch_rows),
        has_parts=PART in read_manifest(checked)["schema"],
    )
    for part, rows in preparation.stream():
        writer.append(rows, part=part)
    preprocessor = preparation.preprocessor
    writer.add_file(PREPROCESSOR, preprocessor.model_dump_json().encode())
    writer.add_file(SCHEMA, preprocessor.schema.model_dump_json().encode())
    writer.add_file(CLEANING, preparation.describe_cleaning())
    writer.add_file(TRAINED_ROWS, preparation.learned_rows.to_bytes())


def _build_record(table: TableRef) -> PrepareRecord:
    details = json.loads(read_file(table, CLEANING))
    schema = FeatureSchema.model_validate_json(read_file(table, SCHEMA))
    return PrepareRecord(
        features=table,
        preprocessor_uri=f"{table.uri}/{PREPROCESSOR}",
        schema_uri=f"{table.uri}/{SCHEMA}",
        train_rows=table.parts["train"],
        validation_rows=table.parts["validation"],
        test_rows=table.parts["test"],
        inputs=sum(int(np.prod(each.shape)) for each in schema.inputs),
        cleaning=details["counts"],
        warnings=tuple(text[:300] for text in details["warnings"][:10]),
    )


def _log_to_mlflow(settings: Settings, run: RunContext, record: PrepareRecord) -> None:
    log = open_run(settings, run)
    sizes = {
        "train_rows": record.train_rows,
        "validation_rows": record.validation_rows,
        "test_rows": record.test_rows,
        "inputs": record.inputs,
    }
    log.log_params({"features_key": record.features.key, "inputs": record.inputs})
    cleaning = {f"cleaning_{name}": count for name, count in record.cleaning.items()}
    log.log_metrics(in_group("data", sizes | cleaning))
    log.log_table(record.features, "features", "training")
    for name in (PREPROCESSOR, CLEANING):
        log.log_bytes(read_file(record.features, name), f"preparation/{name}")
