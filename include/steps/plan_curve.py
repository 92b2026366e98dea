"""Step `plan_curve`: which shares of the training rows a learning curve is drawn from, if any."""

import logging
import math
from typing import Final

from include.records import CurvePlan, PrepareRecord, RunContext
from include.specs import PipelineSpec

logger = logging.getLogger(__name__)

SHARES: Final = (0.05, 0.1, 0.25, 0.5, 1.0)
MIN_ROWS: Final = 10


def plan_curve(spec: PipelineSpec, run: RunContext, prepared: PrepareRecord) -> CurvePlan:
    """Choose the shares, none unless the run asks for a learning curve.

    Args:
        spec: The pipeline.
        run: The run; `learning_curve` asks for the curve.
        prepared: The features.
    """
    if not run.learning_curve:  # one that does not comes here only if a person cleared this task
        return CurvePlan()
    rows = prepared.train_rows
    shares = tuple(share for share in SHARES if math.ceil(share * rows) >= MIN_ROWS)
    left_out = len(SHARES) - len(shares)
    if left_out:
        logger.warning(
            "%s: %d of %d shares of the %d training rows are left out, with fewer than %d rows",
            *(spec.name, left_out, len(SHARES), rows, MIN_ROWS),
        )
    return CurvePlan(shares=shares, train_rows=rows)


def name_fit(share: float) -> str:
    """Name the fit on a share, as its cost is called.

    Example:
        >>> name_fit(0.05)
        'fit_share_5'
    """
    return f"fit_share_{100 * share:.0f}"
