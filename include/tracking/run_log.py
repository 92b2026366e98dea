"""What a step writes to its MLflow run: parameters, metrics, tags, tables and files."""

import json
import logging
import math
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlencode

from include.records import TableRef
from include.tracking.connection import is_connection_failure, is_reachable, tracking_calls
from include.tracking.names import MODE, VIEW_KEY, entity_name, retitle
from include.tracking.spool import MetricPoint, MetricSpool
from include.values.formats import escape_markdown

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import Run
    from mlflow.store.artifact.artifact_repo import ArtifactRepository

    from include.settings import Settings

logger = logging.getLogger(__name__)

MAX_PARAM: Final = 6_000
MAX_TAG: Final = 5_000
# While the server is away, training asks for it no more often than this.
RETRY_SECONDS: Final = 10.0
# The tag in which MLflow keeps what it shows as the description of a run or an experiment.
DESCRIPTION: Final = "mlflow.note.content"
# The tag by which a run is renamed; the call that is made for it asks for the run first.
RUN_NAME: Final = "mlflow.runName"


class RunLog:
    """Writes to one MLflow run, by its id; `url` is the run's page, `name` what it is called.

    `status` is how the run stood when it was looked up.
    """

    def __init__(
        self,
        run: "Run",
        *,
        client: "MlflowClient",
        settings: "Settings",
        spool: MetricSpool,
    ) -> None:
        """Hold a run; `open_run` makes these.

        Args:
            run: The MLflow run as it was found or created.
            client: A client of the server that holds it.
            settings: Where that server is, for tasks and for people.
            spool: Where metrics wait while the server is away.
        """
        self.run_id: str = run.info.run_id
        self.experiment_id: str = str(run.info.experiment_id)
        self.client = client
        self.settings = settings
        self.server = settings.mlflow
        self.name = str(run.info.run_name)
        self.status = str(run.info.status)
        runs = f"{settings.mlflow_public}/#/experiments/{self.experiment_id}/runs"
        self.runs_url = f"{runs}?{MODE}&viewStateShareKey={VIEW_KEY}"
        self.url = f"{runs}/{self.run_id}?{MODE}"
        self._artifact_uri = str(run.info.artifact_uri)
        self._params: dict[str, str] = dict(run.data.params)
        self._unsent_params: dict[str, str] = {}
        self._unsent_tags: dict[str, str] = {}
        self._spool = spool
        self._held: list[MetricPoint] | None = None
        self._next_try = 0.0
        self._is_away = not spool.is_empty

    @cached_property
    def experiment_tags(self) -> Mapping[str, str]:
        """Tags of the run's experiment, as they were when they were first asked for."""
        with tracking_calls(self.server):
            return dict(self.client.get_experiment(self.experiment_id).tags)

    @cached_property
    def _artifacts(self) -> "ArtifactRepository":
        """Where the run's files go; each new client of MLflow's would ask the server for it."""
        from mlflow.store.artifact.artifact_repository_registry import get_artifact_repository

        return get_artifact_repository(self._artifact_uri, tracking_uri=self.server)

    def log_params(self, params: Mapping[str, object]) -> None:
        """Record parameters; one that is already there with another value becomes a tag.

        MLflow's parameters cannot change. When a retry differs, the first value stays and the
        new one is the tag `gatehouse.changed.<name>`.

        Args:
            params: Values by name; a value is written as text and cut at 6,000 characters.
        """
        texts = {entity_name(name): str(value)[:MAX_PARAM] for name, value in params.items()}
        new = {name: text for name, text in texts.items() if name not in self._params}
        changed = {
            f"gatehouse.changed.{name}": text
            for name, text in texts.items()
            if self._params.get(name, text) != text
        }
        self._params |= new
        self._unsent_params |= new
        if self._held is None:
            self._send_unsent()
        if changed:
            logger.warning("parameters differ from the first try, kept as tags: %s", changed)
            self.set_tags(changed)

    def log_metrics(self, metrics: Mapping[str, float], step: int | None = None) -> None:
        """Record metrics; while the server is away they wait on disk and nothing is raised.

        Args:
            metrics: Values by name; what is not finite is left out with a warning.
            step: Epoch or other position on the x axis; 0 unless given.
        """
        points = self._points({step or 0: metrics})
        if self._held is not None:
            self._held += points
        elif points:
            self._send_or_spool(points)

    def log_epochs(self, epochs: Mapping[int, Mapping[str, float]]) -> None:
        """Record the metrics of several epochs, by their number, in one call; else as above."""
        points = self._points(epochs)
        if points:
            self._send_or_spool(points)

    @contextmanager
    def hold(self) -> Iterator[None]:
        """Send what a block records in one call at its end, however it ends.

        The metrics of an epoch are sent at once, with the parameters and tags that wait.
        """
        outer, self._held = self._held, []
        try:
            yield
            self.send()
        except BaseException:
            try:
                self.send()
            except Exception as error:  # why the block ended counts more
                logger.warning("what the step recorded last is not in MLflow: %s", error)
            raise
        finally:
            self._held = outer

    def send(self) -> None:
        """Send what a block holds without waiting for its end."""
        if self._held:
            self._send_or_spool(self._held)
            self._held = []
        self._send_unsent()

    def _send_unsent(self) -> None:
        """Send the parameters and tags that no metrics took along."""
        if self._unsent_params or self._unsent_tags:
            with tracking_calls(self.server):
                self._send([])

    def _points(self, epochs: Mapping[int, Mapping[str, float]]) -> list[MetricPoint]:
        now = time.time_ns() // 1_000_000
        points = [
            MetricPoint(entity_name(name), float(value), now, step)
            for step, metrics in epochs.items()
            for name, value in metrics.items()
            if _is_finite(value)
        ]
        if len(points) < sum(map(len, epochs.values())):
            names = {n for each in epochs.values() for n, v in each.items() if not _is_finite(v)}
            logger.warning("metrics that are not finite are not logged: %s", sorted(names))
        return points

    def announce_metric(self, name: str) -> None:
        """Let a metric be the first of the run, as NaN until it is measured.

        MLflow's compare page opens on the metric that a run logged first.
        """
        with tracking_calls(self.server):
            self.client.log_metric(self.run_id, entity_name(name), math.nan)

    def flush(self) -> None:
        """Send the metrics that wait on disk.

        Raises:
            TrackingUnavailableError: The server is still away; the metrics stay on disk.
        """
        points = self._spool.read()
        if points:
            with tracking_calls(self.server):
                self._send(points)
            logger.info("%d metric values that waited on disk were sent", len(points))
        self._spool.clear()
        self._is_away = False

    def set_tags(self, tags: Mapping[str, object]) -> None:
        """Set tags; values are written as text and cut at 5,000 characters."""
        self._unsent_tags |= {entity_name(name): str(text)[:MAX_TAG] for name, text in tags.items()}
        if self._held is None:
            self._send_unsent()

    def rename(self, state: str, metric: str = "", value: float | None = None) -> None:
        """Let the run's name tell how it stands; one that a person gave stays."""
        name = retitle(self.name, state, metric, value)
        if name != self.name:
            self.set_tags({RUN_NAME: name})
            self.name = name

    def describe_experiment(self, sentence: str) -> None:
        """Let MLflow's list of experiments tell how the last run stands, and lead to the runs.

        Args:
            sentence: What became of this run; plain text.
        """
        text = f"{self.name}: {escape_markdown(sentence)} [All runs](<{self.runs_url}>)"
        with tracking_calls(self.server):
            self.client.set_experiment_tag(self.experiment_id, DESCRIPTION, text[:MAX_TAG])

    def artifact_url(self, path: str) -> str:
        """Give the page on which MLflow shows an artifact of the run."""
        return self.url.replace("?", f"/artifacts/{path}?")

    def comparison_url(self, other: str) -> str:
        """Give the page on which MLflow shows this run beside another of the experiment."""
        query = urlencode(
            {
                "runs": json.dumps([other, self.run_id]),
                "experiments": json.dumps([self.experiment_id]),
            }
        )
        # MLflow's page reads the runs from the first parameter alone.
        return f"{self.settings.mlflow_public}/#/compare-runs?{query}&{MODE}"

    def log_text(self, text: str, path: str) -> None:
        """Store a text as an artifact, e.g. `log_text(page, "report.html")`."""
        self.log_bytes(text.encode("utf-8"), path)

    def log_bytes(self, content: bytes, path: str) -> None:
        """Store bytes as an artifact at `path` among the run's artifacts."""
        place = PurePosixPath(path)
        with tempfile.TemporaryDirectory() as directory:
            local = Path(directory) / place.name
            local.write_bytes(content)
            self.log_file(local, "" if str(place.parent) == "." else str(place.parent))

    def log_file(self, local_path: Path | str, artifact_dir: str = "") -> None:
        """Store a local file as an artifact in `artifact_dir`, under its own name."""
        with tracking_calls(self.server):
            self._artifacts.log_artifact(str(local_path), artifact_dir or None)

    def log_table(self, ref: TableRef, name: str, context: str) -> None:
        """Record a table as a data set of the run, by our digest of its content.

        Args:
            ref: The table.
            name: What it is called in MLflow, e.g. `raw` or `features`.
            context: What it was used for, e.g. `training` or `evaluation`.
        """
        from include.tracking.datasets import describe_table

        with tracking_calls(self.server):
            self.client.log_inputs(self.run_id, [describe_table(ref, name, context)])

    def _send_or_spool(self, points: list[MetricPoint]) -> None:
        if self._is_away and not self._is_back():
            self._spool.append(points)
            return
        try:
            if self._is_away:
                self.flush()
            self._send(points)
        except Exception as error:
            if not is_connection_failure(error):
                raise
            self._spool.append(points)
            logger.warning("no MLflow at %s; metrics wait in %s", self.server, self._spool.path)
            self._is_away = True
            self._next_try = time.monotonic() + RETRY_SECONDS

    def _is_back(self) -> bool:
        if time.monotonic() < self._next_try:
            return False
        self._next_try = time.monotonic() + RETRY_SECONDS
        return is_reachable(self.server)

    def _send(self, points: list[MetricPoint]) -> None:
        """Send points, and the parameters and tags that wait; MLflow's client splits the call."""
        from mlflow.entities import Metric, Param, RunTag

        self.client.log_batch(
            self.run_id,
            metrics=[Metric(*point) for point in points],
            params=[Param(*item) for item in self._unsent_params.items()],
            tags=[RunTag(*item) for item in self._unsent_tags.items()],
        )
        self._unsent_params, self._unsent_tags = {}, {}


def _is_finite(value: Any) -> bool:
    return value is not None and math.isfinite(value)
