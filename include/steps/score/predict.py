"""Task `predict_shard`: the champion predicts one stretch of one input."""

import logging
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Final

import pandas as pd
from upath import UPath

from include.features.series import add_series_columns
from include.features.series_plan import SeriesPlan
from include.records import RunContext, ScoringDetails, ScoringPlan, ShardScores, TableRef
from include.serving.batch import BatchScorer, PredictionSummary
from include.serving.champion import load_served
from include.settings import load_settings
from include.specs import PipelineSpec
from include.specs.names import ROW_ID
from include.tables.code import code_digest
from include.tables.readers import iter_frames, read_table
from include.tables.store import TableStore, digest_key, read_file, read_manifest
from include.values.frames import to_frame

if TYPE_CHECKING:
    from include.serving.scoring_model import ScoringModel

logger = logging.getLogger(__name__)

BATCH_ROWS: Final = 65_536
SUMMARY: Final = "summary.json"


def predict_shard(
    spec: PipelineSpec, run: RunContext, planned: ScoringPlan, *, shard: int
) -> ShardScores:
    """Predict one shard with the version that the run began with.

    The model answers its golden rows first. A shard that an earlier try wrote is found again, so
    that nothing is predicted twice.

    Args:
        spec: The pipeline.
        run: The run; with `force` what is there is predicted again.
        planned: What `read_inputs` planned.
        shard: Place of the shard in the plan.

    Raises:
        IntegrityError: The version's files are not those that were sealed.
        ReplayError: It no longer answers its golden rows as it did.
        DataError: It gives no finite number for a row.
    """
    details = ScoringDetails.model_validate_json(UPath(planned.details_uri).read_bytes())
    predictions = predict_stretch(spec, details, shard, planned.version, force=run.force)
    return ShardScores(shard=shard, predictions=predictions)


def predict_stretch(
    spec: PipelineSpec, details: ScoringDetails, shard: int, version: str, *, force: bool = False
) -> TableRef:
    """Predict one shard with a version, or find what was predicted before.

    Raises:
        IntegrityError: The version's files are not those that were sealed.
        ReplayError: It no longer answers its golden rows as it did.
        DataError: It gives no finite number for a row.
    """
    settings = load_settings()
    stretch = details.shards[shard]
    one = details.inputs[stretch.place]
    key = digest_key(
        *(one.table.key, one.name, stretch.start, stretch.stop, version),
        *(spec.row_names, spec.scoring.probabilities, spec.scoring.explanations),
        code_digest(__name__),
    )
    store = TableStore(settings.data)
    found = None if force else store.find("predictions", spec.name, key)
    if found is not None:
        logger.info("shard %d of %s was predicted before", shard, one.name)
        return found
    model = load_served(settings, spec.name, version).model
    scorer = make_scorer(spec, model, version, one.table)
    made_from = {"rows": one.table.uri, "version": version, "input": one.name}
    with store.write("predictions", spec.name, key, made_from=made_from) as writer:
        frames = read_frames(spec, model, one.table, (stretch.start, stretch.stop))
        for rows in scorer.score(frames, source=one.name, scored_at=details.scored_at):
            writer.append(rows)
        writer.add_file(SUMMARY, scorer.summary.model_dump_json().encode())
    logger.info("version %s predicted %d rows of %s", version, writer.rows, one.name)
    return writer.ref


def sum_up(tables: Iterable[TableRef]) -> PredictionSummary:
    """Put the summaries of tables of predictions together."""
    total = PredictionSummary()
    for table in tables:
        total = total.add(PredictionSummary.model_validate_json(read_file(table, SUMMARY)))
    return total


def make_scorer(
    spec: PipelineSpec, model: "ScoringModel", version: str, table: TableRef
) -> BatchScorer:
    """Make a scorer that copies the columns that name a row, as far as the table has them."""
    there = read_manifest(table)["schema"]
    return BatchScorer(
        model,
        version=version,
        names=[name for name in spec.row_names if name in there],
        probabilities=spec.scoring.probabilities,
        explanations=spec.scoring.explanations,
    )


def read_frames(
    spec: PipelineSpec, model: "ScoringModel", table: TableRef, stretch: tuple[int, int]
) -> Iterator[pd.DataFrame]:
    """Read the rows of a stretch with what the model asks for.

    Fills and lags need all rows of an input in order, so that of a series all are held at once.
    """
    series = SeriesPlan(spec)
    there = read_manifest(table)["schema"]
    asked = (ROW_ID, *spec.row_names, *(each.name for each in model.bundle.columns))
    asked += series.inputs if series.is_needed else ()
    columns = [name for name in dict.fromkeys(asked) if name in there]
    if series.is_needed:
        whole = add_series_columns(read_table(table, columns), series)
        yield to_frame(whole[stretch[0] : stretch[1]])
        return
    yield from iter_frames(table, columns, batch_rows=BATCH_ROWS, stretch=stretch)
