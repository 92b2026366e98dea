"""Which candidates were held against a champion, on which test rows: tags of the experiment.

They survive every run and restart, and also stand where there is no registered model yet.
"""

import logging
from typing import Final

from pydantic import ValidationError

from include.records import TriedRows
from include.tracking.connection import tracking_calls
from include.tracking.run_log import MAX_TAG, RunLog

logger = logging.getLogger(__name__)

TRIES: Final = "gatehouse.tries"


def read_tried_rows(log: RunLog, champion: str) -> tuple[TriedRows, ...]:
    """Read what was tried against a champion, one record for each set of test rows.

    Args:
        log: Any run of the pipeline; its experiment holds the tags.
        champion: The champion's version, `none` before there is one.
    """
    prefix = f"{TRIES}.{champion}."
    with tracking_calls(log.server):
        tags = log.client.get_experiment(log.experiment_id).tags
    found = []
    for key in sorted(tags):
        if not key.startswith(prefix):
            continue
        try:
            found.append(TriedRows.model_validate_json(tags[key]))
        except ValidationError as error:
            logger.warning("the tag %s does not say what was tried and is left out: %s", key, error)
    return tuple(found)


def write_tried_rows(log: RunLog, champion: str, rows: str, tried: TriedRows) -> None:
    """Write down what was tried on a set of test rows.

    Args:
        log: Any run of the pipeline.
        champion: The champion's version, `none` before there is one.
        rows: Digest of the test rows.
        tried: All that was tried on them, the latest last; the oldest fall off where a tag is full.
    """
    text = tried.model_dump_json()
    while len(text) > MAX_TAG:
        tried = tried.model_copy(update={"tries": tried.tries[1:]})
        text = tried.model_dump_json()
    with tracking_calls(log.server):
        log.client.set_experiment_tag(log.experiment_id, f"{TRIES}.{champion}.{rows}", text)
