"""Judge one file as a window without Airflow: `gatehouse check NAME --against FILE --drift`."""

from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

from include.records import Window
from include.serving.champion import load_served
from include.settings import Settings
from include.specs import PipelineSpec
from include.steps.ingest import connection_from_environment
from include.steps.monitor import look_at
from include.steps.monitor.comparing import read_watched
from include.steps.monitor.performance import Scored, measure_scored
from include.steps.score.inputs import NewInput, read_input
from include.steps.score.predict import SUMMARY, make_scorer, read_frames
from include.tables.store import TableStore
from include.tracking.aliases import require_champion


def check_drift(spec: PipelineSpec, settings: Settings, file: Path) -> Window:
    """Hold a file against the champion's test rows, as a window of the pipeline would be.

    Rows that have their target are measured by it.

    Args:
        spec: The pipeline; how its own file is read holds for this one, too.
        settings: Where MLflow and the tables are; nothing is written there.
        file: The rows.

    Raises:
        ParamError: There is no champion.
        DataError: The file cannot be read, or no row of it is sound.
        TrackingUnavailableError: The MLflow server does not answer.
    """
    version = require_champion(settings, spec.name).version
    watched = read_watched(settings, spec.name, version)
    model = load_served(settings, spec.name, version).model
    with TemporaryDirectory(prefix="gatehouse-drift-") as scratch:
        own = settings.model_copy(update={"data_root": scratch})
        one = NewInput(file.name, spec.read_file(str(file.resolve())))
        read = read_input(spec, own, one, watched.bundle, connection_from_environment)
        scorer = make_scorer(spec, model, version, read.table)
        frames = read_frames(spec, model, read.table, (0, read.table.rows))
        with TableStore(scratch).write("predictions", spec.name, None, made_from={}) as writer:
            for rows in scorer.score(frames, source=file.name, scored_at=datetime.now(UTC)):
                writer.append(rows)
            writer.add_file(SUMMARY, scorer.summary.model_dump_json().encode())
        scored = [Scored(read.table, [writer.ref])]
        real, labelled = measure_scored(spec, watched, scored, None)
        return look_at(spec, watched, scored).model_copy(
            update={
                "inputs": (file.name,),
                "quarantined": read.quarantined,
                "real": real,
                "labelled": labelled,
            }
        )
