"""Score one file without Airflow: `gatehouse predict`."""

from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final, NamedTuple

from include.errors import ParamError
from include.serving.batch import PredictionSummary
from include.serving.champion import load_served
from include.settings import Settings
from include.sources.file_lists import list_source_files
from include.specs import PipelineSpec
from include.steps.ingest import connection_from_environment
from include.steps.score.exports import write_csv, write_parquet
from include.steps.score.inputs import NewInput, read_input
from include.steps.score.predict import make_scorer, read_frames
from include.tables.layout import open_root
from include.tables.run_files import replace_file
from include.tables.store import iter_batches
from include.tracking.aliases import require_champion

ENDINGS: Final = (".csv", ".parquet")


class ScoredFile(NamedTuple):
    """What became of a file."""

    version: str
    summary: PredictionSummary
    quarantined: int
    quarantine: str
    warnings: tuple[str, ...]


def predict_file(
    spec: PipelineSpec, settings: Settings, file: Path, out: Path, *, formulas: bool = False
) -> ScoredFile:
    """Score a file with the champion; rows that break the contract are written beside the output.

    Args:
        spec: The pipeline; how its own file is read holds for this one, too.
        settings: Where MLflow and the copies of models are.
        file: The rows; the target may be absent.
        out: File of the predictions, .csv or .parquet.
        formulas: CSV: leave texts as they are that a spreadsheet takes for formulas.

    Raises:
        ParamError: There is no champion, or `out` is neither CSV nor Parquet.
        DataError: The file cannot be read, or no row of it is sound.
        TrackingUnavailableError: The MLflow server does not answer.
    """
    if out.suffix not in ENDINGS:
        raise ParamError(f"--out must end in {' or '.join(ENDINGS)}. Received: {out.name}.")
    champion = require_champion(settings, spec.name)
    model = load_served(settings, spec.name, champion.version).model
    with TemporaryDirectory(prefix="gatehouse-predict-") as scratch:
        own = settings.model_copy(update={"data_root": scratch})
        source = spec.read_file(str(file.resolve()))
        list_source_files(source, own.sources, must_exist=True)
        one = NewInput(file.name, source)
        read = read_input(spec, own, one, model.bundle, connection_from_environment)
        scorer = make_scorer(spec, model, champion.version, read.table)
        frames = read_frames(spec, model, read.table, (0, read.table.rows))
        batches = scorer.score(frames, source=file.name, scored_at=datetime.now(UTC))
        with replace_file(open_root(str(out))) as target:
            if out.suffix == ".csv":
                write_csv(target, batches, formulas=formulas)
            else:
                write_parquet(target, batches)
        quarantine = out.with_name(f"{out.stem}.quarantine.csv")
        if read.quarantine is not None:
            with replace_file(open_root(str(quarantine))) as target:
                write_csv(target, iter_batches(read.quarantine), formulas=formulas)
    kept = str(quarantine) if read.quarantine is not None else ""
    return ScoredFile(champion.version, scorer.summary, read.quarantined, kept, read.warnings)
