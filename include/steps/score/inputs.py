"""Task `read_inputs`: find what the champion has not scored yet, read it, set broken rows aside."""

import logging
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Final, NamedTuple

from include.errors import DataError, QualityError, SourceError
from include.features.contract import list_lag_columns
from include.features.series_plan import SeriesPlan
from include.quality.failure_table import render_failures
from include.quality.suites import build_suite
from include.records import (
    RunContext,
    ScoringDetails,
    ScoringInput,
    ScoringPlan,
    Shard,
)
from include.records.names import SCORING
from include.serving.bundle import Bundle, read_bundle
from include.settings import Settings, load_settings
from include.sources.file_lists import ListedFile, list_source_files
from include.sources.snapshot import take_snapshot
from include.specs import PipelineSpec
from include.specs.sources import FileSource, Source
from include.steps.ingest import build_reading_plan, connection_from_environment
from include.steps.score.receipts import Receipts
from include.steps.validate.checked_tables import check_table
from include.tables.code import code_digest
from include.tables.run_files import RunFiles
from include.tables.store import TableStore, digest_key, read_manifest
from include.tracking.aliases import find_champion, require_champion
from include.tracking.bundles import DATA
from include.tracking.registry import fetch_version
from include.tracking.runs import open_run

logger = logging.getLogger(__name__)

MAX_INPUTS: Final = 1_000
# Of the spec: what decides which rows are sound.
SPEC_PARTS: Final = frozenset({"quality", "target", "columns"})


class NewInput(NamedTuple):
    """An input that was not scored yet, and the size and time of its file."""

    name: str
    source: Source
    stamp: str = ""


def find_new_inputs(
    spec: PipelineSpec, *, is_asked: bool, force: bool = False
) -> tuple[str, list[NewInput]]:
    """Find the champion, and the inputs that it has not scored yet; no row is read.

    Args:
        spec: The pipeline with the source of the rows to score.
        is_asked: Whether a person named the source, so that it must be there.
        force: Take what was scored, too.

    Returns:
        The champion's version, empty without one; and the inputs, at most 1,000, oldest first.

    Raises:
        ParamError: A person asks, and there is no champion.
        SourceError: What a person named is not there.
        TrackingUnavailableError: The MLflow server does not answer.
    """
    settings = load_settings()
    look_up = require_champion if is_asked else find_champion
    champion = look_up(settings, spec.name)
    if champion is None:
        return "", []
    if not isinstance(spec.source, FileSource):
        return champion.version, [NewInput(spec.source.kind, spec.source)]
    files = list_source_files(spec.source, settings.sources, must_exist=is_asked)
    receipts = Receipts(settings.data, spec.name, champion.version)
    found = []
    for file in files:
        name, stamp = file.name, _stamp(file)
        receipt = receipts.find(name)
        if force or receipt is None or receipt.stamp != stamp:
            source = spec.source.model_copy(update={"uri": file.uri, "test_uri": None})
            found.append((stamp.partition("-")[2], NewInput(name, source, stamp)))
    found.sort(key=lambda each: each[0])
    if len(found) > MAX_INPUTS:
        logger.warning("%d inputs wait; the oldest %d come first", len(found), MAX_INPUTS)
    return champion.version, [one for _, one in found[:MAX_INPUTS]]


def _stamp(file: ListedFile) -> str:
    """Give size and time of a file; what changes neither was not written again."""
    found = file.path.stat()
    return f"{found.st_size}-{getattr(found, 'st_mtime_ns', '') or found.st_mtime}"


def read_inputs(
    spec: PipelineSpec,
    run: RunContext,
    *,
    version: str,
    inputs: list[NewInput],
    connect: Callable[[str], str] | None = None,
) -> ScoringPlan:
    """Read inputs by the champion's contract and plan the shards of what is sound.

    Rows that cannot be read, or break a critical rule on rows, go to quarantine with the reason.
    An input that cannot be read at all keeps no other from being scored; `deliver` fails for it
    when the rest is done.

    Args:
        spec: The pipeline with the source of the rows to score.
        run: The run; with `force` what was scored is scored again.
        version: The champion's.
        inputs: What `find_new_inputs` gave.
        connect: Gives the SQLAlchemy URL of a connection id; AIRFLOW_CONN_<ID> unless given.

    Raises:
        InfrastructureError: A server does not answer.
    """
    settings = load_settings()
    log = open_run(settings, run)
    bundle = read_bundle(fetch_version(settings, spec.name, version) / DATA)
    receipts = Receipts(settings.data, spec.name, version)
    read: list[ScoringInput] = []
    refused: dict[str, str] = {}
    for one in inputs:
        try:
            found = read_input(spec, settings, one, bundle, connect or connection_from_environment)
        except DataError as error:
            logger.error("%s is not scored: %s", one.name, error)
            refused[one.name] = str(error)[:2_000]
            continue
        receipt = receipts.find(one.name)
        if receipt is not None and receipt.table.key == found.table.key and not run.force:
            logger.info("%s holds the rows that version %s has scored", one.name, version)
            receipts.write(receipt.model_copy(update={"stamp": one.stamp}))
            continue
        read.append(found)
    shards = [
        Shard(place=place, start=start, stop=min(start + size, one.table.rows))
        for place, one in enumerate(read)
        for size in [one.table.rows if list_lag_columns(spec) else spec.scoring.shard_rows]
        for start in range(0, one.table.rows, size)
    ]
    details = ScoringDetails(
        version=version,
        scored_at=run.due or datetime.now(UTC),
        inputs=tuple(read),
        shards=tuple(shards),
        refused=refused,
    )
    uri = RunFiles(settings.data, run).write_bytes(SCORING, details.model_dump_json().encode())
    log.log_params({"version": version, "inputs": len(read)})
    return ScoringPlan(
        version=version,
        inputs=len(read),
        refused=len(refused),
        rows=sum(one.table.rows for one in read),
        quarantined=sum(one.quarantined for one in read),
        shards=len(shards),
        details_uri=uri,
    )


def read_input(
    spec: PipelineSpec,
    settings: Settings,
    one: NewInput,
    bundle: Bundle,
    connect: Callable[[str], str],
) -> ScoringInput:
    """Read and check one input.

    Raises:
        DataError: It cannot be read, lacks a column, or no row of it is sound.
    """
    store = TableStore(settings.data)
    asked = take_contract(spec, bundle)
    needed = {column.name for column in bundle.columns} | set(spec.scoring.key)
    lagged = {lag.column for lag in spec.cleaning.lags}
    optional = {column.name for column in asked.stored_columns} - needed - lagged
    plan = build_reading_plan(asked, settings, connect, optional=frozenset(optional))
    try:
        ingested = take_snapshot(store, spec.name, one.source, plan)
    except SourceError:
        # Without a header, columns are told by their number: it may be all but the target.
        if getattr(one.source, "header", True) or spec.target.column in needed | lagged:
            raise
        others = tuple(each for each in asked.columns if each.name != spec.target.column)
        ingested = take_snapshot(store, spec.name, one.source, replace(plan, contract=others))
    there = set(read_manifest(ingested.raw)["schema"])
    rules = {rule.origin: rule.columns for rule in build_suite(asked, "scoring")}
    absent = {f"quality.{n}" for n, _ in enumerate(asked.quality)} & {
        origin for origin, named in rules.items() if optional.intersection(named) - there
    }
    checked_by = asked.replace(
        columns=tuple(each for each in asked.columns if each.name in there | needed),
        quality=tuple(rule for n, rule in enumerate(asked.quality) if f"quality.{n}" not in absent),
    )
    key = digest_key(
        *(ingested.raw.key, ingested.rejected.key if ingested.rejected else "", "scoring"),
        checked_by.model_dump(mode="json", include=set(SPEC_PARTS)),
        code_digest(check_table.__module__),
    )
    checked = check_table(checked_by, store, key, ingested, suite="scoring")
    if checked.table is None:
        raise QualityError(
            f"expected rows that keep the contract. Received: {render_failures(checked.report)}\n"
            f"Correct {one.name}, or the contract where the rows are right and train again."
        )
    failures = [failure for failure in checked.report.failures if failure.severity != "critical"]
    warnings = [failure.advice for failure in failures[:10]]
    if absent:
        warnings.append(f"{', '.join(sorted(absent))} not checked: their columns are not there")
    if lagged:
        reach = f"its first {SeriesPlan(spec).history} rows"
        reach += f" of each {spec.cleaning.group_by}" if spec.cleaning.group_by else ""
        warnings.append(f"lags look back within it: {reach} lack some; let it begin earlier")
    if ingested.dropped_columns:
        warnings.append(f"columns not in the contract, dropped: {list(ingested.dropped_columns)}")
    return ScoringInput(
        name=one.name,
        stamp=one.stamp,
        table=checked.table,
        quarantine=checked.quarantine,
        quarantined=checked.report.quarantined,
        warnings=tuple(f"{one.name}: {text}"[:300] for text in (*warnings, *ingested.notes)),
    )


def take_contract(spec: PipelineSpec, bundle: Bundle) -> PipelineSpec:
    """Give the pipeline with the contract of the columns that the champion was trained by.

    A private column stays as it is written down, as the champion knows it by its hash only.
    """
    theirs = {each.name: each for each in bundle.columns if not each.private}
    return spec.replace(columns=tuple(theirs.get(each.name, each) for each in spec.columns))
