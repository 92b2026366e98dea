"""The decisions of past runs, as `judge` left them among their artifacts."""

import logging
from collections.abc import Iterator
from typing import TYPE_CHECKING, NamedTuple

from include.tracking.connection import connect, tracking_calls

if TYPE_CHECKING:
    from include.settings import Settings

logger = logging.getLogger(__name__)


class PastDecision(NamedTuple):
    """A run's name, when it began (Unix seconds), and its decision as JSON."""

    name: str
    started: float
    content: str


def iter_decisions(
    settings: "Settings", pipeline: str, file_name: str, *, last: int
) -> Iterator[PastDecision]:
    """Read the decisions of the latest judged runs, the latest first.

    Args:
        settings: Where the MLflow server is.
        pipeline: Its name is that of the experiment.
        file_name: Name of the artifact.
        last: Most runs.
    """
    client = connect(settings)
    import mlflow

    with tracking_calls(settings.mlflow):
        experiment = client.get_experiment_by_name(pipeline)
        runs = (
            client.search_runs(
                [experiment.experiment_id],
                filter_string="tags.`gatehouse.verdict` != ''",
                order_by=["attributes.start_time DESC"],
                max_results=last,
            )
            if experiment is not None
            else []
        )
        for run in runs:
            paths = {each.path for each in client.list_artifacts(run.info.run_id)}
            if file_name not in paths:
                logger.warning("run %s has no %s and is left out", run.info.run_name, file_name)
                continue
            content = mlflow.artifacts.load_text(f"{run.info.artifact_uri}/{file_name}")
            yield PastDecision(run.info.run_name, run.info.start_time / 1_000, content)
