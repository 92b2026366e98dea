"""Task `shadow`: what the champion before would have said of a new champion's first inputs."""

import logging
from collections.abc import Sequence
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from scipy.stats import binomtest
from upath import UPath

from include.errors import InfrastructureError
from include.records import (
    RunContext,
    ScoredInput,
    ScoringDetails,
    ScoringPlan,
    Shadow,
    ShadowRecord,
    TableRef,
)
from include.serving.bundle import read_bundle
from include.settings import load_settings
from include.specs import PipelineSpec
from include.steps.score.predict import predict_stretch
from include.steps.score.receipts import Receipts
from include.tables.readers import read_table
from include.tracking.aliases import find_replaced
from include.tracking.bundles import DATA
from include.tracking.registry import fetch_version
from include.tracking.runs import open_run
from include.tracking.signatures import PREDICTION

logger = logging.getLogger(__name__)

# Numbers that lie further apart than this share of the target's deviation disagree.
APART: Final = 0.5


def shadow(spec: PipelineSpec, run: RunContext, planned: ScoringPlan) -> ShadowRecord:
    """Let the champion before score what the champion just did, and count where both disagree.

    Only the first inputs of a version that replaced another by a promotion are held against it. A
    champion before that cannot score these rows says nothing, and keeps nothing from being
    scored.

    Args:
        spec: The pipeline; `scoring.shadow` says how many inputs, and how much is too much.
        run: The run.
        planned: What `read_inputs` planned, and `deliver` delivered.

    Raises:
        InfrastructureError: A server does not answer.
    """
    settings, version = load_settings(), planned.version
    receipts = Receipts(settings.data, spec.name, version)
    previous = find_replaced(settings, spec.name, version)
    why = "" if previous else "it replaced no other"
    if previous and spec.scoring.shadow.inputs:
        why = _score_along(spec, planned, receipts, previous)
    compared = [each for each in receipts.list_all() if _was_said_by(each, previous)]
    rows = sum(each.rows for each in compared)
    disagreeing = sum(each.shadow.disagreeing for each in compared if each.shadow)
    goes_back = is_too_much(disagreeing, rows, spec.scoring.shadow.max_disagreement)
    share = disagreeing / max(rows, 1)
    said = why or f"version {previous} says otherwise of {share:.1%} of {rows:,} rows"
    log = open_run(settings, run)
    if rows:
        log.log_metrics({"shadow/disagreement": share, "shadow/rows": float(rows)})
    logger.info("version %s of %s: %s", version, spec.name, said)
    return ShadowRecord(
        version=version,
        previous=previous,
        rows=rows,
        disagreement=share,
        goes_back=goes_back,
        why=said[:500],
    )


def is_too_much(disagreeing: int, rows: int, limit: float) -> bool:
    """Tell whether a share is surely beyond a limit: Wilson's interval, 95 %.

    Example:
        >>> is_too_much(2, 4, 0.3), is_too_much(50, 100, 0.3)
        (False, True)
    """
    if not rows:
        return False
    bounds = binomtest(disagreeing, rows).proportion_ci(0.95, method="wilson")
    return bool(bounds.low > limit)


def count_disagreeing(ours: Sequence[TableRef], theirs: Sequence[TableRef], apart: float) -> int:
    """Count the rows of which two versions say other things.

    Args:
        ours: Predictions of one version, in the order of the rows.
        theirs: Those of the other, of the same rows.
        apart: How far apart numbers may lie.
    """
    count = 0
    for one, other in zip(ours, theirs, strict=True):
        said, also = (read_table(table, [PREDICTION]).column(PREDICTION) for table in (one, other))
        if pa.types.is_floating(said.type):
            count += int((np.abs(said.to_numpy() - also.to_numpy()) > apart).sum())
        else:
            count += int(pc.sum(pc.not_equal(said, also)).as_py() or 0)
    return count


def _score_along(
    spec: PipelineSpec, planned: ScoringPlan, receipts: Receipts, previous: str
) -> str:
    """Score with the champion before what is left to compare; say what keeps it from that."""
    details = ScoringDetails.model_validate_json(UPath(planned.details_uri).read_bytes())
    done = {each.name for each in receipts.list_all() if _was_said_by(each, previous)}
    left = spec.scoring.shadow.inputs - len(done)
    waiting = [n for n, one in enumerate(details.inputs) if one.name not in done]
    settings = load_settings()
    directory = fetch_version(settings, spec.name, planned.version) / DATA
    apart = APART * read_bundle(directory).features.target_std
    for place in waiting[: max(left, 0)]:
        receipt = receipts.find(details.inputs[place].name)
        if receipt is None:
            continue
        try:
            said = tuple(
                predict_stretch(spec, details, number, previous)
                for number, shard in enumerate(details.shards)
                if shard.place == place
            )
        except InfrastructureError:
            raise
        except Exception as error:
            logger.warning("version %s cannot score along: %s", previous, error)
            return f"version {previous} cannot score these rows ({type(error).__name__})"
        counted = Shadow(
            version=previous,
            predictions=said,
            disagreeing=count_disagreeing(receipt.predictions, said, apart),
        )
        receipts.write(receipt.model_copy(update={"shadow": counted}))
    return ""


def _was_said_by(scored: ScoredInput, version: str) -> bool:
    return scored.shadow is not None and scored.shadow.version == version
