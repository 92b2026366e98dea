"""Whether the MLflow server gives back what it is given: a metric and an artifact."""

import secrets
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Final

from include.errors import InfrastructureError
from include.tracking.connection import connect, tracking_calls
from include.tracking.removal import remove_run
from include.tracking.runs import ensure_experiment

if TYPE_CHECKING:
    from include.settings import Settings

EXPERIMENT: Final = "gatehouse-doctor"


def try_round_trip(settings: "Settings") -> None:
    """Write a run with an artifact to the server, read both back, and remove them.

    Raises:
        InfrastructureError: Something else came back.
        TrackingUnavailableError: The server does not answer.
    """
    client = connect(settings)
    text = secrets.token_hex(16)
    with tracking_calls(settings.mlflow), TemporaryDirectory() as scratch:
        run = client.create_run(
            ensure_experiment(client, EXPERIMENT).experiment_id, run_name="round trip"
        )
        try:
            client.log_metric(run.info.run_id, "probe", 1.0)
            client.log_text(run.info.run_id, text, "probe.txt")
            back = Path(client.download_artifacts(run.info.run_id, "probe.txt", scratch))
            metrics = client.get_run(run.info.run_id).data.metrics
            if back.read_text(encoding="utf-8") != text or metrics != {"probe": 1.0}:
                raise InfrastructureError(
                    f"MLflow at {settings.mlflow} must give back what it was given. Received: "
                    "another text or metric. See its log, and the disk of its artifacts."
                )
        finally:
            remove_run(settings, client, run)
