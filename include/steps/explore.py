"""Tell the story of a table: cleaning, distributions, associations, time, in words and pictures."""

import logging
from functools import partial
from typing import Final

from include.analysis.analyze import analyze_table
from include.analysis.pairs_csv import write_pairs
from include.records import ExploreRecord, IngestRecord, RunContext, TableRef
from include.records.analysis import Analysis
from include.records.names import FINDINGS, PAIRS, STORY_PAGE
from include.reporting.explore_page import render_explore_page
from include.settings import load_settings
from include.specs import PipelineSpec
from include.tables.readers import iter_frames
from include.tables.run_files import RunFiles
from include.tracking.names import in_group
from include.tracking.runs import open_run

logger = logging.getLogger(__name__)

BATCH_ROWS: Final = 65_536


def explore(
    spec: PipelineSpec, run: RunContext, ingested: IngestRecord | TableRef
) -> ExploreRecord:
    """Analyse a raw or checked table and store the page, the pairs and the findings.

    The table is read once, in batches. Private columns are counted and not looked at.

    Args:
        spec: The pipeline with this run's parameters written in.
        run: The run it works for.
        ingested: What `ingest` handed on, or any other table of the contract's columns.
    """
    settings = load_settings()
    files, log = RunFiles(settings.data, run), open_run(settings, run)
    table = ingested.raw if isinstance(ingested, IngestRecord) else ingested
    source = ingested.source if isinstance(ingested, IngestRecord) else ""
    batches = partial(iter_frames, table, batch_rows=BATCH_ROWS)
    found = analyze_table(spec, batches, table.rows)
    page = render_explore_page(spec, run, found, mlflow_url=log.url, source=source)
    contents = {
        STORY_PAGE: page.encode("utf-8"),
        PAIRS: write_pairs(found.associations),
        FINDINGS: found.model_dump_json().encode("utf-8"),
    }
    places = {}
    for name, content in contents.items():
        places[name] = files.write_bytes(name, content)
        log.log_bytes(content, name)
    log.log_table(table, "explored", "exploration")
    log.log_metrics(in_group("data", _figures(found)))
    log.rename(f"explored {found.rows:,} rows")
    logger.info(
        "explored %d rows: %d missing values, %d duplicates, %d pairs",
        found.rows,
        _count_missing(found),
        found.duplicates,
        len(found.associations),
    )
    return ExploreRecord(
        uri=places[STORY_PAGE],
        size_bytes=len(contents[STORY_PAGE]),
        pairs_uri=places[PAIRS],
        findings_uri=places[FINDINGS],
        rows=found.rows,
        sampled_rows=found.sampled_rows,
        missing=_count_missing(found),
        duplicates=found.duplicates,
        pairs=len(found.associations),
        strongest=_name_strongest(found),
        artifact=STORY_PAGE,
    )


def _figures(found: Analysis) -> dict[str, float]:
    return {
        "explored_rows": float(found.rows),
        "missing_values": float(_count_missing(found)),
        "duplicates": float(found.duplicates),
        "pairs": float(len(found.associations)),
    }


def _count_missing(found: Analysis) -> int:
    return sum(profile.missing for profile in found.profiles)


def _name_strongest(found: Analysis) -> tuple[str, ...]:
    """Name the strongest pairs, short enough to travel between tasks."""
    return tuple(
        f"{pair.left[:100]} / {pair.right[:100]}: {pair.value:.3f}"
        for pair in found.associations[:3]
    )
